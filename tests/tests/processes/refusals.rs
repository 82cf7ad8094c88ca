//! Starts that fail: one line says what is the matter and what to do, and nothing is left.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use tests::process::{Home, Process};

/// How long a failing start may take.
const SOON: Duration = Duration::from_secs(15);

async fn refused(home: &Home, variables: &[(&str, &str)]) -> String {
    let ended = Process::start(home.command().envs(variables.iter().copied())).ended(SOON).await;
    let log = &ended.stderr;
    assert_eq!(ended.code, Some(1), "{variables:?}\n{log}");
    assert_eq!(ended.stdout, "", "{variables:?}");
    assert!(!log.contains("panicked") && !log.contains("RUST_BACKTRACE"), "{log}");
    let mut lines = log.lines().filter(|line| line.starts_with("error: "));
    let line = lines.next().unwrap_or_else(|| panic!("{variables:?}: no error line\n{log}"));
    assert_eq!(lines.next(), None, "{log}");
    assert_eq!(log.lines().last(), Some(line), "it is the last word");
    line.to_owned()
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let home = Home::new(&[]);
    let line = refused(&home, &[("PORT", &port)]).await;
    assert!(line.contains(&format!("port {port} is in use")) && line.contains("PORT to another"), "{line}");
    // Nothing of it holds the data directory.
    home.start().await;
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    let home = Home::new(&[]);
    for place in [file.clone(), file.join("below")] {
        let place = place.to_str().unwrap();
        let line = refused(&home, &[("MOLECULE_DATA_DIR", place)]).await;
        assert!(line.contains(&format!("data directory {place} cannot be used")), "{line}");
        assert!(line.contains("MOLECULE_DATA_DIR"), "{line}");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "mine", "nobody's file is touched");
}

#[tokio::test]
async fn a_variable_that_cannot_be_used_is_named() {
    let home = Home::new(&[]);
    for (name, value) in [
        ("PORT", "eighty"),
        ("PORT", "65536"),
        ("LIVENESS_TTL_SECONDS", "soon"),
        ("LIVENESS_TTL_SECONDS", "-1"),
        ("MOLECULE_ENV", "prod"),
        ("QUEUE_PREFIX", "has space"),
        ("AWS_ENDPOINT_URL", "localhost:4566"),
        ("ADMIN_TOKEN", "short"),
    ] {
        let line = refused(&home, &[(name, value)]).await;
        assert!(line.starts_with(&format!("error: {name}: must ")), "{line}");
        assert!(name != "ADMIN_TOKEN" || !line.contains("short"), "a secret is not repeated: {line}");
    }
    let line = refused(&home, &[("MOLECULE_ENV", "production"), ("ADMIN_TOKEN", "")]).await;
    assert!(line.contains("ADMIN_TOKEN: is required"), "no token is made up for production: {line}");
    assert!(!home.data().exists(), "nothing is made where nothing can start");
}

#[tokio::test]
async fn an_endpoint_that_nobody_serves_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{free}");
    let line = refused(&Home::new(&[]), &[("AWS_ENDPOINT_URL", &endpoint)]).await;
    assert!(line.contains(&format!("DynamoDB at {endpoint} cannot be reached")), "{line}");
    assert!(line.contains("AWS_ENDPOINT_URL"), "{line}");
}

#[tokio::test]
async fn a_second_platform_on_the_same_data_names_the_directory() {
    let home = Home::new(&[]);
    let first = home.start().await;
    let line = refused(&home, &[]).await;
    let directory = home.data();
    assert!(line.contains(&format!("another platform runs on data directory {}", directory.display())), "{line}");
    let lives = first.call("GET", "/health", None, &serde_json::Value::Null).await;
    lives.expect(200);
}
