//! The four kinds of stops.

use platform::provisioner::{Provisioner as _, Stop};

use crate::bench::{Bench, SLEEPER, docker, launch, shell_image};

#[tokio::test]
async fn each_kind_of_stop_removes_what_it_says() {
    let Some(bench) = Bench::new() else { return };
    let launch = launch(&shell_image("sleeper", SLEEPER));
    let id = launch.workspace_id;
    let volumes = || {
        let label = format!("label=molecule.workspace={id}");
        docker(&["volume", "ls", "-q", "--filter", &label]).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let work = format!("ws-{id}-workspace");

    bench.engine.stop(id, Stop::All).await.expect("nothing runs, and so it is stopped");
    bench.engine.start(&launch).await.unwrap();
    bench.engine.stop(id, Stop::OlderThan(1)).await.unwrap();
    assert!(bench.runs(&launch).await, "it is not older than itself");
    bench.engine.stop(id, Stop::OlderThan(2)).await.unwrap();
    assert!(!bench.runs(&launch).await);

    bench.engine.start(&launch).await.unwrap();
    bench.engine.stop(id, Stop::All).await.unwrap();
    assert!(!bench.runs(&launch).await);
    assert_eq!(volumes().len(), 2, "what it has stored stays");

    bench.engine.start(&launch).await.unwrap();
    bench.engine.stop(id, Stop::AndReset).await.unwrap();
    assert_eq!(volumes(), [work], "its work stays");

    bench.engine.start(&launch).await.unwrap();
    assert!(!bench.engine.remove_network().await.unwrap(), "the network is in use");
    bench.engine.stop(id, Stop::AndRemove).await.unwrap();
    bench.engine.stop(id, Stop::AndRemove).await.expect("a repeat finds nothing to do");
    assert_eq!(volumes(), Vec::<String>::new());
    bench.finish(&[]).await;
}

#[tokio::test]
async fn a_stack_leaves_others_alone() {
    let (Some(bench), Some(other)) = (Bench::new(), Bench::new()) else { return };
    let launch = launch(&shell_image("sleeper", SLEEPER));
    let id = launch.workspace_id;
    bench.engine.start(&launch).await.unwrap();
    assert_eq!(other.engine.list().await.unwrap(), []);
    other.engine.stop(id, Stop::AndRemove).await.unwrap();
    let failure = other.engine.start(&launch).await.unwrap_err();
    assert!(failure.evidence.contains("did not make"), "{failure:?}");
    assert_eq!(other.engine.logs(id, 5).await.unwrap(), "");
    assert!(bench.runs(&launch).await);
    other.finish(&[]).await;
    bench.finish(&[id]).await;
}
