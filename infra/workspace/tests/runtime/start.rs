use tokio::net::TcpListener;

use crate::agent::{WORKSPACE, program};

/// Runs it with these arguments; gives its exit code and what it said.
async fn start(arguments: &[&str]) -> (Option<i32>, String) {
    let output = program().args(["--command", "cat"]).args(arguments).output().await.unwrap();
    assert!(output.stdout.is_empty());
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

async fn assert_one_line(arguments: &[&str], says: &[&str]) {
    let (code, said) = start(arguments).await;
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for part in says {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
}

#[tokio::test]
async fn bad_options_say_what_and_what_to_do() {
    let id = ["--workspace", WORKSPACE];
    let platform = ["--platform", "http://127.0.0.1:1"];
    assert_one_line(&[&id[..], &["--platform", "nonsense"]].concat(), &["--platform", "such as http"]).await;
    assert_one_line(&[&platform[..], &["--workspace", "nonsense"]].concat(), &["--workspace", "UUID"]).await;
    let good = [&id[..], &platform[..]].concat();
    assert_one_line(&[&good[..], &["--listen", "0.0.0.0"]].concat(), &["--url"]).await;
    assert_one_line(&[&good[..], &["--heartbeat-interval", "often"]].concat(), &["number of seconds"]).await;
    assert_one_line(&[&good[..], &["--max-concurrent", "0"]].concat(), &["--max-concurrent"]).await;
    assert_one_line(&[&good[..], &["--token-file", "/"]].concat(), &["token file", "--token-file"]).await;
}

#[tokio::test]
async fn a_port_in_use_says_what_and_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let arguments = ["--platform", "http://127.0.0.1:1", "--workspace", WORKSPACE, "--port", &port];
    assert_one_line(&arguments, &["cannot listen", &port, "--port"]).await;
}

#[tokio::test]
async fn a_missing_option_is_a_usage_error() {
    let (code, said) = start(&[]).await;
    assert_eq!(code, Some(2));
    assert!(said.contains("--platform"), "{said}");
}
