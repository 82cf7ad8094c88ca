//! Every route with every credential that does not serve there: the status, the code, and that nothing changes.

use std::collections::HashMap;

use local::template::{Route, TEXT, Template};
use tests::api::{Request, assert_same, bearer};
use tests::{ADMIN, Cast, World};

use super::guard::{Guard, Shown, keys, of, refusal};

/// Requests to AWS that change something. `UpdateItem` may be the steady heartbeat's, whose condition then refuses.
const WRITES: [&str; 8] = [
    "PutItem",
    "DeleteItem",
    "BatchWriteItem",
    "TransactWriteItems",
    "CreateQueue",
    "DeleteQueue",
    "SendMessage",
    "DeleteMessage",
];

async fn production() -> Cast {
    Cast::of(World::with(&[("MOLECULE_ENV", "production")]).await).await
}

/// Sends all that this credential must be refused for, and checks that it is, for this reason, without a trace.
async fn refused(cast: &Cast, shown: Shown, authorization: Option<&str>) {
    refused_by(cast, &cast.requests(&cast.own.id), shown, authorization).await;
}

/// One request for each kind of guard, for long lists of credentials.
fn one_per_guard(cast: &Cast) -> Vec<Request> {
    let mut guards = Vec::new();
    let mut requests = cast.requests(&cast.own.id);
    requests.retain(|request| {
        let guard = of(request.key);
        let first = !guards.contains(&guard);
        guards.push(guard);
        first
    });
    requests
}

async fn refused_by(cast: &Cast, requests: &[Request], shown: Shown, authorization: Option<&str>) {
    let before = cast.world.table().await;
    cast.world.gate.take_operations();
    for request in requests {
        let hidden = of(request.key) == Guard::Development && !cast.world.platform.config.development;
        let expected = if hidden { Some((404, "no_route")) } else { refusal(of(request.key), shown) };
        let Some(expected) = expected else { continue };
        let answer = cast.send(request, authorization).await;
        let told = format!("{} with {shown:?} {authorization:?}: {}", request.key, answer.text);
        assert_eq!((answer.status, answer.code()), expected, "{told}");
        assert!(answer.body["error"].is_string(), "{told}");
        let operations = cast.world.gate.take_operations();
        assert!(!operations.iter().any(|operation| WRITES.contains(&operation.as_str())), "{told}: {operations:?}");
    }
    assert_same(&before, &cast.world.table().await, &format!("{shown:?} {authorization:?}"));
}

#[tokio::test]
async fn the_table_of_guards_has_every_route_of_the_template_and_no_other() {
    let template = Template::read(TEXT, &HashMap::new()).unwrap();
    let mut declared: Vec<String> =
        template.functions.values().flat_map(|function| function.routes.iter().map(Route::key)).collect();
    declared.sort();
    assert_eq!(keys(), declared);
    let cast = Cast::new().await;
    assert_eq!(cast.world.routes(), declared);
    let mut requests: Vec<&str> = cast.requests(&cast.own.id).iter().map(|request| request.key).collect();
    requests.sort_unstable();
    assert_eq!(requests, declared, "tests::api has a request for each route");
}

#[tokio::test]
async fn the_requests_of_the_table_serve_whom_they_should() {
    let cast = Cast::new().await;
    for request in cast.requests(&cast.own.id) {
        let answer = cast.send(&request, Some(&bearer(cast.right(&request)))).await;
        let status = match request.key {
            "GET /metrics" => 501,
            "POST /workspaces"
            | "POST /workspaces/{id}/tokens"
            | "POST /workspaces/{id}/schedules"
            | "POST /workspaces/{id}/memories" => 201,
            "POST /workspaces/{id}/a2a" | "POST /workspaces/{id}/delegate" => 202,
            "POST /workspaces/{id}/delegations/record" => 202,
            // Nothing was delivered yet.
            "POST /workspaces/{id}/a2a/queue/{queue_id}/result" => 409,
            key if key.starts_with("POST /workspaces/{id}/inbox/") => 409,
            // It has no team.
            "POST /workspaces/{id}/expand" => 400,
            // Nobody runs it but its owner.
            "POST /workspaces/{id}/restart"
            | "POST /workspaces/{id}/hibernate"
            | "GET /workspaces/{id}/logs"
            | "GET /workspaces/{id}/console" => 409,
            // It was called off, not lost.
            "POST /workspaces/{id}/a2a/queue/{queue_id}/replay" => 409,
            _ => 200,
        };
        assert_eq!(answer.status, status, "{}: {}", request.key, answer.text);
    }
}

#[tokio::test]
async fn without_a_token_nothing_opens() {
    for cast in [Cast::new().await, production().await] {
        refused(&cast, Shown::Nothing, None).await;
    }
}

#[tokio::test]
async fn only_bearer_and_a_token_is_a_credential() {
    let cast = Cast::new().await;
    let token = &cast.own.token;
    for authorization in [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer   ",
        "Basic dXNlcjpwYXNzd29yZA==",
        token,
        &format!("bearer {token}"),
        &format!("BEARER {token}"),
        &format!("Bearer{token}"),
        &format!("Bearer\t{token}"),
        &format!("Token {token}"),
        &format!("Basic {token}"),
        &format!("token=\"{token}\""),
        &format!("Bearer:{token}"),
        &bearer("").repeat(2000),
    ] {
        let read = authorization.strip_prefix("Bearer ").map(str::trim).filter(|token| !token.is_empty());
        let shown = if read.is_some() { Shown::Worthless } else { Shown::Malformed };
        refused_by(&cast, &one_per_guard(&cast), shown, Some(authorization)).await;
    }
}

#[tokio::test]
async fn a_bearer_that_is_no_token_opens_nothing() {
    let cast = Cast::new().await;
    let token = &cast.own.token;
    let digest = platform::entropy::digest(token);
    let mut almost = token.clone();
    let last = if almost.pop() == Some('A') { 'B' } else { 'A' };
    almost.push(last);
    for worthless in [
        "unknown",
        "null",
        "undefined",
        "*",
        &digest,
        &almost,
        &token[..8],
        &token[..42],
        &format!("{token}A"),
        &format!("{token} {token}"),
        &format!("{token},Bearer {token}"),
        &token.to_lowercase(),
        &cast.own.id,
        &cast.api_id,
        &ADMIN[..ADMIN.len() - 1],
        &format!("{ADMIN}x"),
        &ADMIN.to_uppercase(),
        &"x".repeat(7000),
    ] {
        refused_by(&cast, &one_per_guard(&cast), Shown::Worthless, Some(&bearer(worthless))).await;
    }
}

#[tokio::test]
async fn revoked_tokens_and_boot_credentials_are_no_tokens() {
    for cast in [Cast::new().await, production().await] {
        for worthless in [&cast.revoked, &cast.revoked_org, &cast.sibling_boot] {
            refused(&cast, Shown::Worthless, Some(&bearer(worthless))).await;
        }
    }
}

#[tokio::test]
async fn its_own_boot_credential_opens_register_alone() {
    let cast = Cast::new().await;
    let before = cast.world.table().await;
    let mut register = None;
    for request in cast.requests(&cast.own.id) {
        match of(request.key) {
            Guard::Open => continue,
            Guard::Register => register = Some(request),
            _ => {
                let answer = cast.send(&request, Some(&bearer(&cast.boot))).await;
                assert_eq!((answer.status, answer.code()), (401, "invalid_token"), "{}: {}", request.key, answer.text);
            }
        }
    }
    assert_same(&before, &cast.world.table().await, "it");
    let answer = cast.send(&register.unwrap(), Some(&bearer(&cast.boot))).await.expect(200);
    assert!(answer.body["auth_token"].is_string());
}

#[tokio::test]
async fn a_cousins_token_opens_nothing_of_ours() {
    for cast in [Cast::new().await, production().await] {
        refused(&cast, Shown::Cousin, Some(&bearer(&cast.cousin.token))).await;
        refused(&cast, Shown::Cousin, Some(&bearer(&cast.uncle.token))).await;
        refused(&cast, Shown::Sibling, Some(&bearer(&cast.sibling.token))).await;
    }
}

#[tokio::test]
async fn a_workspaces_own_tokens_are_no_operators() {
    for cast in [Cast::new().await, production().await] {
        let operators = |request: &Request| matches!(of(request.key), Guard::Operator | Guard::Development);
        let before = cast.world.table().await;
        for (shown, token) in [(Shown::Own, &cast.own.token), (Shown::Api, &cast.api)] {
            for request in cast.requests(&cast.own.id).into_iter().filter(operators) {
                let answer = cast.send(&request, Some(&bearer(token))).await;
                let hidden = of(request.key) == Guard::Development && !cast.world.platform.config.development;
                let expected = if hidden { (404, "no_route") } else { refusal(of(request.key), shown).unwrap() };
                assert_eq!((answer.status, answer.code()), expected, "{}: {}", request.key, answer.text);
            }
        }
        assert_same(&before, &cast.world.table().await, "it");
    }
}

#[tokio::test]
async fn an_api_token_neither_registers_nor_beats() {
    let cast = Cast::new().await;
    let before = cast.world.table().await;
    for request in cast.requests(&cast.own.id) {
        if matches!(of(request.key), Guard::Register | Guard::Heartbeat) {
            let answer = cast.send(&request, Some(&bearer(&cast.api))).await;
            assert_eq!((answer.status, answer.code()), (403, "not_an_instance_token"), "{}", request.key);
        }
    }
    assert_same(&before, &cast.world.table().await, "it");
}

#[tokio::test]
async fn operators_are_no_workspaces() {
    let cast = Cast::new().await;
    let before = cast.world.table().await;
    for request in cast.requests(&cast.own.id) {
        let Some(expected) = refusal(of(request.key), Shown::Operator) else { continue };
        for token in [ADMIN, &cast.org] {
            let answer = cast.send(&request, Some(&bearer(token))).await;
            assert_eq!((answer.status, answer.code()), expected, "{}: {}", request.key, answer.text);
        }
    }
    assert_same(&before, &cast.world.table().await, "it");
}

#[tokio::test]
async fn a_deleted_workspaces_token_hears_that_it_was_deleted_and_nothing_else() {
    for cast in [Cast::new().await, production().await] {
        refused(&cast, Shown::Deleted, Some(&bearer(&cast.removed.token))).await;
        let before = cast.world.table().await;
        for request in cast.requests(&cast.removed.id) {
            let expected = match of(request.key) {
                Guard::Open => continue,
                Guard::Development if !cast.world.platform.config.development => (404, "no_route"),
                Guard::Register | Guard::Heartbeat | Guard::Card => (410, "workspace_removed"),
                _ if request.key == "GET /workspaces/{id}/state" => (404, "workspace_removed"),
                _ => (401, "invalid_token"),
            };
            let answer = cast.send(&request, Some(&bearer(&cast.removed.token))).await;
            assert_eq!((answer.status, answer.code()), expected, "{}: {}", request.key, answer.text);
            // To others it is as if they had shown nothing of worth.
            let other = cast.send(&request, Some(&bearer(&cast.revoked))).await;
            let hidden = expected == (404, "no_route");
            assert!(
                hidden || (other.status, other.code()) == (401, "invalid_token"),
                "{}: {}",
                request.key,
                other.text
            );
        }
        assert_same(&before, &cast.world.table().await, "it");
    }
}

#[tokio::test]
async fn an_org_token_ends_with_its_revocation() {
    let cast = Cast::new().await;
    let path = format!("/org/tokens/{}", cast.org_id);
    let list = || cast.world.call("GET", "/workspaces", Some(&cast.org), &serde_json::Value::Null);
    list().await.expect(200);
    cast.world.call("DELETE", &path, Some(&cast.org), &serde_json::Value::Null).await.expect(200);
    list().await.expect(401);
    refused(&cast, Shown::Worthless, Some(&bearer(&cast.org))).await;
}
