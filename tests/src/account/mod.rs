//! The services beside table and queues that functions use on AWS, in memory, behind the SDK's HTTP client: ECS, CloudWatch
//! Logs, KMS and EventBridge, as far as the platform asks them. Shapes are those of the services' documentation; what is
//! compared with them here is the platform, not the services.

mod ecs;
mod kms;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use platform::bus::EventBridge;
use platform::config::Config;
use platform::provisioner::{EcsEngine, Scope};
use platform::{Services, sealing};
use serde_json::{Value, json};

use self::ecs::Cluster;
use self::kms::Keys;
use crate::played::{Answer, Plays};

/// What a service refuses with: code and message.
type Refusal = (&'static str, &'static str);

/// The services of one account. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Account(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    cluster: Cluster,
    keys: Keys,
    /// What tasks wrote, by log stream.
    logs: BTreeMap<String, Vec<String>>,
    /// The entries that the bus took.
    events: Vec<Value>,
    /// What was asked for since the last look.
    asked: Vec<String>,
}

impl Plays for Account {
    fn answer(&self, target: &str, asked: &Value) -> Answer {
        Some(match self.state().answer(target, asked) {
            Ok(body) => (200, body),
            Err((code, message)) => (400, json!({ "__type": code, "message": message })),
        })
    }
}

impl State {
    fn answer(&mut self, target: &str, asked: &Value) -> Result<Value, Refusal> {
        let (service, operation) = target.split_once('.').unwrap_or_default();
        self.asked.push(operation.to_owned());
        match service {
            "AmazonEC2ContainerServiceV20141113" => self.cluster.answer(operation, asked),
            "TrentService" => self.keys.answer(operation, asked),
            "Logs_20140328" if operation == "GetLogEvents" => {
                let stream = asked["logStreamName"].as_str().unwrap_or_default();
                let lines = self.logs.get(stream).ok_or(("ResourceNotFoundException", "no such log stream"))?;
                let newest = lines.len().saturating_sub(usize::try_from(asked["limit"].as_u64().unwrap()).unwrap());
                Ok(
                    json!({ "events": lines[newest..].iter().map(|line| json!({ "message": line })).collect::<Vec<_>>() }),
                )
            }
            "AWSEvents" if operation == "PutEvents" => {
                let entries = asked["Entries"].as_array().cloned().unwrap_or_default();
                let taken: Vec<Value> =
                    entries.iter().map(|_| json!({ "EventId": "11710aed-b79e-4468-a20b-bb3c0c3b4860" })).collect();
                self.events.extend(entries);
                Ok(json!({ "FailedEntryCount": 0, "Entries": taken }))
            }
            _ => panic!("nobody here serves {target}"),
        }
    }
}

impl Account {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The services that settings name, as a function would have them on AWS, asked through an HTTP client that leads here.
    pub async fn services(&self, config: &Config, sdk: aws_config::ConfigLoader) -> Services {
        let sdk = sdk.load().await;
        let engine = &config.engine;
        let scope = Scope {
            stack: config.queue_prefix.clone(),
            region: "us-east-1".to_owned(),
            allow_privileged_tiers: engine.allow_privileged_tiers,
        };
        let (ecs, logs) = (aws_sdk_ecs::Client::new(&sdk), aws_sdk_cloudwatchlogs::Client::new(&sdk));
        let ecs = EcsEngine::new(ecs, logs, engine.ecs.clone().expect("PROVISIONER=ecs"), scope);
        let events = aws_sdk_eventbridge::Client::new(&sdk);
        Services {
            provisioner: Arc::new(ecs),
            sealer: sealing::from_environment(config, &sdk),
            bus: Arc::new(EventBridge::new(events, config.event_bus_name.clone())),
        }
    }

    /// The operations asked for since the last look.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state().asked)
    }

    /// Every definition of tasks, as it was registered.
    pub fn definitions(&self) -> Vec<Value> {
        self.state().cluster.definitions.values().cloned().collect()
    }

    /// A workspace's tasks, as DescribeTasks tells them, oldest first.
    pub fn tasks(&self, workspace: &str) -> Vec<Value> {
        let state = self.state();
        state.cluster.tasks.iter().filter(|task| task["startedBy"] == workspace).cloned().collect()
    }

    /// A variable of the newest task of a workspace.
    pub fn variable(&self, workspace: &str, name: &str) -> String {
        let task = self.tasks(workspace).pop().expect("a task");
        let variables = task["overrides"]["containerOverrides"][0]["environment"].as_array().unwrap().clone();
        let found = variables.iter().find(|variable| variable["name"] == name).expect("a variable of that name");
        found["value"].as_str().unwrap().to_owned()
    }

    /// The newest task of a workspace is changed so; returns the event that EventBridge hands on of it.
    pub fn change(&self, workspace: &str, fields: &Value) -> Value {
        let mut state = self.state();
        let of = |task: &&mut Value| task["startedBy"] == workspace;
        let task = state.cluster.tasks.iter_mut().rev().find(of).expect("a task");
        for (name, value) in fields.as_object().unwrap() {
            task[name] = value.clone();
        }
        json!({ "source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": task })
    }

    /// The newest task of a workspace has its address and runs.
    pub fn runs(&self, workspace: &str, address: &str) -> Value {
        let details = json!([{ "name": "privateIPv4Address", "value": address }]);
        let network =
            json!([{ "id": "a", "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": details }]);
        self.change(workspace, &json!({ "lastStatus": "RUNNING", "attachments": network }))
    }

    /// The newest task of a workspace has ended.
    pub fn ends(&self, workspace: &str, code: i32, reason: &str) -> Value {
        self.change(
            workspace,
            &json!({
                "lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stopCode": "EssentialContainerExited",
                "stoppedReason": "Essential container in task exited",
                "containers": [{ "name": "workspace", "lastStatus": "STOPPED", "exitCode": code, "reason": reason }],
            }),
        )
    }

    /// The newest task of a workspace writes a line.
    pub fn writes(&self, workspace: &str, line: &str) {
        let task = self.tasks(workspace).pop().expect("a task");
        let id = task["taskArn"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        self.state().logs.entry(format!("workspace/workspace/{id}")).or_default().push(line.to_owned());
    }

    /// What the bus took: type and detail of each event, oldest first.
    pub fn events(&self) -> Vec<(String, Value)> {
        let told = |entry: &Value| {
            let detail = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
            (entry["DetailType"].as_str().unwrap().to_owned(), detail)
        };
        self.state().events.iter().map(told).collect()
    }
}
