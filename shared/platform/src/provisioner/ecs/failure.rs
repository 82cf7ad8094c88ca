//! Errors of the SDK, in the engine's words.

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use rules::engine::{StartCause, StartFailure};

use super::EngineError;

/// Why a request that belongs to a start did not succeed.
pub(super) fn start_failure<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> StartFailure {
    match error {
        SdkError::ServiceError(refused) => {
            let (code, message) = (refused.err().code(), refused.err().message());
            let status = refused.raw().status().as_u16();
            rules::ecs::service_error(code.unwrap_or_default(), message.unwrap_or_default(), status)
        }
        SdkError::TimeoutError(_) => unreachable("no answer in time"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => unreachable("no answer in time"),
        SdkError::ResponseError(_) => unreachable("an answer that cannot be read"),
        _ => unreachable("no connection, or no credentials"),
    }
}

fn unreachable(evidence: &str) -> StartFailure {
    StartFailure { cause: StartCause::EngineUnreachable, evidence: evidence.to_owned() }
}

/// Why another request did not succeed.
pub(super) fn engine_error<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> EngineError {
    let StartFailure { cause, evidence } = start_failure(error);
    if cause.is_passing() { EngineError::Unreachable(evidence) } else { EngineError::Refused(evidence) }
}
