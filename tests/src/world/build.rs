//! How a world is made.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sqs::config::retry::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use local::handler::Handler;
use platform::bus::NoBus;
use platform::clock::{Clock, ManualClock};
use platform::config::Config;
use platform::entropy::Entropy;
use platform::provisioner::Provisioner;
use platform::{Platform, Services, aws, schema, sealing};

use super::{ADMIN, BEGIN, SEALING_KEY, World};
use crate::account::Account;
use crate::engine::FakeEngine;
use crate::gate::{Gate, GatedClient, QUICK};
use crate::played::Plays as _;

/// The settings of a world on AWS, as the template makes them.
const ON_AWS: [(&str, &str); 12] = [
    ("MOLECULE_ENV", "production"),
    ("PROVISIONER", "ecs"),
    ("ECS_CLUSTER", "molecule"),
    ("ECS_SUBNETS", "subnet-1,subnet-2"),
    ("ECS_SECURITY_GROUPS", "sg-1"),
    ("ECS_EXECUTION_ROLE_ARN", "arn:aws:iam::111122223333:role/execution"),
    ("ECS_TASK_ROLE_ARN", "arn:aws:iam::111122223333:role/task"),
    ("ECS_LOG_GROUP", "/molecule/workspaces"),
    ("EVENT_BUS_NAME", "molecule-events"),
    ("SECRETS_KMS_KEY_ID", "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d"),
    ("WORKSPACE_PLATFORM_URL", "https://api.example.com"),
    ("DISPATCH_VPC_QUEUE_URL", "dispatch-vpc"),
];

fn sdk_config(inner: SharedHttpClient, endpoint: &str, gate: &Gate) -> aws_config::ConfigLoader {
    let client = GatedClient { inner, gate: gate.clone() };
    aws::configure(aws_config::defaults(BehaviorVersion::v2026_01_12()))
        .http_client(client)
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(QUICK).with_max_backoff(QUICK))
        .region("us-east-1")
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
}

/// The SDK's budget of retries is the process's; here no test's faults use up another's.
fn own_retries() -> RetryPartition {
    RetryPartition::custom("world").token_bucket(TokenBucket::unlimited()).build()
}

/// A DynamoDB in memory, served for as long as the test's runtime lives.
async fn dynamodb_endpoint() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap()));
    endpoint
}

impl World {
    /// A fresh world in development mode.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A fresh world with these variables on top. `DISPATCH_VPC_QUEUE_URL` is the name of a queue that is made.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        Self::build(variables, None).await
    }

    /// A fresh world in production mode, whose keys of secrets, tasks and bus are those of an account.
    pub async fn on_aws(account: &Account) -> Self {
        Self::build(&ON_AWS, Some(account)).await
    }

    async fn build(variables: &[(&str, &str)], account: Option<&Account>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let clock = Arc::new(ManualClock::at(BEGIN));
        let gate = Gate::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sqs_clock = Arc::clone(&clock);
        let sqs = local::sqs::Server::start(listener, Arc::new(move || sqs_clock.now().millis())).unwrap();
        let sqs_sdk = sdk_config(aws::http_client(), sqs.endpoint(), &gate).load().await;
        let sqs_config = aws_sdk_sqs::config::Builder::from(&sqs_sdk).retry_partition(own_retries());
        let sqs_client = aws_sdk_sqs::Client::from_conf(sqs_config.build());
        let mut vars: HashMap<String, String> = HashMap::from([
            ("MOLECULE_ENV".to_owned(), "development".to_owned()),
            ("ADMIN_TOKEN".to_owned(), ADMIN.to_owned()),
            ("TABLE_NAME".to_owned(), format!("world-{number}")),
            ("DRAIN_WAIT_SECONDS".to_owned(), "0".to_owned()),
            ("A2A_SYNC_WAIT_SECONDS".to_owned(), "0".to_owned()),
            ("SETTLE_RETRY_SECONDS".to_owned(), "0".to_owned()),
        ]);
        if account.is_none() {
            vars.insert("SECRETS_ENCRYPTION_KEY".to_owned(), SEALING_KEY.to_owned());
        }
        let mut queues =
            vec![("DISPATCH_QUEUE_URL", "dispatch"), ("TIMERS_QUEUE_URL", "timers"), ("DEAD_LETTER_QUEUE_URL", "dead")];
        let (queue_names, variables): (Vec<_>, Vec<_>) =
            variables.iter().copied().partition(|(name, _)| *name == "DISPATCH_VPC_QUEUE_URL");
        queues.extend(queue_names);
        for (name, queue) in queues {
            let made = sqs_client.create_queue().queue_name(queue).send().await.unwrap();
            vars.insert(name.to_owned(), made.queue_url.unwrap());
        }
        let provision = sqs_client.create_queue().queue_name("provision.fifo");
        let provision = provision.attributes(aws_sdk_sqs::types::QueueAttributeName::FifoQueue, "true").send().await;
        vars.insert("PROVISION_QUEUE_URL".to_owned(), provision.unwrap().queue_url.unwrap());
        vars.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let config = Config::from_map(&vars).unwrap();
        let dynamodb_sdk = sdk_config(aws::http_client(), &dynamodb_endpoint().await, &gate).load().await;
        let dynamodb_config = aws_sdk_dynamodb::config::Builder::from(&dynamodb_sdk)
            .retry_partition(own_retries())
            .retry_classifier(aws::RetriesConflicts);
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb_config.build());
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let engine = Arc::new(FakeEngine::default());
        let services = match account {
            Some(account) => account.services(&config, sdk_config(account.client(), "http://aws.test", &gate)).await,
            None => Services {
                provisioner: Arc::<FakeEngine>::clone(&engine) as Arc<dyn Provisioner>,
                sealer: sealing::from_config(&config),
                bus: Arc::new(NoBus),
            },
        };
        let platform_with = |config, entropy| {
            let (dynamodb, sqs) = (dynamodb.clone(), sqs_client.clone());
            Platform::with(config, dynamodb, sqs, Arc::clone(&shared), entropy, services.clone())
        };
        let inside = config.dispatch_vpc_queue_url.is_some().then(|| {
            let config = Config { dispatch_vpc_queue_url: None, ..config.clone() };
            platform_with(config, Entropy::seeded(number + (1 << 32)))
        });
        let platform = platform_with(config, Entropy::seeded(number));
        schema::bootstrap(&platform.store).await.unwrap();
        let handlers = local::functions::all();
        let mut routes = HashMap::new();
        for (index, (_, handler)) in handlers.iter().enumerate() {
            if let Handler::Http { keys, .. } = handler {
                routes.extend(keys.iter().map(|key| ((*key).to_owned(), index)));
            }
        }
        gate.take_operations();
        Self { platform, inside, clock, gate, engine, sqs, handlers, routes }
    }
}
