//! What each function asks of AWS, as IAM names it, noted over a whole test run: one empty file for each pair of function
//! and permission, below `target/privileges`. The template's policies are compared with them.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::Value;

tokio::task_local! {
    /// The function whose code runs.
    pub static FUNCTION: &'static str;
}

/// Where the notes are.
pub fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target")).join("privileges")
}

/// Notes what a request of a function's needs; requests of the test's own are not noted.
///
/// # Panics
/// The folder cannot be written, or a function asks for something that nobody has thought of here.
pub fn note(request: &HttpRequest) {
    static SEEN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let Ok(function) = FUNCTION.try_with(|function| *function) else { return };
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let body = request.body().bytes().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or(Value::Null);
    for (action, resource) in needed(target, &body) {
        let note = format!("{function}/{action}@{resource}");
        if SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(note.clone()) {
            let file = folder().join(note);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
    }
}

/// The actions of a request, each with the kind of thing that it is allowed on.
fn needed(target: &str, body: &Value) -> Vec<(String, &'static str)> {
    let (service, operation) = target.split_once('.').unwrap_or_default();
    match service {
        "AmazonSQS" => return on_queue(operation, body),
        "AmazonEC2ContainerServiceV20141113" => return on_tasks(operation, body),
        "TrentService" => return vec![(format!("kms:{operation}"), "key")],
        "Logs_20140328" => return vec![(format!("logs:{operation}"), "log")],
        "AWSEvents" => return vec![(format!("events:{operation}"), "bus")],
        _ => {}
    }
    let action = |operation: &str| format!("dynamodb:{operation}");
    let table = "table";
    match operation {
        "GetItem" | "BatchGetItem" | "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" => {
            vec![(action(operation), table)]
        }
        "Query" if body["IndexName"].is_string() => vec![(action(operation), "index")],
        "Query" => vec![(action(operation), table)],
        "TransactWriteItems" => body["TransactItems"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|item| item.as_object().into_iter().flatten())
            .map(|(kind, _)| match kind.as_str() {
                "ConditionCheck" => (action("ConditionCheckItem"), table),
                kind => (action(&format!("{kind}Item")), table),
            })
            .collect(),
        other => panic!("a function asks for {service}.{other}"),
    }
}

fn on_queue(operation: &str, body: &Value) -> Vec<(String, &'static str)> {
    let name = body["QueueName"].as_str().or_else(|| body["QueueUrl"].as_str()?.rsplit('/').next()).unwrap_or_default();
    let queue = match name {
        "dispatch" => "dispatch",
        "dispatch-vpc" => "dispatch-vpc",
        "timers" => "timers",
        "provision.fifo" => "provision",
        "dead" => "dead",
        name if name.ends_with(".fifo") => "workspace",
        other => panic!("a function asks for the queue {other:?}"),
    };
    let single = operation.strip_suffix("Batch").unwrap_or(operation);
    let mut needed = vec![(format!("sqs:{single}"), queue)];
    if body["tags"].is_object() {
        needed.push(("sqs:TagQueue".to_owned(), queue));
    }
    needed
}

/// What it is of is what IAM lets a policy name: some actions know no resource, only conditions.
fn on_tasks(operation: &str, body: &Value) -> Vec<(String, &'static str)> {
    let of = match operation {
        "ListTasks" | "DescribeTaskDefinition" => "any",
        "RunTask" | "RegisterTaskDefinition" => "definition",
        _ => "task",
    };
    let mut needed = vec![(format!("ecs:{operation}"), of)];
    if body["tags"].is_array() {
        needed.push(("ecs:TagResource".to_owned(), "any"));
    }
    for (field, role) in [("executionRoleArn", "execution-role"), ("taskRoleArn", "task-role")] {
        if body[field].is_string() {
            needed.push(("iam:PassRole".to_owned(), role));
        }
    }
    needed
}
