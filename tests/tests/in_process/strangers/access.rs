//! Who may talk to whom, through the routes: the five cases, and nothing else.

use serde_json::{Value, json};
use tests::api::{NOBODY, assert_same, message};
use tests::{ADMIN, Agent, World};

/// ```text
/// R1 ─┬─ A ─┬─ A1 ── L        R2
///     │     ├─ A2
///     │     └─ X (removed)
///     └─ B ─── B1
/// ```
struct Tree {
    world: World,
    known: Vec<(&'static str, Agent)>,
}

impl Tree {
    async fn grow() -> Self {
        let world = World::new().await;
        let mut known: Vec<(&'static str, Agent)> = Vec::new();
        for (name, parent) in [
            ("R1", ""),
            ("R2", ""),
            ("A", "R1"),
            ("B", "R1"),
            ("A1", "A"),
            ("A2", "A"),
            ("X", "A"),
            ("B1", "B"),
            ("L", "A1"),
        ] {
            let parent = known.iter().find(|(known, _)| *known == parent).map(|(_, agent)| agent.id.clone());
            let agent = world.external_below(name, parent.as_deref()).await;
            // Its first use is noted on it.
            world.call("GET", &format!("/workspaces/{}", agent.id), Some(&agent.token), &Value::Null).await.expect(200);
            known.push((name, agent));
        }
        let tree = Self { world, known };
        let path = format!("/workspaces/{}", tree.agent("X").id);
        tree.world.call("DELETE", &path, Some(ADMIN), &Value::Null).await.expect(200);
        tree
    }

    fn agent(&self, name: &str) -> Agent {
        let found = self.known.iter().find(|(known, _)| *known == name).map(|(_, agent)| agent.clone());
        found.unwrap_or_else(|| Agent { id: NOBODY.to_owned(), token: String::new() })
    }

    /// What `POST a2a`, `discover` and `check-access` say to a caller's own token.
    async fn ask(&self, caller: &str, target: &str, token: &str) -> (u16, u16, Value) {
        let (caller, target) = (self.agent(caller), self.agent(target));
        let me = [("x-workspace-id", caller.id.as_str())];
        let body = message(&format!("{}-{}", caller.id, target.id)).to_string().into_bytes();
        let send = self.world.raw("POST", &format!("/workspaces/{}/a2a", target.id), Some(token), &me, &body).await;
        let path = format!("/registry/discover/{}", target.id);
        let discover = self.world.raw("GET", &path, Some(token), &me, b"").await;
        let pair = json!({ "caller_id": caller.id, "target_id": target.id });
        let check = self.world.call("POST", "/registry/check-access", Some(token), &pair).await;
        (send.status, discover.status, check.body["allowed"].clone())
    }
}

/// The table of the specification, both ways where both ends are workspaces.
const ALLOWED: [(&str, &str); 9] = [
    ("A", "A"),
    ("R1", "R2"),
    ("A", "B"),
    ("A1", "A2"),
    ("R1", "A"),
    ("A1", "A"),
    ("A1", "L"),
    ("B", "B1"),
    ("L", "L"),
];
const DENIED: [(&str, &str); 12] = [
    ("A1", "B1"),
    ("A1", "B"),
    ("A1", "R2"),
    ("R1", "A1"),
    ("L", "R1"),
    ("L", "A"),
    ("A", "R2"),
    ("L", "B1"),
    ("R2", "B"),
    ("R1", "L"),
    ("B1", "A2"),
    ("R2", "L"),
];

#[tokio::test]
async fn relatives_may_talk_by_every_route() {
    let tree = Tree::grow().await;
    for (one, other) in ALLOWED.into_iter().flat_map(|(one, other)| [(one, other), (other, one)]) {
        let told = tree.ask(one, other, &tree.agent(one).token).await;
        // The second time around it is the same message.
        assert_eq!(told, (202, 200, json!(true)), "{one} to {other}");
    }
}

#[tokio::test]
async fn everyone_else_may_not() {
    let tree = Tree::grow().await;
    for (one, other) in DENIED.into_iter().flat_map(|(one, other)| [(one, other), (other, one)]) {
        let before = tree.world.table().await;
        let told = tree.ask(one, other, &tree.agent(one).token).await;
        assert_eq!(told, (403, 403, json!(false)), "{one} to {other}");
        assert_same(&before, &tree.world.table().await, &format!("{one} to {other}"));
    }
}

#[tokio::test]
async fn the_unknown_and_the_removed_are_nobodys_relatives() {
    let tree = Tree::grow().await;
    for caller in ["A", "R1", "B1"] {
        let told = tree.ask(caller, "missing", &tree.agent(caller).token).await;
        assert_eq!(told, (403, 403, json!(false)), "{caller} to nobody");
    }
    // A relative hears from discover that it is gone; a stranger hears nothing.
    assert_eq!(tree.ask("A1", "X", &tree.agent("A1").token).await, (403, 410, json!(false)));
    assert_eq!(tree.ask("A", "X", &tree.agent("A").token).await, (403, 410, json!(false)));
    assert_eq!(tree.ask("B1", "X", &tree.agent("B1").token).await, (403, 403, json!(false)));
    for target in ["A", "A1", "X", "missing"] {
        assert_eq!(tree.ask("X", target, &tree.agent("X").token).await, (401, 401, Value::Null), "X to {target}");
    }
}

#[tokio::test]
async fn an_operator_in_a_workspaces_name_keeps_to_its_rights() {
    let tree = Tree::grow().await;
    for (one, other) in ALLOWED {
        assert_eq!(tree.ask(one, other, ADMIN).await, (202, 200, json!(true)), "{one} to {other}");
    }
    for (one, other) in DENIED {
        assert_eq!(tree.ask(one, other, ADMIN).await, (403, 403, json!(false)), "{one} to {other}");
    }
    // Operators are told the truth about ids.
    assert_eq!(tree.ask("A", "missing", ADMIN).await, (403, 404, json!(false)));
    assert_eq!(tree.ask("missing", "A", ADMIN).await, (403, 403, json!(false)));
    assert_eq!(tree.ask("missing", "missing", ADMIN).await, (403, 404, json!(false)));
    assert_eq!(tree.ask("A1", "X", ADMIN).await, (403, 410, json!(false)));
    assert_eq!(tree.ask("B1", "X", ADMIN).await, (403, 410, json!(false)));
}
