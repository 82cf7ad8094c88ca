//! A platform in this process: real handlers, real Lambda events, the embedded DynamoDB and SQS over loopback through the
//! real SDK clients, a clock that stands still, and a [`Gate`] in front of every AWS request.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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
use rules::Timestamp;
use serde_json::{Value, json};

use crate::account::Account;
use crate::engine::FakeEngine;
use crate::gate::{Gate, GatedClient, QUICK};
use crate::privileges;

/// The operator's token in every world.
pub const ADMIN: &str = "test-admin-token-0123456789";
/// What every world seals secrets with.
pub const SEALING_KEY: &str = "of-this-test-world-32-bytes-long";
/// When every world begins: 2026-01-01T00:00:00Z.
pub const BEGIN: Timestamp = Timestamp::from_millis(1_767_225_600_000);

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

/// One platform with its own table and queues.
pub struct World {
    /// What the handlers get.
    pub platform: Platform,
    /// The same in the network of the tasks, where `DISPATCH_VPC_QUEUE_URL` is set.
    pub inside: Option<Platform>,
    /// Its time.
    pub clock: Arc<ManualClock>,
    /// The control over its AWS requests.
    pub gate: Gate,
    /// What runs its managed workspaces, where `PROVISIONER` is `process`.
    pub engine: Arc<FakeEngine>,
    sqs: local::sqs::Server,
    handlers: Vec<(&'static str, Handler)>,
    routes: HashMap<String, usize>,
}

/// An answer of the API.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, lower case.
    pub headers: HashMap<String, String>,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Answer {
    /// The error code of a problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The answer, if its status is `status`.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

/// A workspace of a world, with what its agent knows.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its id.
    pub id: String,
    /// Its instance token.
    pub token: String,
}

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
        let dynamodb_config = aws_sdk_dynamodb::config::Builder::from(&dynamodb_sdk).retry_partition(own_retries());
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

    /// Moves the time, and lets the queues see it.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.sqs.poke();
    }

    /// All route keys.
    pub fn routes(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.routes.keys().cloned().collect();
        keys.sort();
        keys
    }

    /// A request with a JSON body.
    pub async fn call(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.raw(method, path, token, &[], &bytes).await
    }

    /// A request with any headers and any body, as API Gateway would hand it on.
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.raw_from("203.0.113.9", method, path, token, headers, body).await
    }

    /// As [`World::raw`], over a connection from the address `source`.
    pub async fn raw_from(
        &self,
        source: &str,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let function = self.handlers[self.function_of(method, path.split('?').next().unwrap_or_default())].0;
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut all: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        all.extend(headers);
        self.send(function, &self.event(source, method, path, &all, body)).await
    }

    /// The event that API Gateway makes of a request; of headers that are given twice, the last counts.
    pub fn event(&self, source: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
        let (bare, query) = path.split_once('?').unwrap_or((path, ""));
        let mut all = json!({ "host": "platform.test", "content-type": "application/json" });
        for (name, value) in headers {
            all[name.to_lowercase()] = json!(value);
        }
        let (text, encoded) = match std::str::from_utf8(body) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (base64::Engine::encode(&base64::engine::general_purpose::STANDARD, body), true),
        };
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": bare, "rawQueryString": query,
            "headers": all,
            "requestContext": {
                "accountId": "000000000000", "apiId": "test", "domainName": "platform.test", "stage": "$default",
                "requestId": "test", "routeKey": "$default", "timeEpoch": self.clock.now().millis(),
                "http": { "method": method, "path": bare, "protocol": "HTTP/1.1", "sourceIp": source },
            },
            "body": text, "isBase64Encoded": encoded,
        })
    }

    /// What the function answers to a request's event.
    pub async fn send(&self, function: &str, event: &Value) -> Answer {
        let answer = self.invoke(function, event).await;
        let text = answer["body"].as_str().unwrap_or_default().to_owned();
        let headers = answer["headers"].as_object().into_iter().flatten();
        Answer {
            status: u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap(),
            headers: headers
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        }
    }

    fn function_of(&self, method: &str, path: &str) -> usize {
        let fits = |key: &str| {
            let Some((verb, pattern)) = key.split_once(' ') else { return false };
            let (pattern, parts): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
            verb == method
                && pattern.len() == parts.len()
                && pattern.iter().zip(&parts).all(|(want, part)| want.starts_with('{') || want == part)
        };
        let found = self.routes.iter().find(|(key, _)| fits(key));
        *found.unwrap_or_else(|| panic!("no route {method} {path}")).1
    }

    /// Starts a function with an event of another kind: `sweep`, `dispatch`, `timers`.
    pub async fn invoke(&self, function: &str, event: &Value) -> Value {
        self.invoke_as(&self.platform, function, event).await
    }

    /// As [`World::invoke`], in a function that has other settings.
    pub async fn invoke_as(&self, platform: &Platform, function: &str, event: &Value) -> Value {
        let (name, handler) = self.handlers.iter().find(|(name, _)| *name == function).expect("a function");
        let handling = handler.invoke()(platform.clone(), serde_json::to_vec(event).unwrap(), false);
        let answer = privileges::FUNCTION.scope(name, handling).await.unwrap();
        serde_json::from_slice(&answer.into_json()).unwrap_or(Value::Null)
    }

    /// The minute's sweep.
    pub async fn sweep(&self) {
        self.invoke("sweep", &json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} })).await;
    }

    /// Hands every waiting wake-up and due reminder to its function, until there are none; returns how many there were.
    pub async fn settle(&self) -> usize {
        let mut handled = 0;
        let config = &self.platform.config;
        let mut functions = vec![
            ("timers", &config.timers_queue_url, &self.platform),
            ("provision", &config.provision_queue_url, &self.platform),
            ("dispatch", &config.dispatch_queue_url, &self.platform),
        ];
        if let (Some(url), Some(inside)) = (&config.dispatch_vpc_queue_url, &self.inside) {
            functions.push(("dispatch-vpc", url, inside));
        }
        for _ in 0..1000 {
            let mut idle = true;
            for (function, url, platform) in &functions {
                let client = self.platform.queues.client();
                let batch = client.receive_message().queue_url(*url).max_number_of_messages(10).send().await.unwrap();
                for message in batch.messages.unwrap_or_default() {
                    idle = false;
                    handled += 1;
                    let event = json!({ "Records": [{
                        "messageId": message.message_id, "body": message.body, "receiptHandle": message.receipt_handle,
                        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q",
                        "awsRegion": "us-east-1", "attributes": {}, "messageAttributes": {}, "md5OfBody": "",
                    }]});
                    let answer = self.invoke_as(platform, function, &event).await;
                    assert_eq!(answer["batchItemFailures"], json!([]), "{function} failed");
                    let receipt = message.receipt_handle.unwrap_or_default();
                    client.delete_message().queue_url(*url).receipt_handle(receipt).send().await.unwrap();
                }
            }
            if idle {
                return handled;
            }
        }
        panic!("the queues never became quiet");
    }

    /// An external workspace, not registered yet.
    pub async fn external(&self, name: &str) -> Agent {
        self.external_below(name, None).await
    }

    /// An external workspace below a parent.
    pub async fn external_below(&self, name: &str, parent: Option<&str>) -> Agent {
        let body = json!({ "name": name, "external": true, "parent_id": parent });
        let made = self.call("POST", "/workspaces", Some(ADMIN), &body).await.expect(201);
        Agent {
            id: made.body["id"].as_str().unwrap().to_owned(),
            token: made.body["connection"]["auth_token"].as_str().unwrap().to_owned(),
        }
    }

    /// An external workspace that has registered at `url`.
    pub async fn online(&self, name: &str, url: &str) -> Agent {
        let agent = self.external(name).await;
        self.register(&agent, url).await.expect(200);
        agent
    }

    /// Registers an agent at `url`.
    pub async fn register(&self, agent: &Agent, url: &str) -> Answer {
        let body = json!({ "id": agent.id, "url": url, "agent_card": { "name": "agent", "url": url } });
        self.call("POST", "/registry/register", Some(&agent.token), &body).await
    }

    /// A heartbeat with these fields on top.
    pub async fn beat(&self, agent: &Agent, fields: &Value) -> Answer {
        let mut body = json!({ "workspace_id": agent.id });
        for (name, value) in fields.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.call("POST", "/registry/heartbeat", Some(&agent.token), &body).await
    }

    /// The workspace as an operator sees it.
    pub async fn show(&self, id: &str) -> Value {
        self.call("GET", &format!("/workspaces/{id}"), Some(ADMIN), &Value::Null).await.expect(200).body
    }

    /// The types of the workspace's events, oldest first.
    pub async fn events(&self, id: &str) -> Vec<String> {
        let answer = self.call("GET", &format!("/events/{id}"), Some(ADMIN), &Value::Null).await.expect(200);
        let events = answer.body.as_array().cloned().unwrap_or_default();
        events.iter().rev().map(|event| event["event_type"].as_str().unwrap().to_owned()).collect()
    }

    /// Every item of the table, without the subsystems' ticks, for before and after comparisons.
    pub async fn table(&self) -> Vec<String> {
        items(&self.platform).await
    }
}

/// Every item of a platform's table, without the subsystems' ticks, for before and after comparisons.
pub async fn items(platform: &Platform) -> Vec<String> {
    let scan = platform.store.client().scan().table_name(platform.store.table()).consistent_read(true);
    let mut pages = scan.into_paginator().items().send();
    let mut items = Vec::new();
    while let Some(item) = pages.next().await {
        let item = item.unwrap();
        let text = canonical(&aws_sdk_dynamodb::types::AttributeValue::M(item));
        if !text.contains("TICK#") {
            items.push(text);
        }
    }
    items.sort();
    items
}

/// A value as text, its maps sorted.
fn canonical(value: &aws_sdk_dynamodb::types::AttributeValue) -> String {
    use aws_sdk_dynamodb::types::AttributeValue::{L, M};
    match value {
        M(fields) => {
            let sorted: std::collections::BTreeMap<_, _> = fields.iter().map(|(k, v)| (k, canonical(v))).collect();
            format!("{sorted:?}")
        }
        L(items) => format!("{:?}", items.iter().map(canonical).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}
