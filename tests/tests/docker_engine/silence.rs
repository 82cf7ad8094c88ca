//! An Engine that does not answer is not one that says no.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use platform::provisioner::docker::{DockerEngine, What};
use platform::provisioner::{EngineError, Provisioner as _, Stop};
use rules::engine::StartCause;
use tests::process::BOUND;
use tests::process::proxy::{Mood, Proxy};

use crate::bench::{Bench, SLEEPER, docker, launch, shell_image};

#[tokio::test]
async fn an_engine_that_hangs_or_hangs_up_never_makes_anyone_dead() {
    let Some(bench) = Bench::new() else { return };
    let proxy = Proxy::start();
    let mut settings = bench.settings.clone();
    settings.host = Some(proxy.host());
    settings.look_timeout = Duration::from_secs(1);
    settings.change_timeout = Duration::from_secs(1);
    let engine = DockerEngine::new(settings);
    let launch = launch(&shell_image("sleeper", SLEEPER));
    let id = launch.workspace_id;
    bench.engine.start(&launch).await.unwrap();
    engine.is_running(id, 1).await.expect("the proxy passes on");

    for mood in [Mood::Hang, Mood::HangUp] {
        proxy.set(mood);
        let begun = Instant::now();
        for error in [
            engine.is_running(id, 1).await.unwrap_err(),
            engine.logs(id, 1).await.unwrap_err(),
            engine.list().await.unwrap_err(),
            engine.stop(id, Stop::All).await.unwrap_err(),
            engine.ensure_network().await.unwrap_err(),
        ] {
            assert!(matches!(error, EngineError::Unreachable(_)), "{mood:?}: {error:?}");
        }
        let failure = engine.start(&launch).await.unwrap_err();
        assert_eq!(failure.cause, StartCause::EngineUnreachable, "{mood:?}: {failure:?}");
        assert!(begun.elapsed() < Duration::from_secs(12), "{mood:?}: {:?}", begun.elapsed());
    }
    proxy.set(Mood::PassOn);
    assert!(bench.runs(&launch).await);
    engine.is_running(id, 1).await.expect("and again");

    let mut absent = bench.settings.clone();
    absent.host = Some("unix:///nowhere/docker.sock".to_owned());
    let error = DockerEngine::new(absent).is_running(id, 1).await.unwrap_err();
    assert!(matches!(error, EngineError::Unreachable(_)), "{error:?}");
    bench.finish(&[id]).await;
}

#[tokio::test]
async fn the_watch_outlasts_an_engine_that_goes_away() {
    let Some(bench) = Bench::new() else { return };
    let proxy = Proxy::start();
    let mut settings = bench.settings.clone();
    settings.host = Some(proxy.host());
    let mut events = DockerEngine::new(settings).watch();
    let sleeper = shell_image("sleeper", SLEEPER);
    let (before, after) = (launch(&sleeper), launch(&sleeper));
    let first = bench.engine.start(&before).await.unwrap();
    let second = bench.engine.start(&after).await.unwrap();
    let mut until = async |id, what| {
        let seen =
            async { while events.next().await.is_some_and(|event| (event.workspace_id, event.what) != (id, what)) {} };
        tokio::time::timeout(BOUND, seen).await.unwrap_or_else(|_| panic!("{what:?} was not seen"));
    };
    until(after.workspace_id, What::Started).await;
    proxy.set(Mood::HangUp);
    docker(&["kill", &first.instance]);
    proxy.set(Mood::PassOn);
    until(before.workspace_id, What::Died(Some(137))).await;
    docker(&["kill", &second.instance]);
    until(after.workspace_id, What::Died(Some(137))).await;
    bench.finish(&[before.workspace_id, after.workspace_id]).await;
}
