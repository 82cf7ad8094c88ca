//! The tree while it is pruned: no live workspace is left below a removed one, and none is deleted unasked.

use rules::Status;
use serde_json::{Value, json};
use tests::{ADMIN, Answer, World};

use super::{delete, each_seed, one_of, racer, two};

async fn create_below(world: &World, parent: &str) -> Answer {
    let body = json!({ "name": "child", "external": true, "parent_id": parent });
    world.call("POST", "/workspaces", Some(ADMIN), &body).await
}

async fn move_below(world: &World, id: &str, parent: &str) -> Answer {
    world.call("PATCH", &format!("/workspaces/{id}"), Some(ADMIN), &json!({ "parent_id": parent })).await
}

async fn status(world: &World, id: &str) -> Status {
    world.sound(id).await.record.status
}

#[tokio::test]
async fn a_workspace_that_moves_below_what_is_deleted_goes_with_it_or_stays_away() {
    each_seed(async |world, seed| {
        let (parent, child) = (world.external("parent").await.id, world.external("child").await.id);
        let [deleted, moved] = two(world, seed, delete(world, &parent), move_below(world, &child, &parent)).await;
        one_of(&deleted, &[200]);
        one_of(&moved, &[200, 404]);
        assert_eq!(status(world, &parent).await, Status::Removed);
        let gone = status(world, &child).await == Status::Removed;
        assert_eq!(gone, moved.status == 200);
        assert_eq!(deleted.body["cascade_deleted"], i32::from(gone));
    })
    .await;
}

#[tokio::test]
async fn a_child_that_is_created_below_what_is_deleted_goes_with_it_or_is_refused() {
    each_seed(async |world, seed| {
        let parent = world.external("parent").await.id;
        let [deleted, created] = two(world, seed, delete(world, &parent), create_below(world, &parent)).await;
        one_of(&deleted, &[200]);
        one_of(&created, &[201, 404]);
        assert_eq!(status(world, &parent).await, Status::Removed);
        if let Some(child) = created.body["id"].as_str() {
            assert_eq!(status(world, child).await, Status::Removed);
            assert!(world.platform.store.tokens_of(child.parse().unwrap()).await.unwrap().is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn no_child_is_deleted_without_confirmation() {
    each_seed(async |world, seed| {
        let (parent, other) = (world.external("parent").await.id, world.external("other").await.id);
        let path = format!("/workspaces/{parent}");
        let plain = world.call("DELETE", &path, Some(ADMIN), &Value::Null);
        let [deleted, added] = if seed % 2 == 0 {
            two(world, seed, plain, create_below(world, &parent)).await
        } else {
            two(world, seed, plain, move_below(world, &other, &parent)).await
        };
        one_of(&deleted, &[200, 409]);
        one_of(&added, &[200, 201, 404]);
        assert_eq!(deleted.status == 200, added.status == 404, "{} {}", deleted.body, added.body);
        assert_eq!(status(world, &parent).await == Status::Removed, deleted.status == 200);
        let child = added.body["id"].as_str().unwrap_or(&other);
        assert_eq!(status(world, child).await, Status::AwaitingAgent);
    })
    .await;
}

#[tokio::test]
async fn moves_that_would_close_a_circle_together_do_not() {
    each_seed(async |world, seed| {
        let (a, c) = (world.external("a").await.id, world.external("c").await.id);
        let b = world.external_below("b", Some(&c)).await.id;
        let mut racers = vec![racer(move_below(world, &a, &b)), racer(move_below(world, &c, &a))];
        if seed % 2 == 0 {
            racers.push(racer(move_below(world, &b, &a)));
        }
        let moves = world.gate.race(seed, racers).await;
        moves.iter().for_each(|moved| one_of(moved, &[200, 409]));
        assert!(moves.iter().any(|moved| moved.status == 200));
        let mut above = Some(a);
        for _ in 0..3 {
            let Some(id) = above else { return };
            above = world.sound(&id).await.record.parent_id.map(|id| id.to_string());
        }
        assert_eq!(above, None, "a circle");
    })
    .await;
}
