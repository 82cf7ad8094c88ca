//! The ECS backend against recorded shapes of the ECS JSON 1.1 API: what it asks for, and what it makes of the answers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at what it did not expect")]

use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use platform::config::{EcsLaunch, EcsSettings, Secret};
use platform::provisioner::{EcsEngine, EngineError, Launch, Provisioner, Running, Scope, Stop};
use rules::WorkspaceId;
use rules::engine::StartCause;
use rules::field::WorkspaceAccess;
use rules::tier::{Tier, TierLimits};
use serde_json::{Value, json};
use tests::played::Plays as _;
use tests::recorded::Service;

const ID: &str = "5f0c7f0e-98f5-4a5e-8f0d-3f8a0b8d7c11";
const TASK: &str = "arn:aws:ecs:eu-west-1:111122223333:task/molecule/0123456789abcdef0123456789abcdef";
const DEFINITION: &str = "arn:aws:ecs:eu-west-1:111122223333:task-definition/molecule-workspace-x:1";
const SECRET: &str = "boot-credential-0123456789";

/// ECS as this service plays it.
trait AsEcs {
    fn engine(&self, launch: EcsLaunch, allow_privileged_tiers: bool) -> EcsEngine;
}

impl AsEcs for Service {
    fn engine(&self, launch: EcsLaunch, allow_privileged_tiers: bool) -> EcsEngine {
        engine(launch, allow_privileged_tiers, Some(self.client()), None)
    }
}

fn engine(launch: EcsLaunch, privileged: bool, http: Option<SharedHttpClient>, endpoint: Option<String>) -> EcsEngine {
    let http = http.unwrap_or_else(platform::aws::http_client);
    let credentials = Credentials::new("test", "test", None, None, "tests");
    let mut ecs = aws_sdk_ecs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .credentials_provider(credentials.clone())
        .retry_config(RetryConfig::disabled())
        .http_client(http.clone());
    let mut logs = aws_sdk_cloudwatchlogs::Config::builder()
        .behavior_version(aws_sdk_cloudwatchlogs::config::BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .credentials_provider(credentials)
        .retry_config(RetryConfig::disabled())
        .http_client(http);
    ecs.set_endpoint_url(endpoint.clone());
    logs.set_endpoint_url(endpoint);
    let settings = EcsSettings {
        cluster: "molecule".to_owned(),
        subnets: vec!["subnet-1".to_owned(), "subnet-2".to_owned()],
        security_groups: vec!["sg-1".to_owned()],
        assign_public_ip: false,
        launch,
        execution_role_arn: Some("arn:aws:iam::111122223333:role/execution".to_owned()),
        task_role_arn: Some("arn:aws:iam::111122223333:role/task".to_owned()),
        log_group: "/molecule/workspaces".to_owned(),
    };
    let scope =
        Scope { stack: "molecule".to_owned(), region: "eu-west-1".to_owned(), allow_privileged_tiers: privileged };
    EcsEngine::new(
        aws_sdk_ecs::Client::from_conf(ecs.build()),
        aws_sdk_cloudwatchlogs::Client::from_conf(logs.build()),
        settings,
        scope,
    )
}

fn id() -> WorkspaceId {
    ID.parse().unwrap()
}

fn launch(tier: Tier) -> Launch {
    Launch {
        workspace_id: id(),
        generation: 3,
        runtime: "langgraph".to_owned(),
        tier,
        limits: tier.default_limits(),
        image: "example/workspace:1".to_owned(),
        command: None,
        max_concurrent_tasks: 1,
        boot_credential: Secret(SECRET.to_owned()),
        platform_url: "https://api.example.com".to_owned(),
        workspace_dir: None,
        workspace_access: WorkspaceAccess::default(),
    }
}

fn none_listed() -> Vec<(u16, Value)> {
    vec![(200, json!({"taskArns": []})), (200, json!({"taskArns": []}))]
}

fn task(generation: u64, changes: &Value) -> Value {
    let mut task = json!({
        "taskArn": TASK,
        "lastStatus": "RUNNING",
        "desiredStatus": "RUNNING",
        "startedBy": ID,
        "attachments": [{"id": "a", "type": "ElasticNetworkInterface", "status": "ATTACHED",
            "details": [{"name": "privateIPv4Address", "value": "10.0.0.7"}]}],
        "containers": [{"name": "workspace", "lastStatus": "RUNNING"}],
        "overrides": {"containerOverrides": [{"name": "workspace", "environment": [
            {"name": "WORKSPACE_ID", "value": ID},
            {"name": "WORKSPACE_GENERATION", "value": generation.to_string()}]}]},
        "tags": [{"key": "molecule:stack", "value": "molecule"}]
    });
    for (name, value) in changes.as_object().unwrap() {
        task[name] = value.clone();
    }
    task
}

/// Answers to "which tasks has the workspace".
fn listed(tasks: &[Value]) -> Vec<(u16, Value)> {
    vec![
        (200, json!({"taskArns": [TASK]})),
        (200, json!({"taskArns": []})),
        (200, json!({"tasks": tasks, "failures": []})),
    ]
}

fn refusal(code: &str, message: &str) -> (u16, Value) {
    (400, json!({"__type": code, "message": message}))
}

fn found() -> (u16, Value) {
    (200, json!({"taskDefinition": {"taskDefinitionArn": DEFINITION, "status": "ACTIVE"}}))
}

#[tokio::test]
async fn a_first_start_registers_a_definition_without_secrets_and_runs_it_once() {
    let mut answers = none_listed();
    answers.push(refusal("ClientException", "Unable to describe task definition."));
    answers.push((200, json!({"taskDefinition": {"taskDefinitionArn": DEFINITION}})));
    answers.push((200, json!({"tasks": [{"taskArn": TASK}], "failures": []})));
    let service = Service::answering(answers);
    let started = service.engine(EcsLaunch::Fargate, false).start(&launch(Tier::Standard)).await.unwrap();
    assert_eq!((started.instance.as_str(), started.url), (TASK, None));
    let asked = service.asked();
    let operations: Vec<_> = asked.iter().map(|(operation, _)| operation.as_str()).collect();
    assert_eq!(operations, ["ListTasks", "ListTasks", "DescribeTaskDefinition", "RegisterTaskDefinition", "RunTask"]);
    assert_eq!(asked[0].1["startedBy"], ID);

    let registered = &asked[3].1;
    let text = registered.to_string();
    assert!(!text.contains(SECRET) && !text.contains(ID) && !text.contains("environment"), "{text}");
    assert_eq!(registered["family"], asked[2].1["taskDefinition"]);
    assert_eq!((&registered["cpu"], &registered["memory"]), (&json!("256"), &json!("512")));
    assert_eq!(registered["requiresCompatibilities"], json!(["FARGATE"]));
    assert_eq!(
        registered["containerDefinitions"][0]["logConfiguration"]["options"]["awslogs-stream-prefix"],
        "workspace"
    );
    assert_eq!(registered["containerDefinitions"][0]["privileged"], Value::Null);

    let run = &asked[4].1;
    assert_eq!((&run["taskDefinition"], &run["count"], &run["startedBy"]), (&json!(DEFINITION), &json!(1), &json!(ID)));
    assert_eq!((&run["launchType"], &run["enableECSManagedTags"]), (&json!("FARGATE"), &json!(true)));
    assert_eq!(
        run["networkConfiguration"]["awsvpcConfiguration"],
        json!({"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"})
    );
    assert_eq!(
        run["tags"],
        json!([{"key": "molecule:stack", "value": "molecule"}, {"key": "molecule:workspace", "value": ID},
            {"key": "molecule:generation", "value": "3"}])
    );
    let token = run["clientToken"].as_str().unwrap();
    assert!((32..=64).contains(&token.len()), "{token}");
    let environment = run["overrides"]["containerOverrides"][0]["environment"].as_array().unwrap();
    for (name, value) in [
        ("WORKSPACE_ID", ID),
        ("WORKSPACE_GENERATION", "3"),
        ("WORKSPACE_TOKEN", SECRET),
        ("WORKSPACE_LISTEN", "0.0.0.0"),
        ("WORKSPACE_PORT", "8000"),
        ("MOLECULE_WORKSPACE_URL", "http://ws-5f0c7f0e98f5:8000"),
    ] {
        assert!(environment.contains(&json!({"name": name, "value": value})), "{name}");
    }
}

#[tokio::test]
async fn a_repeat_finds_what_runs_and_tokens_follow_the_generation() {
    let service = Service::answering(listed(&[task(3, &json!({}))]));
    let started = service.engine(EcsLaunch::Fargate, false).start(&launch(Tier::Standard)).await.unwrap();
    assert_eq!(started.url.as_deref(), Some("http://10.0.0.7:8000"));
    assert_eq!(service.operations(), ["ListTasks", "ListTasks", "DescribeTasks"]);

    let mut tokens = Vec::new();
    for generation in [3, 3, 4] {
        let mut answers = none_listed();
        answers.extend([
            found(),
            (400, json!({"__type": "ConflictException", "message": "in use", "resourceIds": [TASK]})),
        ]);
        let service = Service::answering(answers);
        let launch = Launch { generation, ..launch(Tier::Standard) };
        let started = service.engine(EcsLaunch::Fargate, false).start(&launch).await.unwrap();
        assert_eq!(started.instance, TASK, "a used token names the task that used it");
        tokens.push(service.asked()[3].1["clientToken"].clone());
    }
    assert!(tokens[0] == tokens[1] && tokens[1] != tokens[2], "{tokens:?}");
}

#[tokio::test]
async fn refused_starts_say_why() {
    let with = |answer| [none_listed(), vec![found(), answer]].concat();
    let failure = |reason: &str| (200, json!({"tasks": [], "failures": [{"arn": "a", "reason": reason}]}));
    for (answer, cause, told) in [
        (failure("RESOURCE:MEMORY"), StartCause::NoCapacity, "RESOURCE:MEMORY"),
        (failure("AGENT"), StartCause::NoCapacity, "agent"),
        (failure("ATTRIBUTE"), StartCause::Refused, "ATTRIBUTE"),
        ((200, json!({"tasks": [], "failures": []})), StartCause::Refused, "no task"),
        (refusal("ClientException", "Capacity is unavailable at this time."), StartCause::NoCapacity, "Capacity"),
        (refusal("ClusterNotFoundException", "Cluster not found."), StartCause::Refused, "ECS_CLUSTER"),
        (refusal("AccessDeniedException", "not authorized"), StartCause::Refused, "iam:PassRole"),
        (refusal("PlatformUnknownException", ""), StartCause::Refused, "ECS_LAUNCH"),
        (refusal("ThrottlingException", "Rate exceeded"), StartCause::EngineUnreachable, "Rate"),
        (refusal("InvalidParameterException", SECRET), StartCause::Refused, "(secret)"),
        ((500, json!({"__type": "ServerException"})), StartCause::EngineUnreachable, "ServerException"),
    ] {
        let service = Service::answering(with(answer));
        let failed = service.engine(EcsLaunch::Fargate, false).start(&launch(Tier::Standard)).await.unwrap_err();
        assert_eq!(failed.cause, cause, "{failed:?}");
        assert!(failed.evidence.contains(told) && !failed.evidence.contains(SECRET), "{failed:?}");
    }
    let failed = Service::silent().engine(EcsLaunch::Fargate, false).start(&launch(Tier::Standard)).await.unwrap_err();
    assert_eq!(failed.cause, StartCause::EngineUnreachable);
}

#[tokio::test]
async fn a_task_that_would_not_know_its_platform_is_not_started() {
    let service = Service::default();
    let lost = Launch { platform_url: String::new(), ..launch(Tier::Standard) };
    let failed = service.engine(EcsLaunch::Fargate, false).start(&lost).await.unwrap_err();
    assert!(failed.cause == StartCause::Refused && failed.evidence.contains("WORKSPACE_PLATFORM_URL"), "{failed:?}");
    assert!(service.asked().is_empty(), "{:?}", service.asked());
}

#[tokio::test]
async fn tiers_3_and_4_need_ec2_and_a_permission() {
    let ec2 = || EcsLaunch::CapacityProvider("gpus".to_owned());
    for (on, privileged) in [(EcsLaunch::Fargate, true), (ec2(), false)] {
        let service = Service::default();
        let failed = service.engine(on, privileged).start(&launch(Tier::Privileged)).await.unwrap_err();
        assert_eq!(failed.cause, StartCause::TierRefused);
        assert!(service.asked().is_empty());
    }
    let mut answers = none_listed();
    answers.push(refusal("ClientException", "Unable to describe task definition."));
    answers.push((200, json!({"taskDefinition": {"taskDefinitionArn": DEFINITION}})));
    answers.push((200, json!({"tasks": [{"taskArn": TASK}]})));
    let service = Service::answering(answers);
    let launch = Launch { limits: TierLimits { memory_mb: 777, cpu_shares: 300 }, ..launch(Tier::Privileged) };
    service.engine(ec2(), true).start(&launch).await.unwrap();
    let asked = service.asked();
    assert_eq!((&asked[3].1["cpu"], &asked[3].1["memory"]), (&json!("300"), &json!("777")));
    assert_eq!(asked[3].1["containerDefinitions"][0]["privileged"], true);
    assert_eq!(asked[4].1["capacityProviderStrategy"][0]["capacityProvider"], "gpus");
    assert_eq!(asked[4].1["launchType"], Value::Null);
}

#[tokio::test]
async fn a_stop_takes_what_it_is_told_to_and_missing_tasks_count_as_stopped() {
    for (what, generation, stops) in [
        (Stop::OlderThan(4), 3, true),
        (Stop::OlderThan(3), 3, false),
        (Stop::All, 3, true),
        (Stop::AndRemove, 3, true),
    ] {
        let mut answers = listed(&[task(generation, &json!({}))]);
        if stops {
            answers.push(refusal("InvalidParameterException", "The referenced task was not found."));
        }
        let service = Service::answering(answers);
        service.engine(EcsLaunch::Fargate, false).stop(id(), what).await.unwrap();
        assert_eq!(service.operations().contains(&"StopTask".to_owned()), stops, "{what:?}");
    }
    let mut answers = listed(&[task(3, &json!({}))]);
    answers.push(refusal("AccessDeniedException", "no"));
    let refused = Service::answering(answers).engine(EcsLaunch::Fargate, false).stop(id(), Stop::All).await;
    assert!(matches!(refused, Err(EngineError::Refused(_))), "{refused:?}");
    let silent = Service::silent().engine(EcsLaunch::Fargate, false).stop(id(), Stop::All).await;
    assert!(matches!(silent, Err(EngineError::Unreachable(_))), "{silent:?}");
}

#[tokio::test]
async fn dead_is_only_what_ecs_says_is_dead() {
    let stopped = json!({
        "lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "workspace", "exitCode": 137, "reason": "OutOfMemoryError: Container killed"}]
    });
    let mut answers = listed(&[task(3, &stopped)]);
    answers.push((200, json!({"events": [{"message": "one"}, {"message": "two"}]})));
    let service = Service::answering(answers);
    let Ok(Running::No(exit)) = service.engine(EcsLaunch::Fargate, false).is_running(id(), 3).await else { panic!() };
    assert_eq!((exit.code, exit.out_of_memory, exit.log_tail.as_str()), (Some(137), true, "one\ntwo"));
    let stream = service.asked()[3].1["logStreamName"].clone();
    assert_eq!(stream, "workspace/workspace/0123456789abcdef0123456789abcdef");

    let ask = async |answers| Service::answering(answers).engine(EcsLaunch::Fargate, false).is_running(id(), 3).await;
    let url = Some("http://10.0.0.7:8000".to_owned());
    assert_eq!(ask(listed(&[task(3, &json!({}))])).await, Ok(Running::Yes { url }));
    assert_eq!(ask(listed(&[task(3, &json!({"lastStatus": "PENDING"}))])).await, Ok(Running::Yes { url: None }));
    assert!(matches!(ask(listed(&[task(4, &json!({}))])).await, Ok(Running::No(_))), "a newer one was started");
    assert!(ask(none_listed()).await.is_err(), "not listed yet, or not any more");
    assert!(ask(vec![refusal("ThrottlingException", "")]).await.is_err());
}

#[tokio::test]
async fn a_list_takes_all_pages_a_hundred_at_a_time_and_only_our_own() {
    let arns = |from: usize, to: usize| (from..to).map(|n| format!("{TASK}{n}")).collect::<Vec<_>>();
    let service = Service::answering(vec![
        (200, json!({"taskArns": arns(0, 100), "nextToken": "more"})),
        (200, json!({"taskArns": arns(100, 130)})),
        (200, json!({"taskArns": []})),
        (200, json!({"tasks": [task(3, &json!({})), task(3, &json!({"tags": []}))]})),
        (200, json!({"tasks": [task(4, &json!({}))]})),
    ]);
    let all = service.engine(EcsLaunch::Fargate, false).list().await.unwrap();
    assert_eq!(all.iter().map(|one| one.generation).collect::<Vec<_>>(), [3, 4]);
    let asked = service.asked();
    assert_eq!(asked[1].1["nextToken"], "more");
    assert_eq!(asked[3].1["tasks"].as_array().unwrap().len(), 100);
    assert_eq!(asked[4].1["tasks"].as_array().unwrap().len(), 30);
}

#[tokio::test]
async fn logs_that_are_not_there_are_empty() {
    let service = Service::answering(none_listed());
    assert_eq!(service.engine(EcsLaunch::Fargate, false).logs(id(), 5).await.unwrap(), "");
    let mut answers = listed(&[task(3, &json!({}))]);
    answers.push(refusal("ResourceNotFoundException", "The specified log stream does not exist."));
    assert_eq!(Service::answering(answers).engine(EcsLaunch::Fargate, false).logs(id(), 5).await.unwrap(), "");
}

/// Against an endpoint such as ministack's, with a cluster `molecule` that this test makes.
#[tokio::test]
async fn an_endpoint_runs_finds_and_stops_a_task() {
    let Ok(endpoint) = std::env::var("ECS_ENDPOINT_URL") else {
        eprintln!("SKIPPED: set ECS_ENDPOINT_URL to an ECS endpoint to run this");
        return;
    };
    let config = aws_sdk_ecs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .http_client(platform::aws::http_client())
        .endpoint_url(&endpoint);
    aws_sdk_ecs::Client::from_conf(config.build()).create_cluster().cluster_name("molecule").send().await.unwrap();
    let engine = engine(EcsLaunch::Fargate, false, None, Some(endpoint));
    let launch = Launch { workspace_id: uuid::Uuid::new_v4().to_string().parse().unwrap(), ..launch(Tier::Standard) };
    let id = launch.workspace_id;
    let started = engine.start(&launch).await.unwrap();
    assert_eq!(engine.start(&launch).await.unwrap().instance, started.instance, "a repeat finds it");
    assert!(matches!(engine.is_running(id, 3).await, Ok(Running::Yes { .. })));
    assert!(engine.list().await.unwrap().iter().any(|one| one.instance == started.instance));
    engine.stop(id, Stop::OlderThan(3)).await.unwrap();
    assert!(matches!(engine.is_running(id, 3).await, Ok(Running::Yes { .. })), "it is not older");
    engine.stop(id, Stop::All).await.unwrap();
    engine.stop(id, Stop::All).await.unwrap();
    assert!(!matches!(engine.is_running(id, 3).await, Ok(Running::Yes { .. })));
}
