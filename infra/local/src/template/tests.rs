use super::*;

fn read(text: &str) -> Result<Template, TemplateError> {
    Template::read(text, &HashMap::new())
}

fn ours() -> Template {
    read(TEXT).unwrap()
}

fn function<'a>(template: &'a Template, binary: &str) -> &'a Function {
    template.functions.values().find(|function| function.binary == binary).unwrap()
}

#[test]
fn the_template_declares_every_variable_of_the_functions_and_no_other() {
    let template = ours();
    let mut declared: Vec<_> =
        template.variables.keys().chain(template.queue_variables.keys()).map(String::as_str).collect();
    let mut known: Vec<_> = platform::config::VARIABLES.iter().map(|variable| variable.name).collect();
    declared.sort_unstable();
    known.sort_unstable();
    assert_eq!(declared, known);
}

#[test]
fn parameters_have_the_defaults_of_the_variables() {
    // Only a deployment has these.
    const DEPLOYED: [&str; 17] = [
        "TABLE_NAME",
        "ADMIN_TOKEN",
        "DISPATCH_QUEUE_URL",
        "DISPATCH_VPC_QUEUE_URL",
        "TIMERS_QUEUE_URL",
        "DEAD_LETTER_QUEUE_URL",
        "PROVISION_QUEUE_URL",
        "EVENT_BUS_NAME",
        "SECRETS_KMS_KEY_ID",
        "PROVISIONER",
        "ECS_CLUSTER",
        "ECS_SUBNETS",
        "ECS_SECURITY_GROUPS",
        "ECS_LAUNCH",
        "ECS_EXECUTION_ROLE_ARN",
        "ECS_TASK_ROLE_ARN",
        "ECS_LOG_GROUP",
    ];
    let template = ours();
    for variable in platform::config::VARIABLES.iter().filter(|variable| !DEPLOYED.contains(&variable.name)) {
        assert_eq!(template.variables[variable.name].as_deref(), Some(variable.default), "{}", variable.name);
    }
}

#[test]
fn a_functions_variables_stay_within_lambdas_four_kilobytes() {
    // What only a deployment knows, such as ARNs, URLs and names: about the longest of them.
    const DEPLOYED: usize = 100;
    let template = ours();
    let plain =
        template.variables.iter().map(|(name, value)| name.len() + value.as_ref().map_or(DEPLOYED, String::len));
    let queues = template.queue_variables.keys().map(|name| name.len() + DEPLOYED);
    let bytes: usize = plain.chain(queues).sum();
    assert!(bytes < 4_096, "{bytes} bytes of variables, of which Lambda takes 4096");
}

#[test]
fn the_index_projects_what_the_store_lists() {
    let document: Value = serde_yaml_ng::from_str(TEXT).unwrap();
    let index = &document["Resources"]["Table"]["Properties"]["GlobalSecondaryIndexes"][0];
    let fields: Vec<_> = index["Projection"]["NonKeyAttributes"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(|field| field.as_str().unwrap())
        .collect();
    assert_eq!(fields, platform::store::indexed_fields());
}

#[test]
fn routes_sources_and_schedules_are_read() {
    let template = ours();
    let keys: Vec<_> = function(&template, "discovery").routes.iter().map(Route::key).collect();
    let registry = ["GET /registry/discover/{id}", "GET /registry/{id}/peers", "POST /registry/check-access"];
    assert_eq!(keys[..3], registry);

    let dispatch = function(&template, "dispatch");
    assert_eq!(dispatch.timeout, std::time::Duration::from_secs(900));
    let source =
        QueueSource { queue: "DispatchQueue".into(), batch_size: 1, max_concurrency: Some(64), partial_failures: true };
    assert_eq!(dispatch.sources, [source]);
    assert_eq!(function(&template, "timers").sources[0].batch_size, 10);

    let sweep = function(&template, "sweep");
    assert_eq!(sweep.timeout, std::time::Duration::from_secs(55));
    assert_eq!(sweep.schedules[0].every, std::time::Duration::from_secs(60));
}

#[test]
fn a_queue_stays_invisible_for_longer_than_its_function_runs() {
    let template = ours();
    for function in template.functions.values() {
        for source in &function.sources {
            let visibility: u64 = template.queues[&source.queue].attributes["VisibilityTimeout"].parse().unwrap();
            assert!(visibility > function.timeout.as_secs(), "{}", function.binary);
            assert!(template.queues[&source.queue].dead_letters.is_some(), "{}", function.binary);
        }
    }
}

#[test]
fn queues_are_named_by_the_prefix_of_the_environment() {
    let given = HashMap::from([("QUEUE_PREFIX".to_owned(), "mine".to_owned())]);
    let template = Template::read(TEXT, &given).unwrap();
    assert_eq!(template.queues["DispatchQueue"].name, "mine-dispatch");
    assert_eq!(template.queues["DispatchQueue"].dead_letters, Some(("DispatchDeadLetters".into(), 3)));
    assert_eq!(template.queue_variables["TIMERS_QUEUE_URL"], "TimersQueue");
    assert_eq!(ours().queues["TimersDeadLetters"].name, "molecule-timers-dead");
}

#[test]
fn cors_is_as_declared() {
    let cors = ours().cors;
    assert_eq!(cors.methods, ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
    assert_eq!(
        cors.headers,
        [
            "Origin",
            "Content-Type",
            "X-Workspace-ID",
            "Authorization",
            "A2A-Version",
            "Idempotency-Key",
            "Last-Event-ID",
            "Prefer",
            "X-Timeout",
            "X-Priority",
            "X-Deadline",
            "X-Not-Before",
            "If-None-Match",
            "traceparent"
        ]
    );
    assert_eq!(cors.exposed, ["Link", "Location", "Retry-After", "ETag", "A2A-Version"]);
    assert!(cors.credentials);
}

#[test]
fn what_a_local_run_cannot_follow_is_an_error_that_names_it() {
    let with_event = |event: &str| {
        format!(
            "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Metadata: {{BuildProperties: {{Binary: f}}}}\n    \
             Properties: {{Events: {{E: {event}}}}}\n"
        )
    };
    for (event, named) in [
        ("{Type: Kinesis, Properties: {}}", "F.E has the type \"Kinesis\""),
        ("{Type: Schedule, Properties: {Schedule: cron(0 * * * ? *)}}", "cron(0 * * * ? *)"),
        ("{Type: SQS, Properties: {Queue: !GetAtt Q.Arn}}", "consumes Q"),
        ("{Type: SQS, Properties: {Queue: arn:x}}", "Queue"),
        ("{Type: SQS, Properties: {Queue: !GetAtt Q.Arn, BatchSize: 11}}", "BatchSize"),
        ("{Type: HttpApi, Properties: {Method: GET}}", "Path"),
    ] {
        let error = read(&with_event(event)).unwrap_err().to_string();
        assert!(error.contains(named), "{event}: {error}");
        assert!(!error.contains('\n'));
    }
    assert!(read("Resources: [").is_err());
}
