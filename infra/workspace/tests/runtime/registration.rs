use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use tokio::{
    net::TcpListener,
    time::{Duration, sleep, timeout},
};

use crate::{
    agent::{Agent, TOKEN, WORKSPACE, client, message, text_of, until},
    platform::{BOUND, HEARTBEAT, INBOUND, Platform, REGISTER, Reply, registered},
};

#[tokio::test]
async fn register_carries_id_url_card_and_mode() {
    let platform = Platform::start().await;
    let agent = Agent::start(&platform, "cat", &["--name", "upper", "--description", "shouts"]).await;
    let register = platform.wait_for(REGISTER, "a body", |_| true).await;
    assert_eq!(register.bearer.as_deref(), Some(TOKEN));
    assert_eq!(register.body["id"], WORKSPACE);
    assert_eq!(register.body["url"], agent.url);
    assert_eq!(register.body["delivery_mode"], "push");
    let card = &register.body["agent_card"];
    assert_eq!(card["name"], "upper");
    assert_eq!(card["description"], "shouts");
    assert_eq!(card["url"], agent.url);
    assert_eq!(card["protocolVersion"], "0.3.0");
    assert_eq!(card["preferredTransport"], "JSONRPC");
    assert_eq!(
        card["supportedInterfaces"][0],
        json!({"url": agent.url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"})
    );
    assert_eq!(card["capabilities"], json!({"streaming": false, "pushNotifications": false}));
    assert_eq!(card["skills"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn register_is_tried_until_it_works() {
    let platform = Platform::start().await;
    platform
        .once(REGISTER, Reply::Later(503, 1))
        .once(REGISTER, Reply::Json(400, json!({"error": "url_validate_failed"})));
    let agent = Agent::start(&platform, "cat", &[]).await;
    let failing =
        platform.wait_for(HEARTBEAT, "a failed register", |beat| beat.body["register_state"]["last_code"] == 400).await;
    assert_eq!(failing.body["register_state"], json!({"ok": false, "last_code": 400, "attempts": 2}));
    platform.wait_until_registered().await;
    assert_eq!(platform.all(REGISTER).len(), 3);
    assert_eq!(text_of(&agent.send(&message("m1", "hello")).await), "hello");
}

#[tokio::test]
async fn a_platform_that_starts_later_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let agent = Agent::start_with(&format!("http://{address}"), "cat", &[], Some(TOKEN)).await;
    until("register failed", || agent.log().contains("cannot be reached")).await;
    let platform = Platform::start_on(TcpListener::bind(address).await.unwrap());
    platform.wait_until_registered().await;
}

#[tokio::test]
async fn a_new_token_is_saved_privately_and_used() {
    let platform = Platform::start().await;
    let mut answer = registered();
    answer["auth_token"] = "issued".into();
    platform.once(REGISTER, Reply::Json(200, answer)).accept_only(HEARTBEAT, "issued");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let agent = Agent::start_with(&platform.url, "cat", &["--token-file", file.to_str().unwrap()], None).await;
    platform.wait_for(HEARTBEAT, "the issued token", |beat| beat.bearer.as_deref() == Some("issued")).await;
    assert_eq!(platform.all(REGISTER)[0].bearer, None);
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), "issued");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!agent.log().contains("issued\n"), "no token in the log");
}

/// The saved token is worth nothing any more, the one from the start still is.
#[tokio::test]
async fn lost_token_recovers_without_an_operator() {
    let platform = Platform::start().await;
    let mut answer = registered();
    answer["auth_token"] = "fresh".into();
    platform.always(REGISTER, Reply::Json(200, answer)).accept_only(REGISTER, TOKEN).accept_only(HEARTBEAT, "fresh");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "stale").unwrap();
    let agent = Agent::start(&platform, "cat", &["--token-file", file.to_str().unwrap()]).await;
    platform.wait_for(HEARTBEAT, "the fresh token", |beat| beat.bearer.as_deref() == Some("fresh")).await;
    let tried: Vec<_> = platform.all(REGISTER).into_iter().filter_map(|register| register.bearer).collect();
    assert_eq!(tried[..2], ["stale", TOKEN], "the file's token is tried first");
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), "fresh");
    for secret in ["stale", "fresh", TOKEN] {
        assert!(!agent.log().contains(secret), "no token in the log");
    }
}

#[tokio::test]
async fn a_refused_heartbeat_reads_the_token_again_and_registers_again() {
    let platform = Platform::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let more = ["--token-file", file.to_str().unwrap(), "--heartbeat-interval", "0.2"];
    let _agent = Agent::start_registered(&platform, "cat", &more).await;
    std::fs::write(&file, "replaced").unwrap();
    platform.accept_only(HEARTBEAT, "replaced").accept_only(REGISTER, "replaced");
    platform.wait_for(REGISTER, "the new token", |register| register.bearer.as_deref() == Some("replaced")).await;
    platform.wait_for(HEARTBEAT, "the new token", |beat| beat.bearer.as_deref() == Some("replaced")).await;
}

#[tokio::test]
async fn the_newest_inbound_secret_counts() {
    let platform = Platform::start().await;
    let mut answer = registered();
    answer["platform_inbound_secret"] = "first".into();
    platform.once(REGISTER, Reply::Json(200, answer));
    let agent = Agent::start_registered(&platform, "cat", &["--heartbeat-interval", "0.1"]).await;
    let with = |secret: &str| client().post(&agent.url).bearer_auth(secret).json(&message("m1", "hello"));
    assert_eq!(with("first").send().await.unwrap().status(), 200);
    platform.once(HEARTBEAT, Reply::Json(401, json!({})));
    let renewed = timeout(BOUND, async {
        while with(INBOUND).send().await.unwrap().status() != 200 {
            sleep(Duration::from_millis(10)).await;
        }
    });
    renewed.await.expect("the second secret");
    assert_eq!(with("first").send().await.unwrap().status(), 401);
    assert_eq!(platform.all(REGISTER).len(), 2);
}

#[tokio::test]
async fn an_unknown_workspace_says_what_to_do() {
    let platform = Platform::start().await;
    platform.once(REGISTER, Reply::Json(404, json!({"error": "unknown", "code": "workspace_unknown"})));
    let agent = Agent::start(&platform, "cat", &[]).await;
    platform.wait_until_registered().await;
    assert!(agent.log().contains("create it"), "{}", agent.log());
}
