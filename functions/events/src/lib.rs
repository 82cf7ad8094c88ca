//! `GET /events` and `GET /events/{id}`: what happened, newest first. For operators.

mod list;

use platform::Router;

/// The routes of this function.
pub fn router() -> Router {
    Router::new().route("GET /events", list::of_all).route("GET /events/{id}", list::of_one)
}

#[cfg(test)]
mod tests {
    #[test]
    fn routes() {
        assert_eq!(super::router().keys(), ["GET /events", "GET /events/{id}"]);
    }
}
