//! The AWS clients: one HTTP client on rustls and ring, short timeouts, standard retries.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

/// The roots that AWS's own endpoints lead to: <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// The HTTP client of all SDK clients. It trusts Amazon's roots alone, as reading all of the system's takes most of the CPU
/// of a cold start; the system's where others may answer: at an endpoint of one's own, or where `SSL_CERT_FILE` or
/// `SSL_CERT_DIR` says whom to trust.
pub fn http_client() -> SharedHttpClient {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let builder = Builder::new().tls_provider(provider);
    if trusts_the_system(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())) {
        return builder.build_https();
    }
    let roots = tls::TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    match tls::TlsContext::builder().with_trust_store(roots).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        Err(_) => builder.build_https(),
    }
}

/// Whether any of these variables, by their names, points at others than AWS.
fn trusts_the_system(mut variables: impl Iterator<Item = String>) -> bool {
    variables.any(|name| name.starts_with("AWS_ENDPOINT_URL") || name == "SSL_CERT_FILE" || name == "SSL_CERT_DIR")
}

/// One attempt of a short call; long polls have their own client setting.
const ATTEMPT: Duration = Duration::from_secs(2);
/// All attempts together.
const OPERATION: Duration = Duration::from_secs(6);

/// Configuration from the environment: region, credentials, and `AWS_ENDPOINT_URL` where it is set.
pub async fn sdk_config() -> SdkConfig {
    configure(aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http_client())).load().await
}

/// The timeouts and retries that every client of ours has.
pub fn configure(loader: aws_config::ConfigLoader) -> aws_config::ConfigLoader {
    loader.retry_config(RetryConfig::standard().with_max_attempts(3)).timeout_config(
        TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build(),
    )
}

/// A write of a single item that meets a transaction on it is refused by DynamoDB, and by the SDK not tried again: it would
/// be as if a heartbeat had failed because a message was accepted. With this it is.
#[derive(Debug, Clone, Copy)]
pub struct RetriesConflicts;

impl ClassifyRetry for RetriesConflicts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let Some(error) = error.as_operation_error() else { return RetryAction::NoActionIndicated };
        let codes = [
            error.downcast_ref::<UpdateItemError>().and_then(ProvideErrorMetadata::code),
            error.downcast_ref::<PutItemError>().and_then(ProvideErrorMetadata::code),
            error.downcast_ref::<DeleteItemError>().and_then(ProvideErrorMetadata::code),
        ];
        match codes.contains(&Some("TransactionConflictException")) {
            true => RetryAction::transient_error(),
            false => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "conflicts with transactions"
    }
}

/// SQS long polls outlive the short timeout of one attempt.
pub fn long_poll_timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(25))
        .operation_timeout(Duration::from_secs(30))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_roots_are_trusted_unless_a_variable_points_elsewhere() {
        let cases = [
            (&["AWS_REGION", "PATH"][..], false),
            (&["AWS_ENDPOINT_URL"], true),
            (&["PATH", "AWS_ENDPOINT_URL_DYNAMODB"], true),
            (&["SSL_CERT_FILE"], true),
            (&["SSL_CERT_DIR"], true),
        ];
        for (names, system) in cases {
            assert_eq!(trusts_the_system(names.iter().map(|name| (*name).to_owned())), system, "{names:?}");
        }
    }
}
