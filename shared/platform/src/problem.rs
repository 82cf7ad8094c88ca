//! Errors as the API shows them: `{"error": "<what and what to do>", "code": "<snake_case>"}` plus fields, compact JSON.
//!
//! A rule's refusal or a store's failure is translated here, once, at the edge. The text never holds a driver's words, a
//! stack or a secret; those go to the log. Use the constructor named after the meaning, not the number:
//! malformed → [`Problem::bad_request`], no or bad credential → [`Problem::unauthorized`], not allowed →
//! [`Problem::forbidden`], unknown → [`Problem::not_found`], wrong state → [`Problem::conflict`], deleted →
//! [`Problem::gone`], too large → [`Problem::too_large`], refused by a rule → [`Problem::unprocessable`], a limit →
//! [`Problem::too_many`], a dependency is down → [`Problem::unavailable`].

use http::StatusCode;
use serde_json::{Map, Value, json};

/// An error answer.
#[derive(Debug, Clone)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code, snake_case.
    pub code: &'static str,
    /// For a person: what happened and what to do.
    pub message: String,
    /// Further fields of the body.
    pub fields: Map<String, Value>,
    /// Seconds for the `Retry-After` header.
    pub retry_after: Option<u32>,
}

/// What a handler returns.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// Any status.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: Map::new(), retry_after: None }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 401: no credential, or not a valid one.
    pub fn unauthorized(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    /// 401 for a request that showed nothing.
    pub fn no_credential() -> Self {
        Self::unauthorized("missing_token", "send a token: Authorization: Bearer <token>")
    }

    /// 401 for a bearer that does not serve.
    pub fn bad_credential() -> Self {
        Self::unauthorized("invalid_token", "the bearer token is unknown or revoked; mint or reset one and use that")
    }

    /// 403: known, but not allowed.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 404.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 404 for a path that has no handler, and for one that is hidden.
    pub fn no_route() -> Self {
        Self::not_found("no_route", "no such route; see the API at a glance in the README")
    }

    /// 404 for a workspace.
    pub fn no_workspace() -> Self {
        Self::not_found("workspace_unknown", "no such workspace; create it with POST /workspaces")
    }

    /// 404 for a message, and for one that the caller may not see.
    pub fn unknown_message() -> Self {
        Self::not_found("message_unknown", "no such message in this workspace's queue")
    }

    /// 409: the state does not allow it.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 410: deleted for good.
    pub fn gone() -> Self {
        Self::new(StatusCode::GONE, "workspace_removed", "the workspace was deleted; stop its agent")
    }

    /// 413.
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("the body is larger than {limit} bytes; send less"),
        )
    }

    /// 422: well-formed, refused by a rule.
    pub fn unprocessable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    /// 429.
    pub fn too_many(code: &'static str, message: impl Into<String>, retry_after: u32) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, message).retry_after(retry_after)
    }

    /// 503: the datastore or the queue does not answer. Nothing was half done; the same request may be sent again.
    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "platform_unavailable",
            "the platform's datastore or queue does not answer; send the request again shortly",
        )
        .retry_after(1)
    }

    /// Adds a field to the body.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    /// Sets `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The body.
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("error".into(), json!(self.message));
        body.insert("code".into(), json!(self.code));
        if let Some(seconds) = self.retry_after {
            body.insert("retry_after".into(), json!(seconds));
        }
        body.extend(self.fields.clone());
        Value::Object(body)
    }
}

impl From<rules::field::FieldError> for Problem {
    fn from(error: rules::field::FieldError) -> Self {
        Self::bad_request("invalid_field", error.to_string()).with("field", error.field)
    }
}

impl From<rules::transition::Refusal> for Problem {
    fn from(refusal: rules::transition::Refusal) -> Self {
        use rules::transition::Refusal;
        match refusal {
            Refusal::Removed => Self::gone(),
            Refusal::Stopped => Self::conflict("workspace_stopped", refusal.to_string()),
            Refusal::PausedAncestor => Self::conflict("ancestor_paused", refusal.to_string()),
            Refusal::External => Self::conflict("workspace_external", refusal.to_string()),
            Refusal::Busy => Self::conflict("workspace_busy", refusal.to_string()),
            Refusal::WrongStatus => Self::conflict("wrong_status", refusal.to_string()),
        }
    }
}

impl From<rules::credential::Denial> for Problem {
    fn from(denial: rules::credential::Denial) -> Self {
        use rules::credential::Denial;
        match denial {
            Denial::Missing => Self::no_credential(),
            Denial::Invalid { .. } => Self::bad_credential(),
            Denial::StaleGeneration => Self::conflict("stale_generation", denial.to_string()).with("shutdown", true),
            Denial::NotInstance => Self::forbidden("not_an_instance_token", denial.to_string()),
        }
    }
}

impl From<rules::token::TokenRefusal> for Problem {
    fn from(refusal: rules::token::TokenRefusal) -> Self {
        use rules::token::TokenRefusal;
        match refusal {
            TokenRefusal::Removed => Self::gone(),
            TokenRefusal::StaleGeneration => Self::from(rules::credential::Denial::StaleGeneration),
            TokenRefusal::Full { .. } => Self::too_many("token_limit", refusal.to_string(), 60),
        }
    }
}

impl From<rules::secret::SecretRefusal> for Problem {
    fn from(refusal: rules::secret::SecretRefusal) -> Self {
        use rules::secret::SecretRefusal;
        let text = refusal.to_string();
        match refusal {
            SecretRefusal::Key => Self::bad_request("invalid_field", text).with("field", "key"),
            SecretRefusal::Reserved(_) => Self::unprocessable("reserved_name", text).with("field", "key"),
            SecretRefusal::Value => Self::bad_request("invalid_field", text).with("field", "value"),
            SecretRefusal::TooLong => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text).with("field", "value")
            }
            SecretRefusal::TooMany(_) => Self::conflict("too_many_secrets", text),
            SecretRefusal::TooMuch => Self::conflict("secrets_too_large", text),
        }
    }
}

impl From<crate::sealing::SealError> for Problem {
    fn from(error: crate::sealing::SealError) -> Self {
        use crate::sealing::SealError;
        match error {
            SealError::NotConfigured => Self::unprocessable("secrets_not_configured", error.to_string()),
            SealError::Unreadable => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "secret_unreadable",
                "a stored secret does not open with the platform's key; store it again, or give the platform the key that \
                 it was stored under",
            ),
            SealError::Unavailable(_) => {
                tracing::error!(%error, "sealing");
                Self::unavailable()
            }
        }
    }
}

impl From<crate::store::StoreError> for Problem {
    fn from(error: crate::store::StoreError) -> Self {
        tracing::error!(%error, "datastore");
        Self::unavailable()
    }
}

impl From<crate::queues::QueueError> for Problem {
    fn from(error: crate::queues::QueueError) -> Self {
        tracing::error!(%error, "queue");
        Self::unavailable()
    }
}
