//! `POST /registry/register` and `POST /registry/update-card`: an agent says where it is and what it can do.

mod failure;
mod grant;
mod openapi;
mod register;
mod request;
mod update_card;

pub use openapi::openapi;
use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new()
        .route("POST /registry/register", register::register)
        .route("POST /registry/update-card", update_card::update_card)
}
