//! Why a body cannot be taken as an A2A call.

use super::{MAX_BODY_BYTES, MAX_DEPTH, MAX_ID_BYTES};

/// Why a body is not an A2A call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not JSON, or not an object.
    #[error("invalid JSON: send one JSON-RPC request as a JSON object; batches are not supported")]
    InvalidJson,
    /// More than [`MAX_BODY_BYTES`].
    #[error("the body is larger than {MAX_BODY_BYTES} bytes; send large content as a file part with a uri")]
    TooLarge,
    /// Deeper than [`MAX_DEPTH`].
    #[error("the JSON nests deeper than {MAX_DEPTH} levels; flatten it or send it as text")]
    TooDeep,
    /// The `messageId` is longer than [`MAX_ID_BYTES`].
    #[error("params.message.messageId is longer than {MAX_ID_BYTES} bytes; use a UUID")]
    MessageIdTooLong,
    /// The `contextId` is longer than [`MAX_ID_BYTES`].
    #[error("params.message.contextId is longer than {MAX_ID_BYTES} bytes; use a UUID")]
    ContextIdTooLong,
    /// The `taskId` is longer than [`MAX_ID_BYTES`].
    #[error("the task's id is longer than {MAX_ID_BYTES} bytes; give the id that the agent gave to the task")]
    TaskIdTooLong,
    /// An id of the message is not a string.
    #[error("params.message.{0} must be a string")]
    IdNotAString(&'static str),
}

impl EnvelopeError {
    /// The stable `code` of the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::MessageIdTooLong => "message_id_too_long",
            Self::ContextIdTooLong => "context_id_too_long",
            Self::TaskIdTooLong => "task_id_too_long",
            Self::IdNotAString(_) => "invalid_id",
        }
    }
}
