//! The operator without a token: in development, over loopback, by the loopback's name, with no sign of a browser or proxy.

use tests::api::bearer;
use tests::{Cast, World};

const HOST: (&str, &str) = ("host", "localhost:8080");

async fn list(world: &World, source: &str, headers: &[(&str, &str)]) -> u16 {
    let answer = world.raw_from(source, "GET", "/workspaces", None, headers, b"").await;
    assert!(answer.status == 200 || answer.code() == "missing_token", "{}", answer.text);
    answer.status
}

#[tokio::test]
async fn loopback_by_its_own_name_is_the_operator() {
    let world = World::new().await;
    for source in ["127.0.0.1", "127.8.9.10", "::1"] {
        for host in ["localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:8080"] {
            assert_eq!(list(&world, source, &[("host", host)]).await, 200, "{source} {host}");
        }
    }
}

#[tokio::test]
async fn another_source_is_not() {
    let world = World::new().await;
    for source in [
        "203.0.113.9",
        "10.0.0.1",
        "192.168.1.2",
        "172.17.0.1",
        "0.0.0.0",
        "128.0.0.1",
        "169.254.169.254",
        "::",
        "fe80::1",
        "",
        "localhost",
    ] {
        assert_eq!(list(&world, source, &[HOST]).await, 401, "{source}");
    }
}

#[tokio::test]
async fn another_name_is_not() {
    let world = World::new().await;
    for host in [
        "platform.test",
        "localhost.evil.example",
        "evil.example",
        "evil.localhost",
        "localhost.",
        "127.0.0.1.nip.io:8080",
        "localhost@evil.example",
        "127.1",
        "2130706433",
        "0.0.0.0:8080",
        "[::1]:8080",
        "localhost,evil.example",
    ] {
        assert_eq!(list(&world, "127.0.0.1", &[("host", host)]).await, 401, "{host}");
    }
}

#[tokio::test]
async fn whatever_a_browser_or_a_proxy_adds_ends_it() {
    let world = World::new().await;
    for (name, value) in [
        ("origin", "http://localhost:8080"),
        ("origin", "http://localhost:3000"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", ""),
        ("referer", "http://localhost:8080/"),
        ("referer", "https://evil.example/"),
        ("referer", ""),
        ("forwarded", "for=127.0.0.1;host=localhost"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-for", ""),
        ("x-forwarded-host", "localhost"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "8080"),
        ("x-forwarded-server", "proxy"),
        ("x-real-ip", "127.0.0.1"),
        ("via", "1.1 proxy"),
        // A page may hide where it is from, but not that it is one.
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "same-origin"),
    ] {
        assert_eq!(list(&world, "127.0.0.1", &[HOST, (name, value)]).await, 401, "{name}: {value}");
    }
    assert_eq!(list(&world, "127.0.0.1", &[HOST, ("user-agent", "curl/8"), ("accept", "*/*")]).await, 200);
}

#[tokio::test]
async fn a_credential_that_is_shown_is_the_one_that_counts() {
    let cast = Cast::new().await;
    for authorization in ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer unknown", &bearer(&cast.revoked_org)] {
        let headers = [HOST, ("authorization", authorization)];
        let answer = cast.world.raw_from("127.0.0.1", "GET", "/workspaces", None, &headers, b"").await;
        assert_eq!((answer.status, answer.code()), (401, "invalid_token"), "{authorization}");
    }
    let answer = cast.world.raw_from("127.0.0.1", "GET", "/workspaces", Some(&cast.own.token), &[HOST], b"").await;
    assert_eq!((answer.status, answer.code()), (403, "operators_only"));
}

#[tokio::test]
async fn it_is_no_workspace() {
    let cast = Cast::new().await;
    for request in cast.requests(&cast.own.id).into_iter().filter(|request| request.key.starts_with("POST /registry/"))
    {
        if request.key == "POST /registry/check-access" {
            continue;
        }
        let body = request.bytes();
        let answer = cast.world.raw_from("127.0.0.1", "POST", &request.path, None, &[HOST], &body).await;
        assert_eq!((answer.status, answer.code()), (401, "missing_token"), "{}", request.key);
    }
}

#[tokio::test]
async fn production_has_none() {
    let world = World::with(&[("MOLECULE_ENV", "production")]).await;
    for source in ["127.0.0.1", "::1"] {
        for host in ["localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:8080"] {
            assert_eq!(list(&world, source, &[("host", host)]).await, 401, "{source} {host}");
        }
    }
}

#[tokio::test]
async fn forged_origins_open_nothing_from_outside() {
    for world in [World::new().await, World::with(&[("MOLECULE_ENV", "production")]).await] {
        for (name, value) in [
            ("origin", "http://localhost:3000"),
            ("origin", "http://platform.test"),
            ("origin", "https://platform.test"),
            ("referer", "http://localhost:3000/"),
            ("referer", "https://platform.test/"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-real-ip", "127.0.0.1"),
            ("forwarded", "for=127.0.0.1"),
            ("x-forwarded-host", "localhost"),
            ("cookie", "session=1"),
        ] {
            for host in ["platform.test", "localhost:3000", "localhost"] {
                let headers = [("host", host), (name, value)];
                assert_eq!(list(&world, "203.0.113.9", &headers).await, 401, "{name}: {value} at {host}");
            }
        }
    }
}
