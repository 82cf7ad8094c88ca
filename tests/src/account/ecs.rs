//! Tasks and their definitions. A task stays as it was started until a test changes it, or somebody stops it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Refusal;

const ARN: &str = "arn:aws:ecs:us-east-1:111122223333";

#[derive(Debug, Default)]
pub(super) struct Cluster {
    /// By family.
    pub definitions: BTreeMap<String, Value>,
    /// As DescribeTasks tells them.
    pub tasks: Vec<Value>,
    /// The task that each client token started.
    tokens: BTreeMap<String, String>,
}

impl Cluster {
    pub fn answer(&mut self, operation: &str, asked: &Value) -> Result<Value, Refusal> {
        match operation {
            "DescribeTaskDefinition" => {
                let family = asked["taskDefinition"].as_str().unwrap_or_default();
                if !self.definitions.contains_key(family) {
                    return Err(("ClientException", "Unable to describe task definition."));
                }
                Ok(json!({ "taskDefinition": { "taskDefinitionArn": definition_arn(family), "status": "ACTIVE" } }))
            }
            "RegisterTaskDefinition" => {
                let family = asked["family"].as_str().unwrap_or_default();
                self.definitions.insert(family.to_owned(), asked.clone());
                Ok(json!({ "taskDefinition": { "taskDefinitionArn": definition_arn(family), "status": "ACTIVE" } }))
            }
            "RunTask" => self.run(asked),
            "StopTask" => {
                let task = self.tasks.iter_mut().find(|task| task["taskArn"] == asked["task"]);
                let task = task.ok_or(("InvalidParameterException", "The referenced task was not found."))?;
                for status in ["desiredStatus", "lastStatus"] {
                    task[status] = json!("STOPPED");
                }
                task["stopCode"] = json!("UserInitiated");
                task["stoppedReason"] = asked["reason"].clone();
                Ok(json!({ "task": task }))
            }
            "ListTasks" => {
                let started_by = asked["startedBy"].as_str();
                let wanted = |task: &&Value| {
                    task["desiredStatus"] == asked["desiredStatus"]
                        && started_by.is_none_or(|id| task["startedBy"] == id)
                };
                let arns: Vec<_> = self.tasks.iter().filter(wanted).map(|task| task["taskArn"].clone()).collect();
                Ok(json!({ "taskArns": arns }))
            }
            "DescribeTasks" => {
                let arns = asked["tasks"].as_array().cloned().unwrap_or_default();
                let tasks: Vec<_> = self.tasks.iter().filter(|task| arns.contains(&task["taskArn"])).collect();
                Ok(json!({ "tasks": tasks, "failures": [] }))
            }
            _ => panic!("ECS is not asked for {operation}"),
        }
    }

    fn run(&mut self, asked: &Value) -> Result<Value, Refusal> {
        let definition = asked["taskDefinition"].as_str().unwrap_or_default();
        if !self.definitions.keys().any(|family| definition == definition_arn(family)) {
            return Err(("InvalidParameterException", "TaskDefinition not found."));
        }
        let token = asked["clientToken"].as_str().unwrap_or_default().to_owned();
        if let Some(arn) = self.tokens.get(&token) {
            let same: Vec<_> = self.tasks.iter().filter(|task| task["taskArn"] == arn.as_str()).collect();
            return Ok(json!({ "tasks": same, "failures": [] }));
        }
        let arn = format!("{ARN}:task/molecule/{:032x}", self.tasks.len());
        self.tokens.insert(token, arn.clone());
        let task = json!({
            "taskArn": arn, "taskDefinitionArn": definition, "startedBy": asked["startedBy"], "tags": asked["tags"],
            "overrides": asked["overrides"], "lastStatus": "PROVISIONING", "desiredStatus": "RUNNING",
            "attachments": [], "containers": [{ "name": "workspace", "lastStatus": "PENDING" }],
        });
        self.tasks.push(task.clone());
        Ok(json!({ "tasks": [task], "failures": [] }))
    }
}

fn definition_arn(family: &str) -> String {
    format!("{ARN}:task-definition/{family}:1")
}
