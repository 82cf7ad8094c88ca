use serde_json::{Value, json};

use super::*;

const ID: &str = "5f0c7f0e-98f5-4a5e-8f0d-3f8a0b8d7c11";
const ARN: &str = "arn:aws:ecs:eu-west-1:111122223333:task/molecule/0123456789abcdef0123456789abcdef";

/// The shape of the documented event of a Fargate task.
fn state_change(changes: &Value) -> Value {
    let mut detail = json!({
        "attachments": [{
            "id": "1789bcae-ddfb-4d10-8ebe-8ac87ddba5b8",
            "type": "eni",
            "status": "ATTACHED",
            "details": [
                {"name": "subnetId", "value": "subnet-abcd1234"},
                {"name": "networkInterfaceId", "value": "eni-abcd1234"},
                {"name": "macAddress", "value": "0a:98:eb:a7:29:ba"},
                {"name": "privateIPv4Address", "value": "10.0.0.139"}
            ]
        }],
        "availabilityZone": "eu-west-1c",
        "clusterArn": "arn:aws:ecs:eu-west-1:111122223333:cluster/molecule",
        "containers": [{
            "containerArn": "arn:aws:ecs:eu-west-1:111122223333:container/cf159fd6",
            "lastStatus": "RUNNING",
            "name": "workspace",
            "image": "example/workspace:1",
            "taskArn": ARN,
            "networkInterfaces": [{"attachmentId": "1789bcae", "privateIpv4Address": "10.0.0.139"}],
            "cpu": "0"
        }],
        "createdAt": "2026-11-26T21:57:38.453Z",
        "launchType": "FARGATE",
        "cpu": "256",
        "memory": "512",
        "desiredStatus": "RUNNING",
        "group": "family:molecule",
        "lastStatus": "RUNNING",
        "overrides": {"containerOverrides": [{"name": "workspace", "environment": [
            {"name": "WORKSPACE_TOKEN", "value": "a secret"},
            {"name": "WORKSPACE_ID", "value": ID},
            {"name": "WORKSPACE_GENERATION", "value": "3"}
        ]}]},
        "connectivity": "CONNECTED",
        "startedBy": ID,
        "taskArn": ARN,
        "updatedAt": "2026-11-26T21:58:24.453Z",
        "version": 3
    });
    for (name, value) in changes.as_object().unwrap() {
        detail[name] = value.clone();
    }
    json!({
        "version": "0", "id": "3317b2af", "detail-type": "ECS Task State Change", "source": "aws.ecs",
        "account": "111122223333", "time": "2026-11-26T21:57:38Z", "region": "eu-west-1",
        "resources": [ARN], "detail": detail
    })
}

fn gone(code: Option<i32>, out_of_memory: bool, message: &str) -> State {
    State::Gone(Exit { code, stopped: false, out_of_memory, message: message.to_owned(), log_tail: String::new() })
}

#[test]
fn an_event_tells_whose_task_it_is_and_how_it_is() {
    let running = State::Running { url: Some("http://10.0.0.139:8000".to_owned()) };
    let pull = "CannotPullContainerError: pull image manifest has been retried 1 time(s): not found";
    let oom = "OutOfMemoryError: Container killed due to memory usage";
    let essential = "Essential container in task exited";
    let container = |code: Value, reason: Value| json!([{"name": "workspace", "exitCode": code, "reason": reason}]);
    let table = [
        (json!({}), running),
        (json!({"attachments": []}), State::Running { url: None }),
        (json!({"lastStatus": "PROVISIONING"}), State::Between),
        (json!({"lastStatus": "PENDING"}), State::Between),
        (json!({"desiredStatus": "STOPPED"}), State::Between),
        (json!({"lastStatus": "DEPROVISIONING", "desiredStatus": "STOPPED"}), State::Between),
        (json!({"lastStatus": "HOVERING"}), State::Between),
        (
            json!({"lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stopCode": "EssentialContainerExited",
                "stoppedReason": essential, "containers": container(json!(137), json!(oom))}),
            gone(Some(137), true, &format!("{oom}; {essential}")),
        ),
        (
            json!({"lastStatus": "STOPPED", "stopCode": "EssentialContainerExited", "stoppedReason": essential,
                "containers": container(json!(1), Value::Null)}),
            gone(Some(1), false, essential),
        ),
        (
            json!({"lastStatus": "STOPPED", "stopCode": "TaskFailedToStart", "stoppedReason": pull,
                "containers": container(Value::Null, Value::Null)}),
            gone(None, false, pull),
        ),
        (
            json!({"lastStatus": "STOPPED", "stopCode": "UserInitiated", "stoppedReason": "Task stopped by user",
                "containers": container(json!(143), Value::Null)}),
            gone(Some(143), false, "Task stopped by user"),
        ),
        (
            json!({"lastStatus": "STOPPED", "stopCode": "SpotInterruption",
                "stoppedReason": "Your Spot Task was interrupted."}),
            gone(None, false, "Your Spot Task was interrupted."),
        ),
        (
            json!({"lastStatus": "STOPPED", "stopCode": "TerminationNotice", "containers": [],
                "stoppedReason": "Host EC2 (instance i-0123456789abcdef0) terminated."}),
            gone(None, false, "Host EC2 (instance i-0123456789abcdef0) terminated."),
        ),
        (json!({"lastStatus": "STOPPED", "stopCode": "SomethingNew"}), gone(None, false, "SomethingNew")),
    ];
    for (changes, state) in table {
        let seen = event(&state_change(&changes)).unwrap();
        assert_eq!(seen.workspace_id, ID.parse().unwrap());
        assert_eq!((seen.generation, seen.instance.as_str()), (3, ARN));
        assert_eq!(seen.state, state, "{changes}");
    }
}

#[test]
fn tags_name_a_task_where_overrides_do_not() {
    let changes = json!({
        "overrides": {"containerOverrides": [{"name": "workspace"}]},
        "tags": [{"key": "molecule:workspace", "value": ID}, {"key": "molecule:generation", "value": "7"}]
    });
    assert_eq!(event(&state_change(&changes)).unwrap().generation, 7);
}

#[test]
fn what_is_not_ours_says_nothing() {
    let mut other = state_change(&json!({}));
    other["detail-type"] = json!("ECS Container Instance State Change");
    for event_ in [
        other,
        state_change(&json!({"overrides": {"containerOverrides": []}})),
        state_change(&json!({"containers": "none"})),
        json!({}),
        json!(null),
    ] {
        assert_eq!(event(&event_), None);
    }
}

#[test]
fn no_debug_print_shows_a_variable() {
    let task = Task::deserialize(&state_change(&json!({}))["detail"]).unwrap();
    assert!(!format!("{task:?}").contains("a secret"));
}
