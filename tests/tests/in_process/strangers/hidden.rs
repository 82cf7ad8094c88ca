//! What a stranger's answers do not give away: who exists, who is whose relative, what was said.

use serde_json::{Value, json};
use tests::api::{NOBODY, assert_same, bearer, message};
use tests::{ADMIN, Answer, Cast, World};

/// Two answers that nobody can tell apart.
#[track_caller]
fn same(one: &Answer, other: &Answer) {
    assert_eq!((one.status, &one.text), (other.status, &other.text));
}

#[tokio::test]
async fn an_id_that_exists_looks_like_one_that_does_not() {
    let cast = Cast::new().await;
    let (there, gone) = (cast.requests(&cast.own.id), cast.requests(&cast.removed.id));
    for ((one, other), removed) in there.iter().zip(cast.requests(NOBODY)).zip(gone) {
        // Register, heartbeat and update-card tell an agent whose id was mistyped; ids are no secret and cannot be guessed.
        if ["POST /registry/register", "POST /registry/update-card", "POST /registry/heartbeat"].contains(&one.key) {
            continue;
        }
        for token in [&cast.cousin.token, &cast.uncle.token, &cast.revoked, &cast.sibling_boot] {
            let answers = [one, &other, &removed].map(|request| request.clone());
            let [known, unknown, removed] = [
                cast.send(&answers[0], Some(&bearer(token))).await,
                cast.send(&answers[1], Some(&bearer(token))).await,
                cast.send(&answers[2], Some(&bearer(token))).await,
            ];
            if known.status < 300 || one.key == "POST /workspaces" {
                continue;
            }
            same(&known, &unknown);
            same(&known, &removed);
        }
    }
}

#[tokio::test]
async fn check_access_maps_nobodys_tree() {
    let cast = Cast::new().await;
    let check = async |token: &str, caller: &str, target: &str| {
        let body = json!({ "caller_id": caller, "target_id": target });
        cast.world.call("POST", "/registry/check-access", Some(token), &body).await
    };
    let ids = [&cast.own.id, &cast.sibling.id, &cast.parent.id, &cast.uncle.id, &cast.removed.id, &NOBODY.to_owned()];
    let refusal = check(&cast.cousin.token, NOBODY, NOBODY).await.expect(403);
    for caller in ids {
        for target in ids.into_iter().chain([&cast.cousin.id]) {
            same(&check(&cast.cousin.token, caller, target).await, &refusal);
            assert_eq!(check("unknown", caller, target).await.status, 401);
        }
    }
    let nothing = check(&cast.cousin.token, &cast.cousin.id, NOBODY).await.expect(200);
    assert_eq!(nothing.body, json!({ "allowed": false }));
    for target in [&cast.own.id, &cast.sibling.id, &cast.parent.id, &cast.removed.id] {
        same(&check(&cast.cousin.token, &cast.cousin.id, target).await, &nothing);
    }
}

#[tokio::test]
async fn discover_tells_strangers_the_same_of_everyone() {
    let cast = Cast::new().await;
    let ask = async |target: &str| {
        let me = [("x-workspace-id", cast.cousin.id.as_str())];
        cast.world.raw("GET", &format!("/registry/discover/{target}"), Some(&cast.cousin.token), &me, b"").await
    };
    let refusal = ask(NOBODY).await.expect(403);
    assert_eq!(refusal.code(), "access_denied");
    for target in [&cast.own.id, &cast.sibling.id, &cast.parent.id, &cast.removed.id] {
        same(&ask(target).await, &refusal);
    }
}

#[tokio::test]
async fn discover_and_peers_show_the_hub_and_never_the_agent() {
    let world = World::new().await;
    let (one, other) =
        (world.online("one", "http://127.0.0.1:9/one").await, world.online("two", "http://127.0.0.1:9/two").await);
    let me = [("x-workspace-id", one.id.as_str())];
    let path = format!("/registry/discover/{}", other.id);
    let hub = format!("/workspaces/{}/a2a", other.id);
    let seen = world.raw("GET", &path, Some(&one.token), &me, b"").await.expect(200);
    assert!(seen.body["url"].as_str().unwrap().ends_with(&hub), "{}", seen.text);
    assert!(!seen.text.contains("127.0.0.1") && seen.body.get("direct_url").is_none(), "{}", seen.text);
    let shown = world.raw("GET", &path, Some(ADMIN), &me, b"").await.expect(200);
    assert_eq!(shown.body["direct_url"], "http://127.0.0.1:9/two");
    let peers =
        world.call("GET", &format!("/registry/{}/peers", one.id), Some(&one.token), &Value::Null).await.expect(200);
    assert_eq!(peers.body.as_array().unwrap().len(), 1);
    let peer = &peers.body[0];
    assert!(peer["url"].as_str().unwrap().ends_with(&hub), "{}", peers.text);
    assert!(!peers.text.contains("127.0.0.1"), "not in its card either: {}", peers.text);
    let named: Vec<_> = peer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(named, ["active_tasks", "agent_card", "id", "name", "parent_id", "role", "status", "tier", "url"]);
}

#[tokio::test]
async fn peers_are_relatives_only() {
    let cast = Cast::new().await;
    let peers =
        cast.world.call("GET", &format!("/registry/{}/peers", cast.own.id), Some(&cast.own.token), &Value::Null).await;
    let names: Vec<_> = peers.body.as_array().unwrap().iter().map(|peer| peer["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["sibling", "parent"]);
}

#[tokio::test]
async fn a_message_exists_for_its_two_ends_and_operators() {
    let cast = Cast::new().await;
    let path = |id: &str| format!("/workspaces/{}/a2a/queue/{id}", cast.own.id);
    let look = async |token: &str, id: &str| cast.world.call("GET", &path(id), Some(token), &Value::Null).await;
    for token in [ADMIN, &cast.org, &cast.own.token, &cast.api, &cast.sibling.token] {
        look(token, &cast.queue_id).await.expect(200);
    }
    let unknown = look(&cast.parent.token, NOBODY).await.expect(404);
    for token in [&cast.parent.token, &cast.cousin.token, &cast.uncle.token] {
        same(&look(token, &cast.queue_id).await, &unknown);
    }
    same(&look(&cast.own.token, NOBODY).await, &unknown);
    // Nor under another workspace's path.
    for id in [&cast.sibling.id, &cast.parent.id] {
        let path = format!("/workspaces/{id}/a2a/queue/{}", cast.queue_id);
        same(&cast.world.call("GET", &path, Some(&cast.sibling.token), &Value::Null).await, &unknown);
    }
}

#[tokio::test]
async fn only_the_target_may_answer_a_message() {
    let cast = Cast::new().await;
    let path = format!("/workspaces/{}/a2a/queue/{}/result", cast.own.id, cast.queue_id);
    let result = json!({ "slot_epoch": 1, "status": 200, "body": {} });
    let before = cast.world.table().await;
    for token in [ADMIN, &cast.org, &cast.sibling.token, &cast.parent.token, &cast.cousin.token] {
        let answer = cast.world.call("POST", &path, Some(token), &result).await;
        assert_eq!((answer.status, answer.code()), (403, "not_your_workspace"), "{}", answer.text);
    }
    assert_same(&before, &cast.world.table().await, "it");
    let path = format!("/workspaces/{}/a2a/queue/{}/result", cast.sibling.id, cast.queue_id);
    let answer = cast.world.call("POST", &path, Some(&cast.sibling.token), &result).await;
    assert_eq!((answer.status, answer.code()), (404, "message_unknown"));
}

#[tokio::test]
async fn a_messages_id_is_its_senders_own() {
    let cast = Cast::new().await;
    let path = format!("/workspaces/{}/a2a", cast.own.id);
    let send = |token: &str| {
        let (path, token) = (path.clone(), token.to_owned());
        let world = &cast.world;
        async move { world.call("POST", &path, Some(&token), &message("first")).await.expect(202).body["queue_id"].clone() }
    };
    assert_eq!(send(&cast.sibling.token).await, cast.queue_id.as_str());
    // Somebody else who guesses it gets a message of its own, not the first one's outcome.
    assert_ne!(send(&cast.parent.token).await, cast.queue_id.as_str());
}

#[tokio::test]
async fn test_token_does_not_exist_in_production() {
    let cast = Cast::of(World::with(&[("MOLECULE_ENV", "production")]).await).await;
    let before = cast.world.table().await;
    let no_such = cast.world.event("203.0.113.9", "GET", "/org/no-such-route", &[], b"");
    let no_such = cast.world.send("tokens", &no_such).await.expect(404);
    for id in [cast.own.id.as_str(), NOBODY, "not-an-id"] {
        for method in ["GET", "POST"] {
            for token in [None, Some(ADMIN), Some(cast.org.as_str()), Some(cast.own.token.as_str()), Some("unknown")] {
                let path = format!("/admin/workspaces/{id}/test-token");
                let answer = cast.world.raw(method, &path, token, &[], b"").await;
                same(&answer, &no_such);
                assert_eq!(answer.headers, no_such.headers);
            }
        }
    }
    assert_same(&before, &cast.world.table().await, "it");
}
