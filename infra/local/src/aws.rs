//! SDK clients of the local run. They know a fixed endpoint, region and credentials, and look nowhere else: not into
//! profiles, and never for the metadata service of a machine that is not on AWS.

use std::collections::HashMap;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use uuid::Uuid;

/// Where DynamoDB and SQS are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// DynamoDB.
    pub dynamodb: String,
    /// SQS.
    pub sqs: String,
}

/// One set of clients.
#[derive(Debug, Clone)]
pub struct Clients {
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// SQS.
    pub sqs: aws_sdk_sqs::Client,
}

impl Clients {
    /// Clients that call through `http`.
    pub async fn new(endpoints: &Endpoints, variables: &HashMap<String, String>, http: SharedHttpClient) -> Self {
        let shared = sdk_config(variables, http).await;
        // Retries draw on a budget that all clients of a region share unless told otherwise: what fails for one must not
        // keep another from retrying.
        let retries = RetryPartition::new(Uuid::new_v4().to_string());
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&shared)
            .retry_partition(retries.clone())
            .retry_classifier(platform::aws::RetriesConflicts);
        let sqs = aws_sdk_sqs::config::Builder::from(&shared).retry_partition(retries);
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.endpoint_url(&endpoints.dynamodb).build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.endpoint_url(&endpoints.sqs).build()),
        }
    }
}

async fn sdk_config(variables: &HashMap<String, String>, http: SharedHttpClient) -> SdkConfig {
    let no_profiles = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, "").build();
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .profile_files(no_profiles)
        .region(Region::new(region(variables).to_owned()))
        .credentials_provider(credentials(variables))
        .http_client(http);
    platform::aws::configure(loader).load().await
}

/// The region of the environment, or `us-east-1`.
pub fn region(variables: &HashMap<String, String>) -> &str {
    let named = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| variables.get(*name));
    named.map(String::as_str).filter(|region| !region.is_empty()).unwrap_or("us-east-1")
}

/// The keys of the environment, for an endpoint that looks at them; else `test`, which every emulator takes.
fn credentials(variables: &HashMap<String, String>) -> Credentials {
    let given = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
    match (given("AWS_ACCESS_KEY_ID"), given("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => Credentials::new(id, secret, given("AWS_SESSION_TOKEN"), None, "environment"),
        _ => Credentials::new("test", "test", None, None, "local"),
    }
}

/// What went wrong with a call, in a few words for a person.
pub fn explain<E, R>(error: &SdkError<E, R>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    if let SdkError::ServiceError(refused) = error {
        let refused = refused.err();
        let code = refused.code().unwrap_or("an error");
        return format!("answers {code}: {}", refused.message().unwrap_or("without a message"));
    }
    if matches!(error, SdkError::DispatchFailure(_) | SdkError::TimeoutError(_)) {
        return "cannot be reached".to_owned();
    }
    format!("cannot be used: {}", DisplayErrorContext(error))
}
