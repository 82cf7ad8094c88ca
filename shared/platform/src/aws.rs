//! The AWS clients: one HTTP client on rustls and ring, short timeouts, standard retries.
//!
//! On AWS the trust store is the system's, cut down by `SSL_CERT_FILE` where the package brings Amazon's roots alone.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// The HTTP client of all SDK clients.
pub fn http_client() -> SharedHttpClient {
    Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https()
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

/// SQS long polls outlive the short timeout of one attempt.
pub fn long_poll_timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(25))
        .operation_timeout(Duration::from_secs(30))
        .build()
}
