//! What everyone tries first: two agents that talk, one of which dies and comes back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::Agent;
use tests::process::{BOUND, Home, Platform, Runtime, answer_text, message};

const SHOUT: &str = "tr a-z A-Z";
/// Of the leases here.
const TTL: Duration = Duration::from_secs(4);
/// What a look may cost on a busy machine.
const SLACK: Duration = Duration::from_secs(3);

async fn agent(platform: &Platform, agent: &Agent) -> Runtime {
    let runtime = Runtime::start(platform, agent, SHOUT, &[]).await;
    platform.until_status(&agent.id, "online", BOUND).await;
    runtime
}

async fn home() -> Home {
    Home::new(&[("LIVENESS_TTL_SECONDS", &TTL.as_secs().to_string())])
}

#[tokio::test]
async fn agents_talk_and_one_that_dies_is_seen_missed_and_answered_for_when_it_is_back() {
    let home = home().await;
    let platform = home.start().await;
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    assert_eq!(platform.show(&bob.id).await["status"], "awaiting_agent");
    let _alices = agent(&platform, &alice).await;
    let mut bobs = agent(&platform, &bob).await;
    let answer = platform.send(&alice, &bob.id, &message("hello bob", None)).await.expect(200);
    assert_eq!(answer_text(&answer.body), "HELLO BOB");

    for text in ["are you there?", "and now?"] {
        bobs.process.kill();
        let killed = Instant::now();
        let shown = platform.until_status(&bob.id, "offline", BOUND).await;
        assert!(killed.elapsed() < TTL + SLACK, "no sweep is needed to see it: {:?}", killed.elapsed());
        assert_eq!(shown["status_reason"], "heartbeat_lost");
        assert_eq!(shown["status_reasons"][0]["code"], "heartbeat_lost");
        assert_eq!(platform.show(&alice.id).await["status"], "online");

        let queued = platform.send(&alice, &bob.id, &message(text, None)).await.expect(202);
        assert_eq!(queued.body["queued"], true);
        assert_eq!(queued.body["status"], "queued");
        assert_eq!(queued.body["queue_depth"], 1);

        bobs = agent(&platform, &bob).await;
        let entry = platform.until_completed(&queued, BOUND).await;
        assert_eq!(entry["queue_id"], queued.body["queue_id"]);
        assert_eq!(answer_text(&entry["result"]["body"]), text.to_uppercase());
        let again = platform.send(&alice, &bob.id, &message("at once", None)).await.expect(200);
        assert_eq!(answer_text(&again.body), "AT ONCE");
    }
}

#[tokio::test]
async fn peers_find_each_other_at_the_hub_and_strangers_do_not() {
    let home = home().await;
    let platform = home.start().await;
    let (alice, bob) = (platform.external("alice").await, platform.external("bob").await);
    let cousin = platform.external_below("cousin", Some(&bob.id)).await;
    let _bobs = agent(&platform, &bob).await;
    let hub = format!("{}/workspaces/{}/a2a", platform.url, bob.id);

    let peers = format!("/registry/{}/peers", alice.id);
    let peers = platform.call("GET", &peers, Some(&alice.token), &Value::Null).await.expect(200).body;
    assert_eq!(peers.as_array().unwrap().len(), 1, "the cousin is none: {peers}");
    assert_eq!(
        (&peers[0]["name"], &peers[0]["url"], &peers[0]["status"]),
        (&json!("bob"), &json!(hub), &json!("online"))
    );

    let discover = async |asks: &Agent, whom: &Agent| {
        let bearer = format!("Bearer {}", asks.token);
        let headers = [("authorization", bearer.as_str()), ("x-workspace-id", asks.id.as_str())];
        platform.request("GET", &format!("/registry/discover/{}", whom.id), &headers, &Value::Null).await.unwrap()
    };
    let found = discover(&alice, &bob).await.expect(200).body;
    assert_eq!(found["url"], json!(hub));
    assert!(found.get("direct_url").is_none(), "the agent's own address is the operator's to see");
    assert_eq!(discover(&cousin, &bob).await.expect(200).body["url"], json!(hub), "parent and child");

    for (from, to) in [(&cousin, &alice), (&alice, &cousin)] {
        let refused = platform.send(from, &to.id, &message("psst", None)).await.expect(403);
        assert_eq!(refused.code(), "access_denied");
        assert_eq!(discover(from, to).await.expect(403).code(), "access_denied");
    }
    let posing = Agent { id: bob.id.clone(), token: cousin.token.clone() };
    let refused = platform.send(&posing, &alice.id, &message("I am bob", None)).await.expect(401);
    assert_eq!(refused.code(), "invalid_caller");
}
