use serde_json::json;

use crate::{
    agent::{Agent, Gate, TOKEN, WORKSPACE, message},
    platform::{HEARTBEAT, Platform, REGISTER, Reply, registered},
};

#[tokio::test]
async fn heartbeat_says_how_it_is() {
    let platform = Platform::start().await;
    let _agent = Agent::start_registered(&platform, "cat", &[]).await;
    let beat = platform.wait_for(HEARTBEAT, "a good register", |beat| beat.body["register_state"]["ok"] == true).await;
    assert_eq!(beat.bearer.as_deref(), Some(TOKEN));
    let body = beat.body;
    assert_eq!(body["workspace_id"], WORKSPACE);
    assert_eq!(body["error_rate"], 0.0);
    assert_eq!(body["sample_error"], "");
    assert_eq!(body["active_tasks"], 0);
    assert!(body["uptime_seconds"].is_u64());
    assert_eq!(body["current_task"], "");
    assert_eq!(body["runtime_state"], "");
    assert_eq!(body["runtime_metadata"], json!({"capabilities": {"message_dedup": true}}));
    assert_eq!(body["agent_card"], platform.all(REGISTER)[0].body["agent_card"]);
    assert_eq!(body["register_state"], json!({"ok": true, "last_code": 200, "attempts": 0}));
    assert!(body["sent_at_ms"].as_u64().unwrap() > 1_600_000_000_000);
}

/// Register fails, heartbeats pass; the platform must be able to see it.
#[tokio::test]
async fn a_register_that_fails_does_not_hide_behind_heartbeats() {
    let platform = Platform::start().await;
    platform.accept_only(REGISTER, "another");
    let _agent = Agent::start(&platform, "cat", &[]).await;
    platform
        .wait_for(HEARTBEAT, "the failed register", |beat| {
            beat.body["register_state"]["ok"] == false && beat.body["register_state"]["last_code"] == 401
        })
        .await;
}

#[tokio::test]
async fn the_first_one_comes_after_the_first_register() {
    let platform = Platform::start().await;
    let _agent = Agent::start(&platform, "cat", &[]).await;
    let beats = platform.wait_for_number(HEARTBEAT, 1).await;
    assert_eq!(beats[0].body["register_state"]["ok"], true);
}

#[tokio::test]
async fn a_register_that_hangs_does_not_hold_back_heartbeats() {
    let platform = Platform::start().await;
    platform.always(REGISTER, Reply::Never);
    let _agent = Agent::start(&platform, "cat", &["--heartbeat-interval", "0.1"]).await;
    let beats = platform.wait_for_number(HEARTBEAT, 5).await;
    assert_eq!(beats[4].body["register_state"], json!({"ok": false, "last_code": null, "attempts": 0}));
    assert_eq!(platform.all(REGISTER).len(), 1);
}

#[tokio::test]
async fn the_platform_sets_the_interval() {
    let platform = Platform::start().await;
    platform.always(HEARTBEAT, Reply::Json(200, json!({"status": "ok", "heartbeat_interval_seconds": 0.001})));
    let _agent = Agent::start(&platform, "cat", &["--heartbeat-interval", "3600"]).await;
    let beats = platform.wait_for_number(HEARTBEAT, 8).await;
    let sent: Vec<_> = beats.iter().map(|beat| beat.body["sent_at_ms"].as_u64().unwrap()).collect();
    assert!(sent[7] - sent[2] >= 5 * 95, "not faster than every 100 ms: {sent:?}");
}

#[tokio::test]
async fn a_turn_is_reported_at_its_start_and_at_its_end() {
    let platform = Platform::start().await;
    let gate = Gate::new();
    let command = format!("{}; exit 3", gate.wait());
    let agent = Agent::start_registered(&platform, &command, &["--heartbeat-interval", "3600"]).await;
    let call = message("m1", "sum up the day\nand more");
    let turn = tokio::spawn(agent.post(&call).send());
    platform
        .wait_for(HEARTBEAT, "an active task", |beat| {
            beat.body["active_tasks"] == 1 && beat.body["current_task"] == "sum up the day"
        })
        .await;
    gate.open();
    turn.await.unwrap().unwrap();
    let beat = platform.wait_for(HEARTBEAT, "the failed turn", |beat| beat.body["error_rate"] == 1.0).await;
    assert_eq!(beat.body["sample_error"], "command exited with code 3");
    platform
        .wait_for(HEARTBEAT, "no active task", |beat| {
            beat.body["active_tasks"] == 0 && beat.body["error_rate"] == 1.0 && beat.body["current_task"] == ""
        })
        .await;
}

#[tokio::test]
async fn a_heartbeat_that_is_refused_is_tried_again_soon() {
    let platform = Platform::start().await;
    for status in [500, 404, 302] {
        platform.once(HEARTBEAT, Reply::Json(status, json!({"status": "ok"})));
    }
    let agent = Agent::start(&platform, "cat", &["--heartbeat-interval", "0.1"]).await;
    platform.wait_for_number(HEARTBEAT, 4).await;
    assert_eq!(agent.log().matches("heartbeat failed").count(), 3, "any answer but 2xx is an error");
}

fn registered_with(url: &str) -> Reply {
    let mut answer = registered();
    answer["heartbeat_url"] = json!(url);
    Reply::Json(200, answer)
}

/// Past the API, where the platform has a shorter way.
#[tokio::test]
async fn heartbeats_go_where_register_says() {
    let (platform, direct) = (Platform::start().await, Platform::start().await);
    platform.always(REGISTER, registered_with(&format!("{}{HEARTBEAT}", direct.url)));
    let agent = Agent::start(&platform, "cat", &["--heartbeat-interval", "0.1"]).await;
    let beats = direct.wait_for_number(HEARTBEAT, 3).await;
    assert_eq!(beats[0].bearer.as_deref(), Some(TOKEN));
    assert_eq!(platform.all(HEARTBEAT).len(), 0);
    // An answer of the workspace's is one, whichever way it came.
    direct.once(HEARTBEAT, Reply::Json(500, json!({})));
    direct.wait_for_number(HEARTBEAT, 6).await;
    assert_eq!(platform.all(HEARTBEAT).len(), 0);
    assert_eq!(agent.log().matches("heartbeat failed").count(), 1);
}

#[tokio::test]
async fn where_that_way_is_closed_heartbeats_take_the_other_at_once() {
    let direct = Platform::start().await;
    direct.always(HEARTBEAT, Reply::Json(403, json!({"Message": "Forbidden"})));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}{HEARTBEAT}", nobody.local_addr().unwrap());
    drop(nobody);
    for url in [format!("{}{HEARTBEAT}", direct.url), closed, "not an address".to_owned()] {
        let platform = Platform::start().await;
        platform.always(REGISTER, registered_with(&url));
        let agent = Agent::start(&platform, "cat", &["--heartbeat-interval", "0.1"]).await;
        platform.wait_for_number(HEARTBEAT, 3).await;
        let log = agent.log();
        assert_eq!(log.matches("heartbeat_url").count(), 1, "it is tried once: {log}");
        assert!(!log.contains("heartbeat failed"), "{log}");
    }
    assert_eq!(direct.all(HEARTBEAT).len(), 1);
}
