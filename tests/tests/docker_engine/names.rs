//! Names resolve inside the image, although nothing of a C library's resolver can be loaded there.

use tests::process::{BOUND, eventually};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::bench::{Bench, IMAGE, docker, shell_image};

const WORKSPACE: &str = "WORKSPACE_ID=6b1f5a0e-8d7c-4a51-9a64-0a4f0b7f7c11";
const URL: &str = "MOLECULE_WORKSPACE_URL=http://agent.example:8000";

#[tokio::test]
async fn a_name_of_the_hosts_file_reaches_the_platform_at_the_gateway() {
    let Some(bench) = Bench::new() else { return };
    let gateway = bench.engine.ensure_network().await.unwrap();
    assert_eq!(bench.engine.ensure_network().await.unwrap(), gateway, "made once");
    assert_eq!(bench.engine.platform_url(gateway), format!("http://{gateway}:8080"));
    let listener = TcpListener::bind((gateway, 0)).await.unwrap();
    let platform = format!("PLATFORM_URL=http://platform.example:{}", listener.local_addr().unwrap().port());
    let label = format!("molecule.stack={}", bench.settings.stack);
    let host = format!("platform.example:{gateway}");
    let network = &bench.settings.network;
    let run = ["run", "--detach", "--label", &label, "--network", network, "--add-host", &host];
    docker(&[&run[..], &["--env", WORKSPACE, "--env", URL, "--env", &platform, IMAGE]].concat());
    let (mut connection, _) = tokio::time::timeout(BOUND, listener.accept()).await.expect("a call").unwrap();
    let mut line = [0; 23];
    connection.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"POST /registry/register");
}

#[tokio::test]
async fn a_name_of_the_engines_dns_is_found() {
    let Some(bench) = Bench::new() else { return };
    let label = format!("molecule.stack={}", bench.settings.stack);
    let network = format!("{}-open", bench.settings.stack);
    docker(&["network", "create", "--label", &label, &network]);
    // An input that ends would close the connection under the caller before it has said anything.
    let listener = shell_image("listener", "while :; do sleep 5 | nc -l -p 8080; done");
    let platform = format!("{}-platform", bench.settings.stack);
    let common = ["run", "--detach", "--label", &label, "--network", &network];
    docker(&[&common[..], &["--name", &platform, &listener]].concat());
    let url = format!("PLATFORM_URL=http://{platform}:8080");
    docker(&[&common[..], &["--env", WORKSPACE, "--env", URL, "--env", &url, IMAGE]].concat());
    let called = async || docker(&["logs", &platform]).contains("POST /registry/register").then_some(());
    eventually("the runtime calls the platform by its name", BOUND, called).await;
}
