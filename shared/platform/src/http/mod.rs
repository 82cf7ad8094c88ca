//! HTTP as the handlers see it: a [`Call`] in, a [`Reply`] or a [`Problem`](crate::Problem) out, and a [`Router`] that
//! knows its routes by the same keys as the template.

mod base_url;
mod call;
mod json;
mod reply;
mod router;

pub use base_url::{base_url, hub_url};
pub use call::{Call, MAX_BODY};
pub use json::Object;
pub use reply::{Answered, LiveBody, Reply};
pub use router::{Handled, Router};
