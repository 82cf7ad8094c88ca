//! Each function's role allows what its code asks of AWS, and nothing else. The template's policies are compared, both ways,
//! with what the other tests have noted (see `tests::privileges`). What no test drives, and the code can
//! still come to, is listed here by name, in [`UNDRIVEN`]; a name there that some test drives is told, not failed, as races drive what they come to.
//!
//! What code can come to was read off the functions' debug binaries: the linker leaves out what nothing calls, so that
//! `nm -C target/debug/<function> | grep -oE '(Queues|Store|Transaction)>?::[a-z_]+' | sort -u` lists the methods of queues
//! and table that it contains.
//!
//! The notes are of a run of all tests; with few of them, or stale ones, the comparison means nothing. So it is made where
//! `LEAST_PRIVILEGE` is set, as in `.ci/run`, which begins without notes:
//!
//! ```sh
//! rm -rf target/privileges && cargo test --workspace && LEAST_PRIVILEGE=1 cargo test --workspace --test least_privilege
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at what it did not expect")]

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml_ng::Value;

/// What functions may ask for on a path that no test takes: a workspace that is removed while somebody sends to it, a message
/// that fails for good in the hands of whoever looks, a restart that the function itself begins.
const UNDRIVEN: [(&str, &[&str]); 18] = [
    ("a2a", &["sqs:ChangeMessageVisibility@workspace", "sqs:SendMessage@dead"]),
    ("a2a-stream", &["sqs:ChangeMessageVisibility@workspace", "sqs:SendMessage@dead"]),
    (
        "delegations",
        &[
            "dynamodb:DeleteItem@table",
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@timers",
            "sqs:TagQueue@workspace",
        ],
    ),
    ("diagnosis", &["dynamodb:UpdateItem@table"]),
    (
        "dispatch",
        &[
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@workspace",
            "sqs:TagQueue@workspace",
        ],
    ),
    (
        "dispatch-vpc",
        &[
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@workspace",
            "sqs:TagQueue@workspace",
        ],
    ),
    ("health", &["dynamodb:UpdateItem@table"]),
    (
        "heartbeat",
        &[
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@provision",
            "sqs:SendMessage@workspace",
            "sqs:TagQueue@workspace",
        ],
    ),
    ("inbox", &["dynamodb:Query@index", "dynamodb:Query@table"]),
    ("lifecycle", &["sqs:DeleteQueue@workspace"]),
    ("provision", &["sqs:DeleteQueue@workspace"]),
    (
        "queue",
        &[
            "sqs:ChangeMessageVisibility@workspace",
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@dead",
            "sqs:TagQueue@workspace",
        ],
    ),
    ("register", &["sqs:SendMessage@provision"]),
    (
        "schedules",
        &[
            "sqs:ChangeMessageVisibility@workspace",
            "sqs:CreateQueue@workspace",
            "sqs:DeleteMessage@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@dead",
            "sqs:SendMessage@provision",
            "sqs:TagQueue@workspace",
        ],
    ),
    (
        "sweep",
        &[
            "dynamodb:DeleteItem@table",
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:TagQueue@workspace",
        ],
    ),
    (
        "task-state",
        &[
            "dynamodb:BatchGetItem@table",
            "dynamodb:DeleteItem@table",
            "dynamodb:GetItem@table",
            "dynamodb:PutItem@table",
            "sqs:SendMessage@dispatch",
            "sqs:SendMessage@provision",
            "sqs:SendMessage@timers",
        ],
    ),
    (
        "tick",
        &[
            "dynamodb:DeleteItem@table",
            "dynamodb:Query@table",
            "sqs:ChangeMessageVisibility@workspace",
            "sqs:CreateQueue@workspace",
            "sqs:DeleteMessage@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@dead",
            "sqs:SendMessage@provision",
            "sqs:TagQueue@workspace",
        ],
    ),
    (
        "timers",
        &[
            "dynamodb:DeleteItem@table",
            "sqs:ChangeMessageVisibility@workspace",
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@dead",
            "sqs:TagQueue@workspace",
        ],
    ),
];

/// Pairs `action@resource`.
type Allowed = BTreeSet<String>;

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
        "${WorkspaceLogs.Arn}:log-stream:*" => "log",
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
fn policies() -> BTreeMap<String, Allowed> {
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

/// What each function asked for in the run of the tests.
fn noted() -> BTreeMap<String, Allowed> {
    let Ok(folders) = std::fs::read_dir(tests::privileges::folder()) else { return BTreeMap::new() };
    let names = |path: std::path::PathBuf| {
        std::fs::read_dir(path).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    folders
        .map(|folder| folder.unwrap())
        .map(|folder| (folder.file_name().into_string().unwrap(), names(folder.path())))
        .collect()
}

#[test]
fn every_role_allows_what_its_function_asks_for() {
    if std::env::var_os("LEAST_PRIVILEGE").is_none() {
        println!("NOT CHECKED: set LEAST_PRIVILEGE after a run of all tests, see the top of this file");
        return;
    }
    let (policies, mut noted) = (policies(), noted());
    // A stream is followed by the same code as answers a call; the tests hand both to the one or to the other.
    let both: Allowed = ["a2a", "a2a-stream"].iter().flat_map(|name| noted.remove(*name).unwrap_or_default()).collect();
    noted.insert("a2a".to_owned(), both.clone());
    noted.insert("a2a-stream".to_owned(), both);
    // The same drains, and in their own network they forward nothing.
    let mut drains = noted.remove("dispatch").unwrap_or_default();
    drains.extend(noted.remove("dispatch-vpc").unwrap_or_default());
    noted.insert("dispatch".to_owned(), drains.clone());
    drains.retain(|note| !note.ends_with("@dispatch-vpc"));
    noted.insert("dispatch-vpc".to_owned(), drains);

    let undriven: BTreeMap<&str, &[&str]> = UNDRIVEN.into_iter().collect();
    let mut wrong = String::new();
    for (function, allowed) in policies {
        let asked = noted.remove(&function).unwrap_or_default();
        let listed: Allowed =
            undriven.get(function.as_str()).into_iter().copied().flatten().map(|name| (*name).to_owned()).collect();
        for name in asked.intersection(&listed) {
            println!("{function} was seen to ask for {name}; it need not be in UNDRIVEN");
        }
        for name in asked.union(&listed).filter(|name| !allowed.contains(*name)) {
            wrong += &format!("{function} asks for {name}, which its role does not allow\n");
        }
        for name in allowed.iter().filter(|name| !asked.contains(*name) && !listed.contains(*name)) {
            wrong += &format!("{function}'s role allows {name}, which it does not ask for\n");
        }
    }
    for function in noted.into_keys() {
        wrong += &format!("the template has no function {function}\n");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_role_is_read_with_its_managed_and_its_own_policies() {
    let policies = policies();
    assert!(policies["heartbeat"].contains("dynamodb:UpdateItem@table"), "{:?}", policies["heartbeat"]);
    assert!(policies["dispatch"].contains("sqs:ReceiveMessage@workspace"), "{:?}", policies["dispatch"]);
    assert!(!policies["dispatch"].contains("sqs:ReceiveMessage@dispatch"), "Lambda's own part is not the code's");
    assert!(policies["health"].contains("dynamodb:GetItem@table"), "{:?}", policies["health"]);
}
