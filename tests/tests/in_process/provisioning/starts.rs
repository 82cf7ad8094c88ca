//! Starts: what a runtime is given, what a failed start says, and restarts that are one however often they are asked for.

use std::time::Duration;

use rules::engine::{StartCause, StartFailure};
use serde_json::{Value, json};
use tests::ADMIN;

use super::{begun, boot, create, online, post, world};

#[tokio::test]
async fn a_managed_workspace_is_started_and_comes_online_by_its_boot_credential() {
    let world = world().await;
    let id = create(&world, &json!({ "name": "bob", "command": "cat", "tier": 1 })).await;
    let launch = world.engine.last_launch();
    assert_eq!((launch.workspace_id, launch.generation, launch.limits.memory_mb), (id, 1, 256));
    let names: Vec<_> = launch.environment(None).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 8, "its id, the platform's URL, its boot credential and no secret: {names:?}");
    let shown = world.show(&id.to_string()).await;
    assert_eq!((&shown["status"], &shown["url"]), (&json!("provisioning"), &json!("http://127.0.0.1:9/")));
    // Nobody without the credential, as the workspace never was open.
    let stranger = json!({ "id": id, "url": "http://127.0.0.1:1", "agent_card": { "name": "x" } });
    world.call("POST", "/registry/register", None, &stranger).await.expect(401);
    boot(&world, id).await;
    let shown = world.show(&id.to_string()).await;
    assert_eq!(shown["status"], "online");
    assert_eq!(shown["url"], "http://127.0.0.1:9/", "what it takes for its address is not used");
}

#[tokio::test]
async fn a_storm_of_restarts_is_one_and_one_more_where_something_changed() {
    let world = world().await;
    let (id, old) = online(&world).await;
    world.advance(Duration::from_secs(60));
    world.beat(&old, &json!({})).await.expect(200);
    for _ in 0..20 {
        post(&world, id, "restart", &Value::Null).await.expect(200);
    }
    world.settle().await;
    assert_eq!(begun(&world, id).await, 2, "created, and restarted once");
    assert_eq!(world.engine.running(id), [2], "the old generation is stopped");
    // While it starts, a setting changes and it is asked for again: one more follows.
    let path = format!("/workspaces/{id}");
    let patched = world.call("PATCH", &path, Some(ADMIN), &json!({ "tier": 1 })).await.expect(200);
    assert_eq!(patched.body["needs_restart"], true);
    for _ in 0..20 {
        post(&world, id, "restart", &Value::Null).await.expect(200);
    }
    boot(&world, id).await;
    world.advance(Duration::from_secs(11));
    world.settle().await;
    assert_eq!(begun(&world, id).await, 3);
    assert_eq!(world.engine.last_launch().tier.number(), 1);
    assert_eq!(world.engine.running(id), [3]);
}

#[tokio::test]
async fn the_old_generation_is_fenced_out() {
    let world = world().await;
    let (id, zombie) = online(&world).await;
    let old_boot = world.engine.last_launch().boot_credential.0;
    world.advance(Duration::from_secs(60));
    post(&world, id, "restart", &Value::Null).await.expect(200);
    let told = world.beat(&zombie, &json!({})).await.expect(409);
    assert_eq!((told.code(), &told.body["shutdown"]), ("stale_generation", &json!(true)));
    let again = tests::Agent { token: old_boot, ..zombie.clone() };
    assert_eq!(world.register(&again, "http://127.0.0.1:1").await.expect(409).code(), "stale_generation");
    let inbox = format!("/workspaces/{id}/inbox");
    world.call("GET", &inbox, Some(&zombie.token), &Value::Null).await.expect(401);
    world.settle().await;
    boot(&world, id).await;
    assert_eq!(world.show(&id.to_string()).await["status"], "online");
}

#[tokio::test]
async fn a_start_that_cannot_be_done_says_why_and_what_to_do() {
    let world = world().await;
    let failure = StartFailure { cause: StartCause::ImageMissing, evidence: "no image nosuch:1 on this engine".into() };
    world.engine.refuse(Some(failure));
    let id = create(&world, &json!({ "name": "bob" })).await;
    let shown = world.show(&id.to_string()).await;
    assert_eq!((&shown["status"], &shown["status_reason"]), (&json!("failed"), &json!("image_missing")));
    assert!(shown["status_reasons"][0]["evidence"].as_str().unwrap().contains("nosuch:1"));
    assert!(shown["status_reasons"][0]["hint"].as_str().unwrap().contains("image"));
    let path = format!("/workspaces/{id}/explain");
    let told = world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200);
    assert!(told.body["summary"].as_str().unwrap().contains("image_missing"), "{}", told.text);
    // Mended, a restart brings it up.
    world.engine.refuse(None);
    post(&world, id, "restart", &Value::Null).await.expect(200);
    world.settle().await;
    boot(&world, id).await;
}

#[tokio::test]
async fn an_engine_that_is_away_is_waited_for() {
    let world = world().await;
    world.engine.silence(true);
    let id = create(&world, &json!({ "name": "bob" })).await;
    let shown = world.show(&id.to_string()).await;
    assert_eq!((&shown["status"], &shown["status_reason"]), (&json!("provisioning"), &json!("engine_unreachable")));
    world.engine.silence(false);
    world.advance(Duration::from_secs(6));
    world.settle().await;
    boot(&world, id).await;
    assert_eq!(world.show(&id.to_string()).await["status_reasons"], json!([]));
}

#[tokio::test]
async fn a_job_that_was_lost_is_made_up_for_by_the_sweep() {
    let world = world().await;
    let made = world.call("POST", "/workspaces", Some(ADMIN), &json!({ "name": "bob" })).await.expect(201);
    let (client, url) = (world.platform.queues.client(), &world.platform.config.provision_queue_url);
    client.purge_queue().queue_url(url).send().await.unwrap();
    world.settle().await;
    assert_eq!(world.engine.asked(), [""; 0]);
    world.advance(Duration::from_secs(31));
    world.sweep().await;
    world.settle().await;
    let id = made.body["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.engine.running(id), [1]);
}

#[tokio::test]
async fn a_start_that_never_registers_fails_with_all_that_is_known() {
    let world = world().await;
    world.engine.write_log("starting\nno route to the platform\n");
    let id = create(&world, &json!({ "name": "bob" })).await;
    for _ in 0..11 {
        world.advance(Duration::from_secs(60));
        world.sweep().await;
        world.settle().await;
    }
    let shown = world.show(&id.to_string()).await;
    assert_eq!((&shown["status"], &shown["status_reason"]), (&json!("failed"), &json!("provision_timeout")));
    let evidence = shown["status_reasons"][0]["evidence"].as_str().unwrap();
    assert!(
        evidence.contains("its engine says that it runs") && evidence.contains("no route to the platform"),
        "{evidence}"
    );
    // A late boot of the same generation brings it back.
    boot(&world, id).await;
    assert_eq!(world.show(&id.to_string()).await["status"], "online");
}

#[tokio::test]
async fn looks_at_an_engine_that_gives_no_room_do_not_become_more() {
    let world = world().await;
    let no_room = StartFailure { cause: StartCause::NoCapacity, evidence: "no room".to_owned() };
    world.engine.refuse(Some(no_room));
    let id = create(&world, &json!({ "name": "bob" })).await;
    let mut tries = Vec::new();
    for _ in 0..8 {
        let before = world.engine.asked().len();
        for _ in 0..12 {
            world.advance(Duration::from_secs(5));
            world.sweep().await;
            // Others ask as well, each of whom would begin a series of looks of its own.
            world.platform.reconcile_soon(id).await;
            world.settle().await;
        }
        let asked = world.engine.asked();
        tries.push(asked[before..].iter().filter(|asked| asked.starts_with("start")).count());
    }
    assert!(tries[7] <= tries[1] + 2 && tries[1] >= 12, "starts a minute: {tries:?}");
    world.engine.refuse(None);
    world.advance(Duration::from_secs(6));
    world.settle().await;
    assert_eq!(world.engine.running(id), [1]);
}
