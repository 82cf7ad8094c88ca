//! A platform in this process: real handlers, real Lambda events, the embedded DynamoDB and SQS over loopback through the
//! real SDK clients, a clock that stands still, and a [`Gate`] in front of every AWS request.

mod build;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use local::handler::Handler;
use platform::Platform;
use platform::clock::{Clock, ManualClock};
use rules::Timestamp;
use serde_json::{Value, json};

use crate::engine::FakeEngine;
use crate::gate::Gate;
use crate::privileges;

/// The operator's token in every world.
pub const ADMIN: &str = "test-admin-token-0123456789";
/// What every world seals secrets with.
pub const SEALING_KEY: &str = "of-this-test-world-32-bytes-long";
/// When every world begins: 2026-01-01T00:00:00Z.
pub const BEGIN: Timestamp = Timestamp::from_millis(1_767_225_600_000);

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

impl World {
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
