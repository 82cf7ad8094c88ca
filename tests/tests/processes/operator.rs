//! The operator: the token in the data directory, and the laptop's own user without one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use tests::process::{Home, Platform};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn create(platform: &Platform, headers: &[(&str, &str)]) -> (u16, String) {
    let answer = platform.request("POST", "/workspaces", headers, &json!({ "name": "w" })).await.unwrap();
    (answer.status, answer.code().to_owned())
}

#[tokio::test]
async fn the_token_in_the_data_directory_is_the_owners_alone_and_good() {
    let home = Home::new(&[]);
    let platform = home.start().await;
    let file = home.data().join("admin-token");
    assert_eq!(mode(&home.data()), 0o700);
    for entry in fs::read_dir(home.data()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{} is open to others", path.display());
    }
    assert_eq!(mode(&file), 0o600);
    let token = fs::read_to_string(&file).unwrap();
    let bearer = format!("Bearer {}", token.trim());
    // With the token it does not matter where the request seems to come from.
    for header in [("accept", "*/*"), ("origin", "http://localhost:3000"), ("x-forwarded-for", "203.0.113.9")] {
        assert_eq!(create(&platform, &[("authorization", &bearer), header]).await.0, 201, "{header:?}");
    }
    assert_eq!(create(&platform, &[("authorization", "Bearer not-the-token-0123456789")]).await.0, 401);
    assert!(!platform.process.log().contains(token.trim()), "no token in the log");
}

#[tokio::test]
async fn the_laptops_user_needs_no_token_unless_something_stands_between() {
    let home = Home::new(&[]);
    let platform = home.start().await;
    assert_eq!(create(&platform, &[]).await.0, 201);
    assert_eq!(create(&platform, &[("host", "localhost")]).await.0, 201);
    for header in [
        ("origin", "http://localhost:3000"),
        ("origin", "null"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("via", "1.1 proxy"),
        ("host", "rebound.example"),
    ] {
        let (status, code) = create(&platform, &[header]).await;
        assert_eq!(status, 401, "{header:?}");
        assert!(!code.is_empty(), "{header:?}");
    }
}

#[tokio::test]
async fn a_token_of_ones_own_choice_is_used_and_no_file_is_written() {
    let own = "a-token-of-my-own-choice";
    let home = Home::new(&[("ADMIN_TOKEN", own), ("MOLECULE_ENV", "production")]);
    let platform = home.start().await;
    assert!(!home.data().join("admin-token").exists());
    assert_eq!(create(&platform, &[]).await.0, 401, "in production loopback is nobody");
    assert_eq!(create(&platform, &[("authorization", &format!("Bearer {own}"))]).await.0, 201);
    let listed = platform.call("GET", "/workspaces", Some(own), &Value::Null).await.expect(200);
    assert_eq!(listed.body.as_array().unwrap().len(), 1, "who is refused creates nothing");
}
