//! The sweep against those who are alive after all.

use std::time::Duration;

use rules::Status;
use rules::event::EventType;
use serde_json::json;
use tests::Answer;

use super::{URL, delete, each_seed, one_of, racer};

#[tokio::test]
async fn a_proof_of_life_during_the_sweep_leaves_nobody_offline() {
    each_seed(async |world, seed| {
        let agent = world.online("a", URL).await;
        world.advance(Duration::from_secs(61));
        let sweep = async {
            world.sweep().await;
            None
        };
        let alive = async {
            let answer: Answer = match seed & 4 {
                0 => world.beat(&agent, &json!({})).await,
                _ => world.register(&agent, URL).await,
            };
            Some(answer)
        };
        let answers = world.gate.race(seed, vec![racer(sweep), racer(alive)]).await;
        one_of(answers[1].as_ref().unwrap(), &[200]);
        let seen = world.sound(&agent.id).await;
        assert_eq!(seen.status(world), Status::Online);
        assert!(seen.count(EventType::WorkspaceOffline) <= 1);
        assert_eq!(seen.count(EventType::WorkspaceOnline), 2, "each arrival is told");
        delete(world, &agent.id).await.expect(200);
    })
    .await;
}
