//! The hub's agent card: what it says, who gets it, and the agent's own beside it.

use serde_json::{Value, json};
use tests::api::{Cast, NOBODY};
use tests::{ADMIN, World};

fn path(id: &str) -> String {
    format!("/workspaces/{id}/.well-known/agent-card.json")
}

#[tokio::test]
async fn the_card_leads_to_the_hub_and_the_original_stays_as_its_agent_wrote_it() {
    let world = World::new().await;
    let bob = world.external("bob").await;
    let bare = world.call("GET", &path(&bob.id), Some(&bob.token), &Value::Null).await.expect(200);
    assert_eq!(bare.body["name"], "bob", "a workspace without a card has one of its own");
    let original = format!("{}?original=true", path(&bob.id));
    assert_eq!(world.call("GET", &original, Some(&bob.token), &Value::Null).await.code(), "card_unknown");

    let card = r#"{ "version":"7", "name":"Bob",  "url":"http://127.0.0.1:9/", "n": 1.50,
        "signatures":[{"protected":"e30","signature":"s"}] }"#;
    let body = format!(r#"{{"id":"{}","url":"http://127.0.0.1:9/","agent_card":{card}}}"#, bob.id);
    world.raw("POST", "/registry/register", Some(&bob.token), &[], body.as_bytes()).await.expect(200);
    let served = world.call("GET", &path(&bob.id), Some(ADMIN), &Value::Null).await.expect(200);
    assert_eq!(served.body["name"], "Bob");
    assert_eq!(served.body["url"], format!("https://platform.test/workspaces/{}/a2a", bob.id));
    assert_eq!(served.body.get("signatures"), None);
    assert!(!served.text.contains("127.0.0.1"), "{}", served.text);
    let old_name = path(&bob.id).replace("agent-card.json", "agent.json");
    assert_eq!(world.call("GET", &old_name, Some(ADMIN), &Value::Null).await.text, served.text);
    for token in [ADMIN, &bob.token] {
        assert_eq!(world.call("GET", &original, Some(token), &Value::Null).await.expect(200).text, card);
    }

    let tag = served.headers["etag"].clone();
    assert_eq!(served.headers["cache-control"], "private, max-age=60");
    let again =
        async |known: &str| world.raw("GET", &path(&bob.id), Some(ADMIN), &[("if-none-match", known)], b"").await;
    let unchanged = again(&format!("\"other\", W/{tag}")).await;
    assert_eq!((unchanged.status, unchanged.text.as_str(), &unchanged.headers["etag"]), (304, "", &tag));
    let update = json!({ "workspace_id": bob.id, "agent_card": { "name": "Robert" } });
    world.call("POST", "/registry/update-card", Some(&bob.token), &update).await.expect(200);
    let changed = again(&tag).await;
    assert_eq!((changed.status, &changed.body["name"]), (200, &json!("Robert")));
}

#[tokio::test]
async fn whoever_may_discover_a_workspace_gets_its_card() {
    let cast = Cast::new().await;
    let world = &cast.world;
    let get = async |id: &str, token: &str| world.call("GET", &path(id), Some(token), &Value::Null).await;
    let own = cast.own.id.as_str();
    for token in [ADMIN, &cast.org, &cast.own.token, &cast.api, &cast.sibling.token, &cast.parent.token] {
        get(own, token).await.expect(200);
    }
    for (id, token, refused) in [
        (own, cast.cousin.token.as_str(), (403, "access_denied")),
        (own, &cast.uncle.token, (403, "access_denied")),
        (own, &cast.removed.token, (401, "invalid_token")),
        (own, "nonsense", (401, "invalid_token")),
        (NOBODY, &cast.own.token, (403, "access_denied")),
        (NOBODY, ADMIN, (404, "workspace_unknown")),
        (&cast.removed.id, &cast.sibling.token, (410, "workspace_removed")),
        (&cast.removed.id, &cast.cousin.token, (403, "access_denied")),
        (&cast.removed.id, ADMIN, (410, "workspace_removed")),
        ("no-id", ADMIN, (400, "invalid_id")),
    ] {
        let answer = get(id, token).await;
        assert_eq!((answer.status, answer.code()), refused, "{id}");
    }
    let original = format!("{}?original=true", path(own));
    let answer = world.call("GET", &original, Some(&cast.sibling.token), &Value::Null).await;
    assert_eq!((answer.status, answer.code()), (403, "not_your_workspace"));
    // An operator in a workspace's name keeps to its rights.
    for (named, status) in [(&cast.sibling.id, 200), (&cast.cousin.id, 403)] {
        let answer = world.raw("GET", &path(own), Some(ADMIN), &[("x-workspace-id", named)], b"").await;
        assert_eq!(answer.status, status, "{named}");
    }
}
