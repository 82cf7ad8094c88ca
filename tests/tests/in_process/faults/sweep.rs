//! The sweep under faults: what one round could not do, the next one does, once.

use std::time::Duration;

use rules::Status;
use rules::event::EventType;
use tests::{Agent, Fault, World};

use super::{from, once};

async fn silent() -> (World, Agent) {
    let world = World::new().await;
    let agent = world.online("a", "http://127.0.0.1:9/").await;
    world.advance(Duration::from_secs(61));
    world.gate.take_operations();
    (world, agent)
}

async fn offline(world: &World, agent: &Agent) -> bool {
    let seen = world.sound(&agent.id).await;
    let offline = seen.record.status == Status::Offline;
    assert_eq!(seen.count(EventType::WorkspaceOffline), usize::from(offline));
    offline
}

#[tokio::test]
async fn a_sweep_marks_once_whatever_fails() {
    let (world, agent) = silent().await;
    world.sweep().await;
    let requests = world.gate.take_operations().len();
    assert!(offline(&world, &agent).await);
    for n in 1..=requests {
        for fault in [Fault::Timeout, Fault::LostAnswer] {
            let (world, agent) = silent().await;
            world.gate.inject(once(n, fault));
            world.sweep().await;
            world.gate.heal();
            assert!(offline(&world, &agent).await, "{fault:?} at {n}");

            let (world, agent) = silent().await;
            world.gate.inject(from(n, fault));
            world.sweep().await;
            world.gate.heal();
            offline(&world, &agent).await;
            world.sweep().await;
            assert!(offline(&world, &agent).await, "{fault:?} from {n}");
            assert_eq!(world.show(&agent.id).await["status"], "offline");
        }
    }
}
