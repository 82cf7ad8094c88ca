//! Why ECS did not start a task, as a cause and as words that say what to do.

use crate::engine::{MAX_TEXT, StartCause, StartFailure};
use crate::field::capped;

/// An element of RunTask's `failures`, which come with HTTP 200.
pub fn run_failure(reason: &str, detail: &str) -> StartFailure {
    let told = |advice: &str| {
        [reason, detail, advice].iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join("; ")
    };
    let (cause, evidence) = match reason {
        "AGENT" => (StartCause::NoCapacity, told("no container instance has a connected agent")),
        "INACTIVE" => (StartCause::NoCapacity, told("the container instance is not active")),
        "ATTRIBUTE" => (
            StartCause::Refused,
            told("no container instance of the cluster can run this definition: compare its processor and attributes"),
        ),
        "MISSING" => (StartCause::Refused, told("the cluster or what it should run on is not there: see ECS_CLUSTER")),
        _ if is_capacity(reason) || is_capacity(detail) => (StartCause::NoCapacity, told("")),
        _ => (StartCause::Refused, told("")),
    };
    StartFailure { cause, evidence: capped(&evidence, MAX_TEXT) }
}

/// An error answer of ECS or IAM: its code, its text and its HTTP status.
pub fn service_error(code: &str, message: &str, status: u16) -> StartFailure {
    let told = |advice: &str| {
        [code, message, advice].iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join("; ")
    };
    let (cause, evidence) = match code {
        _ if is_capacity(message) => (StartCause::NoCapacity, told("")),
        "LimitExceededException" => (StartCause::NoCapacity, told("a quota of the account is full")),
        "ThrottlingException" | "Throttling" | "RequestLimitExceeded" | "TooManyRequestsException" => {
            (StartCause::EngineUnreachable, told("ECS takes no more requests now"))
        }
        _ if status >= 500 || code == "ServerException" => (StartCause::EngineUnreachable, told("")),
        "ClusterNotFoundException" => (StartCause::Refused, told("set ECS_CLUSTER to a cluster of this region")),
        "AccessDeniedException" => (
            StartCause::Refused,
            told("the function's role needs the stack's policy for tasks, and iam:PassRole for the two roles of tasks"),
        ),
        "PlatformUnknownException"
        | "PlatformTaskDefinitionIncompatibilityException"
        | "UnsupportedFeatureException" => {
            (StartCause::Refused, told("the launch type of ECS_LAUNCH cannot run this size here"))
        }
        "UnrecognizedClientException" | "InvalidClientTokenId" | "ExpiredTokenException" => {
            (StartCause::Refused, told("the function's AWS credentials are not accepted"))
        }
        "BlockedException" => (StartCause::Refused, told("AWS has blocked this account")),
        _ => (StartCause::Refused, told("see the settings ECS_*")),
    };
    StartFailure { cause, evidence: capped(&evidence, MAX_TEXT) }
}

/// ECS has no code for this: the text is all there is.
fn is_capacity(text: &str) -> bool {
    text.starts_with("RESOURCE:") || text.contains("apacity is unavailable") || text.contains("limit on the number of")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_run_task_have_a_cause() {
        for (reason, detail, cause) in [
            ("RESOURCE:MEMORY", "", StartCause::NoCapacity),
            ("RESOURCE:ENI", "", StartCause::NoCapacity),
            ("RESOURCE:*", "", StartCause::NoCapacity),
            ("Capacity is unavailable at this time. Please try again later", "", StartCause::NoCapacity),
            ("AGENT", "", StartCause::NoCapacity),
            ("INACTIVE", "", StartCause::NoCapacity),
            ("ATTRIBUTE", "", StartCause::Refused),
            ("MISSING", "", StartCause::Refused),
            ("something new", "with a detail", StartCause::Refused),
        ] {
            let failure = run_failure(reason, detail);
            assert_eq!(failure.cause, cause, "{reason}");
            assert!(failure.evidence.starts_with(reason) && failure.evidence.contains(detail), "{failure:?}");
        }
    }

    #[test]
    fn error_answers_say_whether_waiting_helps_and_what_does() {
        for (code, message, status, cause, told) in [
            ("ThrottlingException", "Rate exceeded", 400, StartCause::EngineUnreachable, "Rate exceeded"),
            ("ServerException", "", 500, StartCause::EngineUnreachable, ""),
            ("InternalFailure", "", 503, StartCause::EngineUnreachable, ""),
            ("ClusterNotFoundException", "Cluster not found.", 400, StartCause::Refused, "ECS_CLUSTER"),
            ("AccessDeniedException", "not authorized", 400, StartCause::Refused, "iam:PassRole"),
            ("PlatformUnknownException", "", 400, StartCause::Refused, "ECS_LAUNCH"),
            ("InvalidParameterException", "No Container Instances were found", 400, StartCause::Refused, "ECS_*"),
            ("ClientException", "Capacity is unavailable at this time", 400, StartCause::NoCapacity, ""),
            ("ClientException", "You've reached the limit on the number of vCPUs", 400, StartCause::NoCapacity, ""),
            ("LimitExceededException", "", 400, StartCause::NoCapacity, "quota"),
        ] {
            let failure = service_error(code, message, status);
            assert_eq!(failure.cause, cause, "{code} {message}");
            assert!(failure.evidence.contains(told), "{failure:?}");
        }
    }
}
