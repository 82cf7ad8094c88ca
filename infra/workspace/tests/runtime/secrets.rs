//! The workspace's secrets, given to its commands.

use serde_json::{Value, json};

use crate::{
    agent::{Agent, TOKEN, WORKSPACE, message, text_of, until},
    platform::{HEARTBEAT, Platform, Reply, SECRETS},
};

#[tokio::test]
async fn secrets_are_in_a_commands_environment_and_override_nothing_of_ours() {
    let platform = Platform::start().await;
    let values = json!({
        "API_KEY": "k3y-of-the-test", "CARGO_HOME": "/changed",
        "WORKSPACE_ID": "forged", "PATH": "/forged", "LD_PRELOAD": "/forged.so", "A2A_CALLER": "forged", "TIER": "9",
    });
    platform.always(SECRETS, Reply::Json(200, values)).accept_only(SECRETS, TOKEN);
    let agent = Agent::start_registered(&platform, "env; exec true", &[]).await;
    let response = agent.send(&message("m1", "x")).await;
    let has = |line: &str| text_of(&response).lines().any(|other| other == line);
    assert!(has("API_KEY=k3y-of-the-test") && has("CARGO_HOME=/changed"), "over what was inherited");
    assert!(has(&format!("WORKSPACE_ID={WORKSPACE}")));
    assert!(!text_of(&response).contains("forged"), "{}", text_of(&response));
    assert!(agent.log().contains("WORKSPACE_ID") && agent.log().contains("API_KEY"), "names are told");
    for value in ["k3y-of-the-test", "/changed", "forged"] {
        assert!(!agent.log().contains(value), "values never are: {}", agent.log());
    }
}

#[tokio::test]
async fn no_turn_runs_without_its_secrets_and_the_workspace_stays_healthy() {
    let platform = Platform::start().await;
    platform.always(SECRETS, Reply::Json(503, json!({"error": "v4lue", "code": "unavailable"})));
    let agent = Agent::start_registered(&platform, "echo $API_KEY", &["--heartbeat-interval", "0.1"]).await;
    let refused = agent.post(&message("m1", "x")).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["code"], "busy");
    assert!(body["error"].as_str().unwrap().contains("secrets"), "{body}");
    platform.wait_for_number(SECRETS, 2).await;
    let beat = platform.all(HEARTBEAT).pop().unwrap().body;
    assert_eq!(
        (&beat["sample_error"], &beat["runtime_state"], &beat["error_rate"]),
        (&json!(""), &json!(""), &json!(0.0))
    );
    assert_eq!(beat["register_state"]["ok"], true);
    until("the failure is in the log", || agent.log().contains("the secrets could not be fetched")).await;
    assert!(!agent.log().contains("v4lue"), "the answer's words are not repeated");
    platform.always(SECRETS, Reply::Json(200, json!({"API_KEY": "k"})));
    until("the secrets came", || agent.log().contains("got the secrets")).await;
    assert_eq!(text_of(&agent.send(&message("m1", "x")).await), "k", "the same message was not used up");
}

#[tokio::test]
async fn an_answer_that_means_nothing_is_tried_again_and_never_quoted() {
    let platform = Platform::start().await;
    platform.once(SECRETS, Reply::Json(200, json!({"A": 918_273}))).once(SECRETS, Reply::Json(200, json!(["s3cret"])));
    let agent = Agent::start_registered(&platform, "echo fine", &[]).await;
    platform.wait_for_number(SECRETS, 3).await;
    until("a turn may run", || agent.log().matches("could not be fetched").count() >= 1).await;
    assert!(!agent.log().contains("918273") && !agent.log().contains("s3cret"), "{}", agent.log());
}

#[tokio::test]
async fn a_platform_without_secrets_has_none_to_give() {
    let platform = Platform::start().await;
    let agent = Agent::start_registered(&platform, "cat", &[]).await;
    assert_eq!(text_of(&agent.send(&message("m1", "x")).await), "x");
    assert_eq!(platform.all(SECRETS).len(), 1);
}

/// A register again, as after a restart of the platform, brings what was changed meanwhile.
#[tokio::test]
async fn a_register_fetches_them_again() {
    let platform = Platform::start().await;
    platform.always(SECRETS, Reply::Json(200, json!({"A": "old"})));
    let agent = Agent::start_registered(&platform, "echo $A", &["--heartbeat-interval", "0.1"]).await;
    assert_eq!(text_of(&agent.send(&message("m1", "x")).await), "old");
    platform.always(SECRETS, Reply::Json(200, json!({"A": "new"})));
    platform.once(HEARTBEAT, Reply::Json(401, json!({})));
    until("they came again", || agent.log().matches("got the secrets").count() == 2).await;
    assert_eq!(text_of(&agent.send(&message("m2", "x")).await), "new");
}
