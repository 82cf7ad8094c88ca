//! What SQS answers when it refuses, in the terms of its public API.

use std::fmt;

/// A refusal: a code that a client can act upon, and a sentence for the person who reads the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// The cause, one of the codes of the SQS API.
    pub code: ErrorCode,
    /// What was wrong with the request and what would be right.
    pub message: String,
}

/// The result of an operation of the engine.
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident => $query:literal,)+) => {
        /// The codes of the SQS API that this engine answers with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)+
        }

        impl ErrorCode {
            /// The name of the error's shape in the JSON protocol, `__type` without its namespace.
            pub fn shape(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)+ }
            }

            /// The code of the older query protocol. The SDKs read it from the header `x-amzn-query-error`, which
            /// takes precedence over `__type`, and type their errors by it.
            pub fn query_code(self) -> &'static str {
                match self { $(Self::$variant => $query,)+ }
            }
        }
    };
}

error_codes! {
    /// No queue has that name.
    QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
    /// A queue of that name exists and has other attributes.
    QueueNameExists => "QueueAlreadyExists",
    /// A purge was made in the last 60 seconds.
    PurgeQueueInProgress => "AWS.SimpleQueueService.PurgeQueueInProgress",
    /// The body has characters outside the allowed set.
    InvalidMessageContents => "InvalidMessageContents",
    /// The receipt handle is none of ours.
    ReceiptHandleIsInvalid => "ReceiptHandleIsInvalid",
    /// The message is not in flight under that receipt handle.
    MessageNotInflight => "AWS.SimpleQueueService.MessageNotInflight",
    /// A queue attribute that does not exist, or not for this type of queue.
    InvalidAttributeName => "InvalidAttributeName",
    /// A queue attribute whose value is out of range.
    InvalidAttributeValue => "InvalidAttributeValue",
    /// A parameter whose value is out of range.
    InvalidParameterValue => "InvalidParameterValue",
    /// A parameter that the queue requires is absent.
    MissingParameter => "MissingParameter",
    /// Too many messages in flight.
    OverLimit => "OverLimit",
    /// More than ten entries in a batch.
    TooManyEntriesInBatchRequest => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    /// A batch without entries.
    EmptyBatchRequest => "AWS.SimpleQueueService.EmptyBatchRequest",
    /// Two entries of a batch have one id.
    BatchEntryIdsNotDistinct => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    /// The id of a batch entry has other characters than letters, digits, `-` and `_`, or too many.
    InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
    /// The messages of a batch are too long together.
    BatchRequestTooLong => "AWS.SimpleQueueService.BatchRequestTooLong",
    /// An operation of SQS that this engine does not have.
    UnsupportedOperation => "AWS.SimpleQueueService.UnsupportedOperation",
    /// The request is no request of the AWS JSON protocol.
    SerializationException => "SerializationException",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shape())
    }
}

impl Error {
    /// A refusal with a code and a sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn no_queue(name: &str) -> Self {
        Self::new(ErrorCode::QueueDoesNotExist, format!("The specified queue does not exist: {name}"))
    }

    pub(super) fn missing(parameter: &str) -> Self {
        Self::new(ErrorCode::MissingParameter, format!("The request must contain the parameter {parameter}."))
    }

    pub(super) fn parameter(name: &str, value: impl fmt::Display, reason: &str) -> Self {
        Self::new(
            ErrorCode::InvalidParameterValue,
            format!("Value {value} for parameter {name} is invalid. Reason: {reason}."),
        )
    }

    pub(super) fn attribute(name: &str, value: &str) -> Self {
        Self::new(ErrorCode::InvalidAttributeValue, format!("Invalid value for the parameter {name}: {value}."))
    }
}
