//! Deaths: seen by the lease, by the engine, by a call; acted upon once; and what an engine that says nothing does not cause.

use std::time::Duration;

use rules::engine::Exit;
use serde_json::{Value, json};
use tests::ADMIN;

use super::{begun, boot, create, online, post, world};

fn exit(code: i32) -> Exit {
    Exit { code: Some(code), log_tail: "the last line".to_owned(), ..Exit::default() }
}

#[tokio::test]
async fn a_death_is_noted_once_and_followed_by_one_restart() {
    let world = world().await;
    let (id, _) = online(&world).await;
    world.engine.kill(id, 1, exit(137));
    let said = platform::provisioner::Running::No(exit(137));
    // The same news by every way at once.
    for _ in 0..5 {
        world.platform.engine_says(id, 1, &said).await.unwrap();
        world.platform.hand_out(&platform::queues::Job::Survey).await;
        world.platform.reconcile_soon(id).await;
    }
    world.settle().await;
    let events = world.events(&id.to_string()).await;
    assert_eq!(events.iter().filter(|event| *event == "WORKSPACE_OFFLINE").count(), 1);
    assert_eq!(begun(&world, id).await, 2);
    assert_eq!(world.engine.running(id), [2]);
    boot(&world, id).await;
}

#[tokio::test]
async fn a_kill_for_memory_that_it_outlives_is_told_and_explained() {
    let world = world().await;
    let (id, _) = online(&world).await;
    assert!(world.platform.engine_killed_for_memory(id, 1).await.unwrap());
    assert!(!world.platform.engine_killed_for_memory(id, 1).await.unwrap(), "known");
    assert!(!world.platform.engine_killed_for_memory(id, 7).await.unwrap(), "of another generation");
    let shown = world.show(&id.to_string()).await;
    assert_eq!(shown["status"], "online");
    let events = world.events(&id.to_string()).await;
    assert_eq!(events.iter().filter(|event| *event == "WORKSPACE_OUT_OF_MEMORY").count(), 1);
    let path = format!("/workspaces/{id}/explain");
    let explained = world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200);
    let summary = explained.body["summary"].as_str().unwrap();
    assert!(summary.contains("out of memory at") && summary.contains("MiB in tier"), "{summary}");
}

#[tokio::test]
async fn a_crash_loop_backs_off_and_ends_with_the_reason() {
    let world = world().await;
    let id = create(&world, &json!({ "name": "bob" })).await;
    for (generation, pause) in [(1, 0), (2, 10), (3, 20), (4, 40), (5, 80)] {
        world.engine.kill(id, generation, exit(1));
        world.platform.reconcile_soon(id).await;
        world.settle().await;
        if pause > 0 {
            let shown = world.show(&id.to_string()).await;
            assert_eq!((&shown["status"], &shown["status_reason"]), (&json!("offline"), &json!("container_gone")));
            world.advance(Duration::from_secs(pause - 1));
            world.settle().await;
            assert_eq!(begun(&world, id).await, usize::try_from(generation).unwrap(), "not yet");
            world.advance(Duration::from_secs(2));
            world.settle().await;
        }
        assert_eq!(begun(&world, id).await, usize::try_from(generation).unwrap() + 1);
    }
    world.engine.kill(id, 6, exit(1));
    world.platform.reconcile_soon(id).await;
    world.settle().await;
    let shown = world.show(&id.to_string()).await;
    assert_eq!((&shown["status"], &shown["status_reason"]), (&json!("failed"), &json!("crash_loop")));
    let evidence = shown["status_reasons"][0]["evidence"].as_str().unwrap();
    assert!(evidence.contains("exited with code 1") && evidence.contains("the last line"), "{evidence}");
}

#[tokio::test]
async fn a_silent_agent_that_runs_is_restarted_late_and_a_dead_one_at_once() {
    for (dead, after) in [(true, 61), (false, 61 + 180)] {
        let world = world().await;
        let (id, _) = online(&world).await;
        if dead {
            world.engine.kill(id, 1, exit(1));
        }
        world.advance(Duration::from_secs(61));
        world.sweep().await;
        world.settle().await;
        let mut passed = 61;
        while passed < after {
            assert_eq!(begun(&world, id).await, 1, "busy is not dead, {passed} s");
            assert_eq!(world.show(&id.to_string()).await["status"], "offline");
            world.advance(Duration::from_secs(30));
            passed += 30;
            world.sweep().await;
            world.settle().await;
        }
        world.settle().await;
        assert_eq!(begun(&world, id).await, 2, "dead: {dead}");
    }
}

#[tokio::test]
async fn an_engine_that_stops_answering_kills_nobody() {
    let world = world().await;
    let (id, agent) = online(&world).await;
    world.engine.silence(true);
    for _ in 0..5 {
        world.advance(Duration::from_secs(20));
        world.beat(&agent, &json!({})).await.expect(200);
        world.sweep().await;
        world.platform.reconcile_soon(id).await;
        world.settle().await;
    }
    assert_eq!(world.show(&id.to_string()).await["status"], "online");
    assert_eq!(begun(&world, id).await, 1);
    let path = format!("/workspaces/{id}/explain");
    let told = world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200);
    assert!(told.text.contains("the engine does not answer"), "{}", told.text);
    world.call("GET", &format!("/workspaces/{id}/logs"), Some(ADMIN), &Value::Null).await.expect(503);
}

#[tokio::test]
async fn orphans_and_zombies_are_stopped_and_strangers_deaths_are_nobodys() {
    let world = world().await;
    let (id, _) = online(&world).await;
    let orphan = rules::WorkspaceId::new(uuid::Uuid::from_u128(77));
    world.engine.plant(orphan, 1);
    world.advance(Duration::from_secs(60));
    super::post(&world, id, "restart", &Value::Null).await.expect(200);
    world.settle().await;
    world.engine.plant(id, 1);
    world.platform.hand_out(&platform::queues::Job::Survey).await;
    world.settle().await;
    assert_eq!(world.engine.running(orphan), [0; 0], "an orphan is removed");
    assert_eq!(world.engine.running(id), [2], "a zombie is stopped");
    let dead = platform::provisioner::Running::No(exit(1));
    assert!(!world.platform.engine_says(id, 1, &dead).await.unwrap(), "the death of the old is no news");
}

/// Nobody knows whether it is to run.
#[tokio::test]
async fn what_runs_for_a_record_that_cannot_be_read_is_no_orphan() {
    let world = world().await;
    let (id, _) = online(&world).await;
    crate::unreadable::spoil(&world, &format!("WS#{id}"), "META", "created_at").await;
    let orphan = rules::WorkspaceId::new(uuid::Uuid::from_u128(77));
    world.engine.plant(orphan, 1);
    world.platform.hand_out(&platform::queues::Job::Survey).await;
    world.settle().await;
    assert_eq!(world.engine.running(orphan), [0; 0]);
    assert_eq!(world.engine.running(id), [1]);
}

#[tokio::test]
async fn a_delete_stops_and_removes_all_that_runs() {
    let world = world().await;
    let (id, _) = online(&world).await;
    world.engine.silence(true);
    world.call("DELETE", &format!("/workspaces/{id}"), Some(ADMIN), &Value::Null).await.expect(200);
    world.settle().await;
    assert_eq!(world.engine.running(id), [1]);
    // What could not be stopped is tried again.
    world.engine.silence(false);
    world.advance(Duration::from_secs(6));
    world.settle().await;
    assert_eq!(world.engine.running(id), [0; 0]);
    assert_eq!(world.show(&id.to_string()).await["status"], "removed");
}

#[tokio::test]
async fn one_that_died_below_a_paused_one_is_looked_at_by_the_sweep_alone() {
    let world = world().await;
    let (parent, _) = online(&world).await;
    let (child, _) = online(&world).await;
    post(&world, parent, "pause", &Value::Null).await.expect(200);
    let below = json!({ "parent_id": parent });
    world.call("PATCH", &format!("/workspaces/{child}"), Some(ADMIN), &below).await.expect(200);
    world.engine.kill(child, 1, exit(1));
    world.platform.reconcile_soon(child).await;
    // Ends: no job asks for the next one at once.
    world.settle().await;
    assert_eq!(begun(&world, child).await, 1);
    post(&world, parent, "resume", &Value::Null).await.expect(200);
    world.advance(Duration::from_secs(61));
    world.sweep().await;
    world.settle().await;
    assert_eq!(world.engine.running(child), [2]);
}

#[tokio::test]
async fn one_that_was_silent_and_beats_again_is_asked_for_no_more() {
    let world = world().await;
    let (id, agent) = online(&world).await;
    let asked =
        async || world.platform.store.due("provision", world.platform.now() + Duration::from_secs(3600)).await.unwrap();
    world.advance(Duration::from_secs(61));
    world.sweep().await;
    world.settle().await;
    assert_eq!(world.show(&id.to_string()).await["status"], "offline");
    assert_eq!(asked().await, [id]);
    world.beat(&agent, &json!({})).await.expect(200);
    assert_eq!(world.show(&id.to_string()).await["status"], "online");
    assert_eq!(asked().await, []);
    // One that was left over is struck by the look that it leads to.
    let now = world.platform.now();
    world.platform.store.transaction().expect_provisioned(id, now).commit().await.unwrap();
    world.sweep().await;
    world.settle().await;
    assert_eq!(asked().await, []);
}

#[tokio::test]
async fn one_that_its_engine_has_forgotten_is_taken_for_silent() {
    let world = world().await;
    let (id, _) = online(&world).await;
    world.engine.forget(true);
    for _ in 0..5 {
        world.advance(Duration::from_secs(61));
        world.sweep().await;
        world.settle().await;
    }
    assert_eq!(begun(&world, id).await, 2);
    assert_eq!(world.engine.last_launch().generation, 2);
}
