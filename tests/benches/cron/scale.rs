//! What a tick costs: by the number of schedules, and by how many of them are due.

use std::time::{Duration, Instant};

use rules::cron::Cron;
use rules::schedule::Schedule;
use rules::{ScheduleId, Timestamp, WorkspaceId};
use serde_json::json;
use tests::World;
use uuid::Uuid;

/// Schedules that one transaction takes.
const BATCH: usize = 100;

pub async fn run(most: usize) {
    println!("a tick, by schedules and those due within two minutes:");
    for (schedules, due) in [(1_000, 1_000), (10_000, 1_000), (100_000, 1_000), (100_000, 100), (100_000, 10)] {
        if schedules > most {
            continue;
        }
        let world = World::new().await;
        fill(&world, schedules, due).await;
        world.gate.take_operations();
        let begin = Instant::now();
        let event = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
        world.invoke("tick", &event).await;
        let took = begin.elapsed().as_secs_f64() * 1000.0;
        let operations = world.gate.take_operations();
        let queries = operations.iter().filter(|name| *name == "Query").count();
        let batches = operations.iter().filter(|name| *name == "SendMessageBatch").count();
        println!(
            "  {schedules:>6} schedules, {due:>4} due: {:>3} requests ({queries} queries, {batches} batches of reminders), {took:>5.0} ms",
            operations.len(),
        );
    }
}

async fn fill(world: &World, schedules: usize, due: usize) {
    let now = world.platform.now();
    let later = now + Duration::from_secs(86_400);
    let numbers: Vec<usize> = (0..schedules).collect();
    for batch in numbers.chunks(BATCH) {
        let mut transaction = world.platform.store.transaction();
        for number in batch {
            let next = if *number < due { now + Duration::from_secs(60) } else { later };
            transaction = transaction.create_schedule(&schedule(next, now));
        }
        transaction.commit().await.unwrap();
    }
}

fn schedule(next_fire: Timestamp, now: Timestamp) -> Schedule {
    let (id, workspace) = (ScheduleId::new(Uuid::new_v4()), WorkspaceId::new(Uuid::new_v4()));
    let cron = Cron::new("0 0 * * *", "UTC").unwrap();
    Schedule { next_fire: Some(next_fire), ..Schedule::new(id, workspace, "check".to_owned(), &cron, now) }
}
