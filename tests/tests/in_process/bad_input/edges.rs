//! Input that looks wrong and is right.

use serde_json::{Value, json};
use tests::api::{bearer, message};
use tests::{ADMIN, Cast, World};

use super::refusal::{request, send, with_bodies};

async fn named(world: &World, name: &str) -> Value {
    let body = json!({ "name": name, "role": name, "external": true });
    let made = world.call("POST", "/workspaces", Some(ADMIN), &body).await.expect(201);
    world.show(made.body["id"].as_str().unwrap()).await
}

#[tokio::test]
async fn names_are_any_text_on_one_line() {
    let world = World::new().await;
    let longest = "n".repeat(255);
    let longest_in_cyrillic = format!("{}a", "д".repeat(127));
    for name in [
        "a",
        "Zoë",
        "研究员",
        "باحث",
        "👩🏽‍🚀",
        "e\u{301}",
        "O'Brien \"Bob\"",
        "a/b\\c",
        "null",
        "true",
        "5",
        "<b",
        "a: b #c",
        "%s",
        "$x",
        "=cmd()",
        "a  b",
        "\u{feff}x",
        "SELECT 1;--",
        &longest,
        &longest_in_cyrillic,
    ] {
        let shown = named(&world, name).await;
        assert_eq!((&shown["name"], &shown["role"]), (&json!(name), &json!(name)));
    }
    let spaced = format!(" \t {longest} \n\n");
    assert_eq!(named(&world, &spaced).await["name"], longest, "trimmed before it is measured");
    assert_eq!(named(&world, "\u{a0}wide\u{3000}").await["name"], "wide");
    let all = world.call("GET", "/workspaces", Some(ADMIN), &Value::Null).await.expect(200);
    assert_eq!(all.body.as_array().unwrap().len(), 23);
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let (plain, odd) = (Cast::new().await, Cast::new().await);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (request, same) in with_bodies(&plain).iter().zip(with_bodies(&odd)) {
        let expected = send(&plain, request, &[], &request.bytes()).await;
        // The one that passes a body on to an agent passes on no tower.
        let tower = if request.key == "POST /workspaces/{id}/a2a" { "[]" } else { &deep };
        let valid = same.body.to_string();
        let body = format!(
            r#"{{"zz_unknown":{tower},"admin":true,"status":5,"org":"other","__proto__":{{}},"":null,{}"#,
            &valid[1..]
        );
        if ["/result", "/ack", "/update", "/activity"].iter().any(|end| request.key.ends_with(end)) {
            continue;
        }
        let answer = send(&odd, &same, &[], body.as_bytes()).await;
        assert_eq!(answer.status, expected.status, "{}: {}", request.key, answer.text);
    }
    let shown = odd.world.show(&odd.own.id).await;
    assert!(shown.get("admin").is_none() && shown.get("zz_unknown").is_none());
    assert_eq!(shown["status"], "online");
}

#[tokio::test]
async fn any_spelling_of_an_id_is_that_id() {
    let cast = Cast::new().await;
    let plain = cast.own.id.replace('-', "");
    for id in [cast.own.id.to_uppercase(), plain.to_uppercase(), plain, format!("urn:uuid:{}", cast.own.id)] {
        let shown = cast.world.show(&id).await;
        assert_eq!(shown["id"], cast.own.id.as_str(), "{id}");
        let told = cast
            .world
            .call("GET", &format!("/workspaces/{id}/state"), Some(&cast.own.token), &Value::Null)
            .await
            .expect(200);
        assert_eq!(told.body["workspace_id"], cast.own.id.as_str());
        let other = tests::Agent { id: id.clone(), token: cast.own.token.clone() };
        cast.world.beat(&other, &json!({})).await.expect(200);
        let register = json!({ "id": id, "agent_card": { "name": "x" }, "delivery_mode": "poll" });
        cast.world.call("POST", "/registry/register", Some(&cast.own.token), &register).await.expect(200);
        let pair = json!({ "caller_id": id, "target_id": cast.sibling.id.to_uppercase() });
        let allowed = cast.world.call("POST", "/registry/check-access", Some(&cast.own.token), &pair).await.expect(200);
        assert_eq!(allowed.body["allowed"], true);
        let queue = format!("/workspaces/{id}/a2a/queue/{}", cast.queue_id.to_uppercase());
        let seen = cast.world.call("GET", &queue, Some(&cast.own.token), &Value::Null).await.expect(200);
        assert_eq!((&seen.body["queue_id"], &seen.body["workspace_id"]), (&json!(cast.queue_id), &json!(cast.own.id)));
        let me = [("x-workspace-id", id.as_str())];
        let path = format!("/registry/discover/{}", cast.sibling.id.to_uppercase());
        let found = cast.world.raw("GET", &path, Some(&cast.own.token), &me, b"").await.expect(200);
        assert_eq!(found.body["id"], cast.sibling.id.as_str());
        assert!(found.body["url"].as_str().unwrap().contains(&cast.sibling.id));
        let sent = message(&id).to_string();
        let path = format!("/workspaces/{}/a2a", cast.sibling.id);
        cast.world.raw("POST", &path, Some(&cast.own.token), &me, sent.as_bytes()).await.expect(202);
    }
    let child = json!({ "name": "child", "external": true, "parent_id": format!(" {} ", cast.own.id.to_uppercase()) });
    let made = cast.world.call("POST", "/workspaces", Some(ADMIN), &child).await.expect(201);
    assert_eq!(cast.world.show(made.body["id"].as_str().unwrap()).await["parent_id"], cast.own.id.as_str());
}

#[tokio::test]
async fn space_around_a_token_is_no_part_of_it() {
    let cast = Cast::new().await;
    let list = request(&cast, "GET /workspaces/{id}");
    for authorization in
        [format!("Bearer  {}", cast.own.token), format!("Bearer {}  ", cast.own.token), format!("Bearer {ADMIN}\t")]
    {
        cast.send(&list, Some(&authorization)).await.expect(200);
    }
    let name = format!(" {} ", cast.own.id);
    let headers = [("authorization", bearer(&cast.own.token)), ("x-workspace-id", name)];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let path = format!("/registry/discover/{}", cast.sibling.id);
    cast.world.raw("GET", &path, None, &headers, b"").await.expect(200);
}

#[tokio::test]
async fn space_in_a_body_and_other_content_types_do_not_matter() {
    let cast = Cast::new().await;
    let check = request(&cast, "POST /registry/check-access");
    let spread = format!("\r\n\t {} \n", serde_json::to_string_pretty(&check.body).unwrap());
    for kind in
        ["application/json", "application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded", ""]
    {
        send(&cast, &check, &[("content-type", kind)], spread.as_bytes()).await.expect(200);
    }
}

#[tokio::test]
async fn a_body_in_base64_is_the_same_body() {
    let cast = Cast::new().await;
    let check = request(&cast, "POST /registry/check-access");
    let authorization = bearer(&cast.own.token);
    let mut event = cast.world.event("203.0.113.9", "POST", &check.path, &[("authorization", &authorization)], b"");
    event["body"] = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, check.bytes()).into();
    event["isBase64Encoded"] = true.into();
    let answer = cast.world.send("discovery", &event).await.expect(200);
    assert_eq!(answer.body["allowed"], true);
}

#[tokio::test]
async fn numbers_at_their_ends_are_kept_or_bounded() {
    let cast = Cast::new().await;
    let beat = async |fields: Value| cast.world.beat(&cast.own, &fields).await.expect(200);
    let path = format!("/workspaces/{}", cast.own.id);
    let patch = async |body: &str| {
        cast.world.raw("PATCH", &path, Some(ADMIN), &[], body.as_bytes()).await.expect(200);
        cast.world.show(&cast.own.id).await
    };
    for (sent, kept) in
        [(7.5, 1.0), (-3.0, 0.0), (1e-300, 0.0), (f64::MIN_POSITIVE, 0.0), (-0.0, 0.0), (0.05, 0.05), (1e300, 1.0)]
    {
        beat(json!({ "error_rate": sent })).await;
        assert_eq!(cast.world.show(&cast.own.id).await["last_error_rate"], kept, "{sent}");
    }
    beat(json!({ "active_tasks": u32::MAX, "uptime_seconds": u64::MAX, "monthly_spend": -5, "sent_at_ms": i64::MIN }))
        .await;
    let shown = cast.world.show(&cast.own.id).await;
    assert_eq!((&shown["active_tasks"], &shown["uptime_seconds"]), (&json!(u32::MAX), &json!(u64::MAX)));
    assert_eq!(shown["monthly_spend"], 0);
    beat(json!({ "monthly_spend": i64::MAX, "sent_at_ms": i64::MAX, "runtime_metadata": { "idle_timeout_seconds": i64::MIN } })).await;
    assert_eq!(cast.world.show(&cast.own.id).await["monthly_spend"], 1_000_000_000_000_i64);
    for (x, kept) in [
        ("1e9", 1e9),
        ("-1000000000", -1e9),
        ("-0.0", 0.0),
        ("1e-300", 0.0),
        ("0.30000000000000004", 0.1 + 0.2),
        ("5", 5.0),
    ] {
        assert_eq!(patch(&format!(r#"{{"x":{x}}}"#)).await["x"].as_f64(), Some(kept), "{x}");
    }
    assert_eq!(patch(r#"{"budget_limit":9223372036854775807}"#).await["budget_limit"], i64::MAX);
    assert_eq!(patch(r#"{"max_concurrent_tasks":-9223372036854775808}"#).await["max_concurrent_tasks"], 1);
}

#[tokio::test]
async fn texts_of_a_heartbeat_are_cut_and_cleaned() {
    let cast = Cast::new().await;
    let long = "é\u{1b}[31m\0".repeat(20_000);
    cast.world
        .beat(&cast.own, &json!({ "sample_error": long, "current_task": long, "runtime_state": "" }))
        .await
        .expect(200);
    let shown = cast.world.show(&cast.own.id).await;
    for (field, limit) in [("last_sample_error", 400), ("current_task", 200)] {
        let kept = shown[field].as_str().unwrap();
        assert!(kept.len() <= limit && kept.len() > limit - 4 && !kept.contains(char::is_control), "{field}: {kept:?}");
    }
}
