//! Starts: once, again, over an older one, and those that cannot be.

use std::time::Instant;

use platform::provisioner::{Provisioner as _, Running};
use rules::engine::StartCause;
use rules::tier::Tier;
use tests::process::{BOUND, eventually};

use crate::bench::{Bench, IMAGE, SLEEPER, docker, launch, shell_image};

#[tokio::test]
async fn the_runtime_listens_soon_after_its_start_and_a_repeat_finds_it() {
    let Some(bench) = Bench::new() else { return };
    for tier in [Tier::Sandboxed, Tier::Standard, Tier::FullHost] {
        let mut launch = launch(IMAGE);
        launch.tier = tier;
        let begun = Instant::now();
        let started = bench.engine.start(&launch).await.unwrap();
        let returned = begun.elapsed();
        let url = started.url.clone().expect("a published port");
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        let card = format!("{url}/.well-known/agent-card.json");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answers = async || client.get(&card).send().await.ok().map(|answer| answer.status());
        let status = eventually("the runtime answers", BOUND, answers).await;
        assert!(status.as_u16() < 500, "{status}");
        eprintln!("tier {tier}: start() took {returned:?}, the runtime listens after {:?}", begun.elapsed());

        assert_eq!(bench.engine.start(&launch).await.unwrap(), started, "a start that was done is found done");
        let running = bench.engine.is_running(launch.workspace_id, 1).await.unwrap();
        assert_eq!(running, Running::Yes { url: Some(url) });
        let listed = bench.engine.list().await.unwrap();
        let listed = listed.iter().find(|instance| instance.workspace_id == launch.workspace_id).unwrap();
        assert_eq!((&listed.instance, listed.generation), (&started.instance, 1));
        let said = async || {
            let log = bench.engine.logs(launch.workspace_id, 100).await.unwrap();
            log.contains("127.0.0.1:9").then_some(log)
        };
        let log = eventually("the runtime says which platform it does not reach", BOUND, said).await;
        assert!(!log.contains("boot-credential-of-a-test"));
        bench.engine.stop(launch.workspace_id, platform::provisioner::Stop::AndRemove).await.unwrap();
    }
    bench.finish(&[]).await;
}

#[tokio::test]
async fn a_newer_generation_takes_the_place_and_the_volumes_of_an_older_one() {
    let Some(bench) = Bench::new() else { return };
    let script =
        format!("cat /configs/kept /workspace/kept; echo kept > /configs/kept; echo work > /workspace/kept; {SLEEPER}");
    let mut launch = launch(&shell_image("keeper", &script));
    let first = bench.engine.start(&launch).await.unwrap();
    let id = launch.workspace_id;
    let written = async || bench.engine.logs(id, 10).await.unwrap().contains("sleeping").then_some(());
    eventually("the first has written", BOUND, written).await;

    launch.generation = 2;
    let second = bench.engine.start(&launch).await.unwrap();
    assert_ne!(first.instance, second.instance);
    let read = async || bench.engine.logs(id, 10).await.unwrap().contains("kept\nwork").then_some(());
    eventually("the second reads what the first wrote", BOUND, read).await;
    let Running::No(exit) = bench.engine.is_running(id, 1).await.unwrap() else { panic!("the first is gone") };
    assert_eq!(exit.message, "its container is of generation 2");

    // As a platform leaves it that was killed between two calls.
    docker(&["rm", "-f", &second.instance]);
    let body = ["create", "--name", &format!("ws-{}", &id.to_string()[..12])];
    let labels = [
        "--label=molecule.platform.managed=true".to_owned(),
        format!("--label=molecule.stack={}", bench.settings.stack),
        format!("--label=molecule.workspace={id}"),
        "--label=molecule.generation=2".to_owned(),
    ];
    let labels: Vec<_> = labels.iter().map(String::as_str).collect();
    let made = docker(&[&body[..], &labels, &[&launch.image]].concat());
    assert_eq!(bench.engine.start(&launch).await.unwrap().instance, made, "one that was made is started");
    assert!(bench.runs(&launch).await);
    bench.finish(&[id]).await;
}

#[tokio::test]
async fn a_start_that_cannot_be_says_why_and_leaves_nothing() {
    let Some(bench) = Bench::new() else { return };
    let refused = |image: &str, change: fn(&mut platform::provisioner::Launch)| {
        let mut launch = launch(image);
        change(&mut launch);
        launch
    };
    for (launch, cause, evidence) in [
        (
            refused("molecule-absent:latest", |_| ()),
            StartCause::ImageMissing,
            "the image molecule-absent:latest is not there",
        ),
        (
            refused("127.0.0.1:9/absent", |_| ()),
            StartCause::ImageMissing,
            "the image 127.0.0.1:9/absent is not there and cannot be pulled",
        ),
        (refused(IMAGE, |launch| launch.limits.memory_mb = 1), StartCause::Refused, "emory"),
        (
            refused(IMAGE, |launch| {
                launch.workspace_dir = Some("/srv/molecule-absent".to_owned());
                launch.workspace_access = rules::field::WorkspaceAccess::ReadOnly;
            }),
            StartCause::Refused,
            "/srv/molecule-absent",
        ),
    ] {
        let failure = bench.engine.start(&launch).await.unwrap_err();
        assert_eq!(failure.cause, cause, "{failure:?}");
        assert!(failure.evidence.contains(evidence), "{failure:?}");
        assert!(!failure.evidence.contains("boot-credential"), "{failure:?}");
    }
    // A file where a directory is: the Engine notices when the container, which is made by then, is to run.
    let mut launch = launch(IMAGE);
    launch.workspace_dir = Some(tests::process::workspace_root().join("Cargo.toml").display().to_string());
    launch.workspace_access = rules::field::WorkspaceAccess::ReadOnly;
    let failure = bench.engine.start(&launch).await.unwrap_err();
    assert_eq!(failure.cause, StartCause::Refused, "{failure:?}");
    assert_eq!(bench.engine.list().await.unwrap(), []);
    assert!(bench.engine.remove_network().await.unwrap());
    assert_eq!(bench.left(), "", "no volume either, without a stop");
    bench.finish(&[]).await;
}
