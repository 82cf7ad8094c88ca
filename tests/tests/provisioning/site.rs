//! A platform that runs workspaces by a real engine, and what an operator does with it over HTTP.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tests::Answer;
use tests::process::docker::{Stack, TEST_IMAGE};
use tests::process::{BOUND, Home, Platform, answer_text, eventually, message};

use crate::engine::Engine;

/// A platform as a process, with an engine. All that it has started ends with it.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) platform: Platform,
    pub(crate) home: Home,
    pub(crate) stack: Option<Stack>,
}

/// A place where a platform can be started.
pub(crate) struct Ground {
    pub(crate) engine: Engine,
    pub(crate) home: Home,
    pub(crate) stack: Option<Stack>,
}

impl Ground {
    /// None where the engine is not to be had, which is told.
    pub(crate) fn new(engine: Engine, variables: &[(&str, &str)]) -> Option<Self> {
        let path = std::env::var("PATH").unwrap_or_default();
        let host = std::env::var("DOCKER_HOST").unwrap_or_default();
        let mut all = BTreeMap::from([
            ("PATH", path.as_str()),
            ("DOCKER_HOST", host.as_str()),
            ("PROVISIONER", engine.name()),
            ("WORKSPACE_IMAGE", TEST_IMAGE),
            ("RESTART_DEBOUNCE_SECONDS", "0"),
        ]);
        all.extend(variables.iter().copied());
        all.retain(|_, value| !value.is_empty());
        let stack = match engine {
            Engine::Process => None,
            Engine::Docker => Some(Stack::new()?),
        };
        let home = Home::lasting(&all.into_iter().collect::<Vec<_>>());
        if let Some(stack) = &stack {
            fs::create_dir(home.data()).unwrap();
            fs::write(home.data().join("stack"), &stack.name).unwrap();
        }
        Some(Self { engine, home, stack })
    }

    pub(crate) async fn open(self) -> Site {
        let platform = self.home.start().await;
        Site { engine: self.engine, platform, home: self.home, stack: self.stack }
    }
}

impl Deref for Site {
    type Target = Platform;

    fn deref(&self) -> &Platform {
        &self.platform
    }
}

impl Site {
    /// A platform with variables of its own; none where the engine is not to be had, which is told.
    pub(crate) async fn new(engine: Engine, variables: &[(&str, &str)]) -> Option<Self> {
        Some(Ground::new(engine, variables)?.open().await)
    }

    /// A new workspace, that is being started.
    pub(crate) async fn create(&self, body: &Value) -> String {
        let made = self.call("POST", "/workspaces", None, body).await.expect(201);
        made.body["id"].as_str().unwrap().to_owned()
    }

    /// A new workspace that is online.
    pub(crate) async fn online(&self, body: &Value) -> String {
        let id = self.create(body).await;
        self.until_status(&id, "online", BOUND).await;
        id
    }

    /// As an operator: `POST /workspaces/{id}/{verb}`.
    pub(crate) async fn post(&self, id: &str, verb: &str, body: &Value) -> Answer {
        self.call("POST", &format!("/workspaces/{id}/{verb}"), None, body).await
    }

    /// As an operator: `GET /workspaces/{id}/{what}`.
    pub(crate) async fn get(&self, id: &str, what: &str) -> Answer {
        self.call("GET", &format!("/workspaces/{id}/{what}"), None, &Value::Null).await
    }

    /// Waits until it is online in this generation.
    pub(crate) async fn until_online(&self, id: &str, generation: u64) -> Value {
        let look = async || {
            let shown = self.show(id).await;
            (shown["status"] == "online" && shown["generation"] == generation).then_some(shown)
        };
        eventually(&format!("{id} is online in generation {generation}"), BOUND, look).await
    }

    /// Its events, oldest first.
    pub(crate) async fn events(&self, id: &str) -> Vec<Value> {
        let path = format!("/events/{id}?limit=500");
        let mut events = self.call("GET", &path, None, &Value::Null).await.expect(200).body;
        let events = events.as_array_mut().unwrap();
        events.reverse();
        std::mem::take(events)
    }

    /// Waits for its first event of a kind.
    pub(crate) async fn until_event(&self, id: &str, kind: &str) -> Value {
        let look = async || self.events(id).await.into_iter().find(|event| event["event_type"] == kind);
        eventually(&format!("{kind} of {id}"), BOUND, look).await
    }

    /// How often a generation of it was begun.
    pub(crate) async fn begun(&self, id: &str) -> usize {
        self.events(id).await.iter().filter(|event| event["event_type"] == "WORKSPACE_PROVISIONING").count()
    }

    /// Asks it something. A long answer may need the queue.
    pub(crate) async fn send_to(&self, id: &str, text: &str) -> Answer {
        self.post(id, "a2a", &message(text, None)).await
    }

    /// What it answers, now or as soon as it can, an error too.
    pub(crate) async fn answer(&self, sent: Answer) -> Value {
        match sent.status {
            202 => self.until_completed(&sent, BOUND).await["result"]["body"].take(),
            _ => sent.expect(200).body,
        }
    }

    /// The text that it answers.
    pub(crate) async fn ask(&self, id: &str, text: &str) -> String {
        let sent = self.send_to(id, text).await;
        answer_text(&self.answer(sent).await).to_owned()
    }

    /// A finding of `explain`.
    pub(crate) async fn finding(&self, id: &str, check: &str) -> Value {
        let told = self.get(id, "explain").await.expect(200).body;
        let findings = told["findings"].as_array().unwrap();
        findings
            .iter()
            .find(|finding| finding["check"] == check)
            .unwrap_or_else(|| panic!("no {check}: {told}"))
            .clone()
    }

    /// `kill -9` of the platform. What it started runs on.
    pub(crate) fn kill_platform(&mut self) {
        self.platform.process.kill();
    }

    /// Starts it again where it was.
    pub(crate) async fn start_platform(&mut self) {
        self.platform = self.home.start().await;
    }
}

/// Since 1970.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// When an event was, since 1970.
pub(crate) fn time_of(event: &Value) -> Duration {
    let text = event["created_at"].as_str().unwrap();
    let at = rules::Timestamp::parse_rfc3339(text).unwrap_or_else(|| panic!("no time: {text}"));
    Duration::from_millis(at.millis().try_into().unwrap())
}

/// One name for all.
pub(crate) fn named(name: &str) -> Value {
    json!({ "name": name })
}
