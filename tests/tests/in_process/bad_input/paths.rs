//! Ids in paths that are none, and queries that say nothing.

use serde_json::json;
use tests::api::{NOBODY, assert_same, bearer};
use tests::{ADMIN, Cast};

use super::refusal::{assert_refused, request, send};

/// Path segments that are no UUID.
fn odd() -> Vec<String> {
    let mut odd: Vec<String> = [
        "x",
        "0",
        "-1",
        "null",
        "undefined",
        "me",
        "*",
        "~",
        "..",
        ".",
        "...",
        "%2e%2e",
        "%2E",
        "%2F",
        "%2f..%2f",
        "%5c",
        "%00",
        "%0a",
        "%0d%0aSet-Cookie:x",
        "%",
        "%z",
        "%zz",
        "%2",
        "%c3%28",
        "%ff",
        "%C3%A9",
        "%F0%9F%92%A5",
        "a%20b",
        "'%20OR%201=1--",
        "%3Cscript%3E",
        "$%7Bjndi%7D",
        "{id}",
        "WS%23x",
        "META",
        "a;b",
        "a,b",
        "a@b",
        "a:b",
        "a=b",
        "a&b",
        "a+b",
    ]
    .iter()
    .map(|text| (*text).to_owned())
    .collect();
    // An HTTP API hands the path on with its percent signs decoded.
    let decoded = [
        "\0",
        "\n",
        "\r\nSet-Cookie: x",
        " ",
        "\t",
        "é",
        "💥",
        "\u{fffd}",
        "\u{2028}",
        "#x",
        "\\..\\x",
        "<script>",
        "' OR 1=1--",
        "\"",
    ];
    odd.extend(decoded.map(str::to_owned));
    odd.extend([
        format!("{NOBODY}0"),
        NOBODY[1..].to_owned(),
        format!("{NOBODY}%20"),
        format!("%39{}", &NOBODY[1..]),
        "a".repeat(8000),
    ]);
    odd
}

#[tokio::test]
async fn an_id_in_the_path_must_be_one() {
    let cast = Cast::new().await;
    let before = cast.world.table().await;
    for odd in odd() {
        for request in cast.requests(&cast.own.id) {
            let segments = request.key.split(' ').nth(1).unwrap().split('/').enumerate();
            // A delegation's id is its agent's own, and a secret's key is a name.
            let ids = |segment: &str| segment.starts_with('{') && !["{delegation_id}", "{key}"].contains(&segment);
            for (place, _) in segments.filter(|(_, segment)| ids(segment)) {
                let mut other = request.clone();
                let mut path: Vec<&str> = request.path.split('/').collect();
                path[place] = &odd;
                other.path = path.join("/");
                let told = format!("{} {}", request.method(), other.path.chars().take(150).collect::<String>());
                let answer = send(&cast, &other, &[], &request.bytes()).await;
                assert_refused(&answer, &told);
                assert_eq!((answer.status, answer.code()), (400, "invalid_id"), "{told}: {}", answer.text);
            }
        }
    }
    assert_same(&before, &cast.world.table().await, "it");
}

/// A domain of one's own may put something before the routes, which the path then begins with.
#[tokio::test]
async fn the_route_that_the_api_chose_counts_and_not_its_path() {
    let cast = Cast::new().await;
    let id = &cast.own.id;
    let authorization = bearer(ADMIN);
    let headers = [("authorization", authorization.as_str())];
    let mut event = cast.world.event("203.0.113.7", "GET", &format!("/fleet/workspaces/{id}"), &headers, b"");
    assert_eq!(cast.world.send("workspaces", &event).await.status, 404);
    event["requestContext"]["routeKey"] = json!("GET /workspaces/{id}");
    event["pathParameters"] = json!({ "id": id });
    assert_eq!(cast.world.send("workspaces", &event).await.expect(200).body["id"], json!(id));
}

#[tokio::test]
async fn ids_are_judged_for_callers_only() {
    let cast = Cast::new().await;
    for request in cast.requests(&cast.own.id) {
        let Some(place) = request.key.split(' ').nth(1).unwrap().split('/').position(|segment| segment == "{id}")
        else {
            continue;
        };
        let mut other = request.clone();
        let mut path: Vec<&str> = request.path.split('/').collect();
        path[place] = "no-id";
        other.path = path.join("/");
        for authorization in [None, Some("Bearer unknown")] {
            let answer = cast.send(&other, authorization).await;
            assert_eq!(answer.status, 401, "{} {authorization:?}: {}", request.key, answer.text);
        }
    }
}

#[tokio::test]
async fn numbers_in_queries_have_bounds() {
    let cast = Cast::new().await;
    let before = cast.world.table().await;
    for (key, name, beyond) in [
        ("GET /events", "limit", &["0", "501"][..]),
        ("GET /events/{id}", "limit", &["0", "501"]),
        ("GET /workspaces/{id}/tokens", "limit", &["0", "201"]),
        ("GET /workspaces/{id}/tokens", "offset", &["4294967296"]),
    ] {
        let all = [
            "",
            "x",
            "-1",
            "1.5",
            "1e2",
            "NaN",
            "0x10",
            "%31%",
            "1%00",
            "99999999999999999999",
            "1,2",
            "%F0%9F%92%A5",
            "null",
        ];
        for value in all.iter().chain(beyond) {
            let mut other = request(&cast, key);
            other.path = format!("{}?{name}={value}", other.path);
            let answer = send(&cast, &other, &[], b"").await;
            assert_refused(&answer, &other.path);
            assert_eq!((answer.status, answer.code()), (400, "invalid_query"), "{}", other.path);
        }
    }
    let mut peers = request(&cast, "GET /registry/{id}/peers");
    peers.path = format!("{}?q={}", peers.path, "q".repeat(201));
    assert_refused(&send(&cast, &peers, &[], b"").await, "a long filter");
    assert_same(&before, &cast.world.table().await, "it");
}

#[tokio::test]
async fn odd_queries_are_no_fault() {
    let cast = Cast::new().await;
    let before = cast.world.table().await;
    for request in cast.requests(&cast.own.id).into_iter().filter(|request| request.method() == "GET") {
        if request.key.ends_with("test-token") || request.key == "GET /metrics" || request.key.ends_with("/inbox") {
            continue;
        }
        for query in [
            "&&&",
            "=",
            "%",
            "%zz=%",
            "a=%00",
            "limit",
            "q=%ff%fe",
            "q[]=1",
            "confirm=maybe",
            "__proto__=1",
            &"a=1&".repeat(2000),
        ] {
            let mut other = request.clone();
            other.path = format!("{}?{query}", other.path);
            let answer = send(&cast, &other, &[], b"").await;
            let limited = ["events", "tokens", "a2a-queue", "a2a/queue", "history", "activity"]
                .iter()
                .any(|name| request.key.contains(name));
            let wanted = if query == "limit" && limited { 400 } else { request.served() };
            assert!(answer.status == 200 || answer.status == wanted, "{}: {}", other.path, answer.text);
        }
    }
    assert_same(&before, &cast.world.table().await, "it");
}
