//! What each function's role allows, read off the template. Resources are called as in [`crate::privileges`].

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml_ng::Value;

/// Pairs `action@resource`.
pub type Allowed = BTreeSet<String>;

fn template() -> Value {
    serde_yaml_ng::from_str(include_str!("../../infra/template.yaml")).unwrap()
}

/// What a short form of an intrinsic function is given: `!Ref X`, `!Sub "…"`, `!GetAtt X.Arn`, `!If […]`.
fn tagged<'a>(value: &'a Value, tag: &str) -> Option<&'a Value> {
    match value {
        Value::Tagged(tagged) if tagged.tag == tag => Some(&tagged.value),
        _ => None,
    }
}

/// The elements of a list, or the one that stands for it.
fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Sequence(items) => items.iter().collect(),
        one => vec![one],
    }
}

/// The kind of thing that an ARN of the template names, as `tests::privileges` calls it.
fn resource(value: &Value) -> &'static str {
    const WORKSPACE_QUEUES: &str = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${QueuePrefix}-????????-????-????-????-????????????-*.fifo";
    const DEFINITIONS: &str =
        "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task-definition/${QueuePrefix}-workspace-*:*";
    const TASKS: &str = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task/${Cluster}/*";
    // Not by the group's `Arn`, which ends in `:*`.
    const STREAMS: &str =
        "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${WorkspaceLogs}:log-stream:*";
    // The stack's own, or the one that a parameter names.
    let value = tagged(value, "If").map_or(value, |choice| &choice[1]);
    let named = tagged(value, "GetAtt").or_else(|| tagged(value, "Sub")).unwrap_or(value);
    match named.as_str().unwrap_or_default() {
        "Table.Arn" => "table",
        "${Table.Arn}/index/gsi1" => "index",
        "DispatchQueue.Arn" => "dispatch",
        "DispatchVpcQueue.Arn" => "dispatch-vpc",
        "TimersQueue.Arn" => "timers",
        "ProvisionQueue.Arn" => "provision",
        "DeadMessages.Arn" => "dead",
        WORKSPACE_QUEUES => "workspace",
        DEFINITIONS => "definition",
        TASKS => "task",
        "TaskExecutionRole.Arn" => "execution-role",
        "TaskRole.Arn" => "task-role",
        STREAMS => "log",
        "SecretsKey.Arn" => "key",
        "EventBus.Arn" => "bus",
        "*" => "any",
        other => panic!("the template allows something on {other}, which this test does not know"),
    }
}

/// What statements allow, with what they allow it on.
fn allowed(document: &Value, into: &mut Allowed) {
    for statement in each(&document["Statement"]) {
        assert_eq!(statement["Effect"], "Allow", "{statement:?}");
        for action in each(&statement["Action"]) {
            let action = action.as_str().unwrap();
            assert!(!action.contains('*'), "{action}");
            for arn in each(&statement["Resource"]) {
                let resource = resource(arn);
                // Without a resource it takes a condition, where the service knows one.
                let bound = statement["Condition"].is_mapping() || action == "ecs:DescribeTaskDefinition";
                assert!(resource != "any" || bound, "{action} on anything, under no condition");
                into.insert(format!("{action}@{resource}"));
            }
        }
    }
}

/// An entry of a list of policies: a document, a managed policy of the template's or of AWS's, or either under a condition.
fn policy(entry: &Value, resources: &Value, into: &mut Allowed) {
    if let Some(choice) = tagged(entry, "If") {
        policy(&choice[1], resources, into);
    } else if let Some(name) = tagged(entry, "Ref") {
        allowed(&resources[name.as_str().unwrap()]["Properties"]["PolicyDocument"], into);
    } else if entry["PolicyName"].as_str().is_some_and(|name| name.starts_with("Consume")) {
        // What Lambda itself does on the function's behalf is not its code's.
    } else if entry["PolicyDocument"].is_mapping() {
        allowed(&entry["PolicyDocument"], into);
    } else {
        allowed(entry, into);
    }
}

/// What each function's role allows, by its binary.
pub fn of_functions() -> BTreeMap<String, Allowed> {
    let template = template();
    let resources = &template["Resources"];
    let mut found = BTreeMap::new();
    for (_, resource) in resources.as_mapping().unwrap() {
        if resource["Type"] != "AWS::Serverless::Function" {
            continue;
        }
        let binary = resource["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap().to_owned();
        let mut into = Allowed::new();
        let properties = &resource["Properties"];
        if let Some(role) = tagged(&properties["Role"], "GetAtt") {
            let role = &resources[role.as_str().unwrap().trim_end_matches(".Arn")]["Properties"];
            for entry in each(&role["ManagedPolicyArns"]).into_iter().chain(each(&role["Policies"])) {
                policy(entry, resources, &mut into);
            }
        }
        for entry in each(&properties["Policies"]) {
            policy(entry, resources, &mut into);
        }
        found.insert(binary, into);
    }
    found
}
