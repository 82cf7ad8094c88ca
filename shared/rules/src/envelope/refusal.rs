//! The errors of A2A that the hub answers with itself.

use serde_json::json;

use super::rpc_error;

/// Why a call about a task is refused, in the protocol's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Unknown, or not the caller's: nobody can tell which.
    TaskNotFound,
    /// It is over, or its agent does not let go of it.
    NotCancelable(String),
    /// It cannot be done with this task.
    Unsupported(String),
    /// The version in `A2A-Version` is neither 0.3 nor 1.0.
    VersionNotSupported,
    /// A param is missing or malformed.
    InvalidParams(String),
}

impl Refusal {
    const fn code(&self) -> i64 {
        match self {
            Self::TaskNotFound => -32001,
            Self::NotCancelable(_) => -32002,
            Self::Unsupported(_) => -32004,
            Self::VersionNotSupported => -32009,
            Self::InvalidParams(_) => -32602,
        }
    }

    const fn reason(&self) -> &'static str {
        match self {
            Self::TaskNotFound => "TASK_NOT_FOUND",
            Self::NotCancelable(_) => "TASK_NOT_CANCELABLE",
            Self::Unsupported(_) => "UNSUPPORTED_OPERATION",
            Self::VersionNotSupported => "VERSION_NOT_SUPPORTED",
            Self::InvalidParams(_) => "INVALID_PARAMS",
        }
    }

    fn message(&self) -> &str {
        match self {
            Self::TaskNotFound => "no such task; its id is the queue_id of a message of yours, or its agent's own",
            Self::VersionNotSupported => "this A2A-Version is not supported; 0.3 and 1.0 are",
            Self::NotCancelable(why) | Self::Unsupported(why) | Self::InvalidParams(why) => why,
        }
    }

    /// The JSON-RPC answer. `rpc_id` is the JSON of the request's id.
    pub fn answer(&self, rpc_id: &str) -> Vec<u8> {
        let info = json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": self.reason(),
            "domain": "a2a-protocol.org",
        }]);
        rpc_error(rpc_id, self.code(), self.message(), Some(info))
    }
}
