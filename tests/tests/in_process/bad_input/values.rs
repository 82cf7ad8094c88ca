//! Values of the right type that no field takes.

use serde_json::{Value, json};
use tests::Cast;
use tests::api::{NOBODY, assert_same};

use super::refusal::{assert_refused, request, send, with_field};

/// Sends the body with the field as this JSON, and expects the refusal with the table as it was.
async fn refused(cast: &Cast, key: &str, cases: &[(&str, String, u16)]) {
    let request = request(cast, key);
    let before = cast.world.table().await;
    cast.world.gate.take_operations();
    for (field, json, status) in cases {
        let told = format!("{key} with {field}: {}", json.chars().take(80).collect::<String>());
        let answer = send(cast, &request, &[], &with_field(&request, field, json)).await;
        assert_refused(&answer, &told);
        assert_eq!(answer.status, *status, "{told}: {}", answer.text);
        let operations = cast.world.gate.take_operations();
        assert!(!operations.contains(&"CreateQueue".to_owned()), "{told}: a queue of nobody's is left");
    }
    assert_same(&before, &cast.world.table().await, key);
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Texts that neither a name nor a role may be.
fn crooked() -> Vec<String> {
    let mut texts: Vec<String> = "{}[]|>*&!".chars().map(|special| format!("a{special}b")).collect();
    let controls = ['\0', '\n', '\r', '\t', '\u{7f}', '\u{1b}', '\u{85}', '\u{9f}', '\u{2028}', '\u{2029}'];
    texts.extend(controls.map(|control| format!("a{control}b")));
    texts.extend(["a".repeat(1001), "é".repeat(501), "a".repeat(500_000)]);
    texts
}

/// What both creating and changing a workspace refuse.
fn workspace_cases() -> Vec<(&'static str, String, u16)> {
    let mut cases = Vec::new();
    let mut add = |field: &'static str, values: &[&str]| {
        cases.extend(values.iter().map(|value| (field, (*value).to_owned(), 400)))
    };
    add("name", &["\"\"", "\" \"", "\"\\t\\n\"", &quoted(&"a".repeat(256)), &quoted(&"é".repeat(128))]);
    add(
        "tier",
        &[
            "0",
            "5",
            "-1",
            "2.5",
            "2.0",
            "1e3",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775809",
            "1e999",
        ],
    );
    add("model", &[&quoted(&"m".repeat(101)), "\"a\\nb\""]);
    add("budget_limit", &["-1", "1.5", "9223372036854775808", "1e30"]);
    add("max_concurrent_tasks", &["101", "4294967297", "9223372036854775808", "1.5"]);
    add(
        "workspace_dir",
        &[
            "\"relative\"",
            "\"./a\"",
            "\"/\"",
            "\"//\"",
            "\"/etc\"",
            "\"/etc/passwd\"",
            "\"//etc//x\"",
            "\"/./etc\"",
            "\"/data/../etc\"",
            "\"/..\"",
            "\"/proc/self\"",
            "\"/var/run/docker.sock\"",
            "\"/data:/host\"",
            "\"/a\\u0000b\"",
            "\"C:\\\\data\"",
            &quoted(&format!("/{}", "a".repeat(4096))),
        ],
    );
    add("workspace_access", &["\"all\"", "\"READ_ONLY\"", "\"\"", "\"read_only \""]);
    add("parent_id", &["\"me\"", "\"0\"", &quoted(&format!("{NOBODY}0")), "\"../x\"", "\"null\""]);
    for text in crooked() {
        cases.extend(["name", "role"].map(|field| (field, quoted(&text), 400)));
    }
    cases.push(("parent_id", quoted(NOBODY), 404));
    cases
}

#[tokio::test]
async fn a_workspace_is_not_created_from_them() {
    let cast = Cast::new().await;
    let mut cases = workspace_cases();
    cases.push(("parent_id", quoted(&cast.removed.id), 404));
    cases.push(("runtime", quoted(&"r".repeat(101)), 400));
    cases.push(("runtime", "\"a\\nb\"".into(), 400));
    for xy in ["1e10", "-1e10", "1e999", "1e308"] {
        cases.extend(["canvas.x", "canvas.y"].map(|field| (field, xy.to_owned(), 400)));
    }
    for url in [
        "ftp://agent.example/",
        "agent.example",
        "http://",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://[::ffff:10.0.0.1]/",
        "http://u:p@127.0.0.1/",
        "http://127.0.0.1:22/",
        "http://127.0.0.1/#x",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/a b",
        "javascript:alert(1)",
    ] {
        cases.push(("url", quoted(url), 400));
    }
    cases.push(("url", quoted(&format!("http://127.0.0.1/{}", "a".repeat(2048))), 400));
    for json in ["\"x\"", "[]", "[{}]", "5", "true", "{\"a\":5}", "{\"\":\"v\"}", "{\"a b\":\"v\"}", "{\"A\":\"\"}"] {
        cases.push(("secrets", json.to_owned(), 400));
    }
    cases.push(("secrets", "{\"PATH\":\"v\"}".to_owned(), 422));
    for field in ["template", "initial_memories"] {
        cases.extend(["\"x\"", "{\"a\":\"b\"}", "[{}]", "5", "true"].map(|json| (field, json.to_owned(), 422)));
    }
    refused(&cast, "POST /workspaces", &cases).await;
    let managed = json!({ "name": "managed", "url": "http://127.0.0.1:9/" });
    let answer = cast.world.call("POST", "/workspaces", Some(tests::ADMIN), &managed).await;
    assert_refused(&answer, "a url for a managed one");
    let lost = json!({ "name": "lost", "workspace_access": "read_write" });
    assert_refused(&cast.world.call("POST", "/workspaces", Some(tests::ADMIN), &lost).await, "access to no directory");
}

#[tokio::test]
async fn a_workspace_is_not_changed_to_them() {
    let cast = Cast::new().await;
    let mut cases = workspace_cases();
    cases.push(("parent_id", quoted(&cast.removed.id), 404));
    cases.push(("parent_id", quoted(&cast.own.id), 409));
    cases.push(("runtime", "\"langgraph\"".into(), 409));
    cases.push(("runtime", quoted(&"r".repeat(101)), 400));
    for xy in ["1e10", "-1e10", "1e999", "1e308"] {
        cases.extend(["x", "y"].map(|field| (field, xy.to_owned(), 400)));
    }
    refused(&cast, "PATCH /workspaces/{id}", &cases).await;
    // Under its own child, and that child's child.
    let patch = async |id: &str, parent: &str| {
        let body = json!({ "parent_id": parent });
        cast.world.call("PATCH", &format!("/workspaces/{id}"), Some(tests::ADMIN), &body).await
    };
    let answer = patch(&cast.parent.id, &cast.own.id).await;
    assert_eq!((answer.status, answer.code()), (409, "parent_cycle"));
    patch(&cast.sibling.id, &cast.own.id).await.expect(200);
    assert_eq!(patch(&cast.parent.id, &cast.sibling.id).await.code(), "parent_cycle");
}

#[tokio::test]
async fn an_agent_does_not_register_with_them() {
    let cast = Cast::new().await;
    let deep = format!("{}{}", "{\"a\":".repeat(33), "1".to_owned() + &"}".repeat(33));
    let large = json!({ "name": "x".repeat(65 * 1024) }).to_string();
    let many = Value::Object((0..20_000).map(|n| (n.to_string(), Value::Null)).collect()).to_string();
    for (key, field) in [
        ("POST /registry/register", "id"),
        ("POST /registry/update-card", "workspace_id"),
        ("POST /registry/heartbeat", "workspace_id"),
    ] {
        let mut cases: Vec<_> = [&deep, &large, &many].map(|card| ("agent_card", card.clone(), 400)).into();
        for id in
            ["", "x", "null", " ", "../x", "00000000-0000-0000-0000-00000000000g", &"a".repeat(100_000), "\0", "💥"]
        {
            cases.push((field, quoted(id), 400));
        }
        cases.push((field, quoted(NOBODY), 404));
        refused(&cast, key, &cases).await;
    }
    let modes = ["carrier-pigeon", "PUSH", "push,poll", &"p".repeat(10_000)];
    let mut cases: Vec<_> = modes.iter().map(|mode| ("delivery_mode", quoted(mode), 400)).collect();
    cases.extend(["platform", "", "Workspace"].map(|kind| ("kind", quoted(kind), 403)));
    refused(&cast, "POST /registry/register", &cases).await;
}

#[tokio::test]
async fn a_heartbeat_with_them_is_refused() {
    let cast = Cast::new().await;
    let mut cases = Vec::new();
    for (field, values) in [
        ("error_rate", &["1e999", "-1e999"][..]),
        ("active_tasks", &["-1", "1.5", "4294967296", "1e3", "1e999"]),
        ("uptime_seconds", &["-1", "1.5", "18446744073709551616", "1e999"]),
        ("monthly_spend", &["1.5", "9223372036854775808", "-9223372036854775809", "1e999"]),
        ("runtime_metadata.idle_timeout_seconds", &["1.5", "9223372036854775808"]),
        ("runtime_metadata.capabilities.retry", &["1", "\"yes\"", "null"]),
        ("register_state.last_code", &["-1", "65536", "2.5"]),
        ("register_state.attempts", &["-1", "4294967296"]),
        ("sent_at_ms", &["1.5", "9223372036854775808", "1e999"]),
    ] {
        cases.extend(values.iter().map(|value| (field, (*value).to_owned(), 400)));
    }
    refused(&cast, "POST /registry/heartbeat", &cases).await;
}

#[tokio::test]
async fn a_message_with_them_is_refused() {
    let cast = Cast::new().await;
    let long = quoted(&"m".repeat(257));
    let mut cases: Vec<_> = ["messageId", "contextId", "taskId"]
        .map(|field| (["params.message.", field].concat(), long.clone(), 400))
        .into();
    for priority in ["\"urgent\"", "\"TASK!\"", "99", "-1", "1e999", "100.5"] {
        cases.push(("params.message.metadata.priority".into(), priority.to_owned(), 400));
    }
    for deadline in
        ["\"tomorrow\"", "\"2030-13-01T00:00:00Z\"", "\"2030-01-31\"", "\"\"", "1767225600", "\"2030-01-31T12:00:00\""]
    {
        cases.push(("params.message.metadata.deadline".into(), deadline.to_owned(), 400));
    }
    for passed in ["\"2025-12-31T23:59:59Z\"", "\"0001-01-01T00:00:00Z\"", "\"2026-01-01T00:00:00Z\""] {
        cases.push(("params.message.metadata.deadline".into(), passed.to_owned(), 422));
    }
    cases.push(("params.message.parts".into(), format!("{}{}", "[".repeat(62), "]".repeat(62)), 400));
    let cases: Vec<_> = cases.iter().map(|(field, json, status)| (field.as_str(), json.clone(), *status)).collect();
    refused(&cast, "POST /workspaces/{id}/a2a", &cases).await;
}

#[tokio::test]
async fn other_bodies_with_them_are_refused() {
    let cast = Cast::new().await;
    for key in ["POST /workspaces/{id}/tokens", "POST /org/tokens"] {
        let names =
            ["n".repeat(101), "é".repeat(51), "a\nb".into(), "a\0b".into(), "a\u{2028}b".into(), "n".repeat(900_000)];
        refused(&cast, key, &names.map(|name| ("name", quoted(&name), 400))).await;
    }
    let ids = ["", "me", "null", "*", &"a".repeat(100_000)];
    for field in ["caller_id", "target_id"] {
        refused(&cast, "POST /registry/check-access", &ids.map(|id| (field, quoted(id), 400))).await;
    }
    let mut cases: Vec<_> =
        ["0", "-1", "99", "199", "600", "65536", "200.5", "1e2"].map(|json| ("status", json.to_owned(), 400)).into();
    cases.extend(["-1", "1.5", "18446744073709551616", "1e3"].map(|json| ("slot_epoch", json.to_owned(), 400)));
    refused(&cast, "POST /workspaces/{id}/a2a/queue/{queue_id}/result", &cases).await;
}
