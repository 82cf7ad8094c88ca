//! measure
use std::time::Instant;
use serde_json::{Value, json};
use tests::{ADMIN, World};
#[tokio::test]
async fn measure() {
    let t = Instant::now();
    let world = World::new().await;
    println!("world {:?}", t.elapsed());
    for round in 0..4 {
        let t = Instant::now();
        let mut last = None;
        for _ in 0..20 { last = Some(world.online("a", "http://127.0.0.1:9/").await); }
        let agent = last.unwrap();
        println!("{round} 20 online {:?} {:?}", t.elapsed(), world.gate.take_operations().len());
        let t = Instant::now();
        for _ in 0..20 { world.beat(&agent, &json!({})).await.expect(200); }
        println!("20 beats {:?} {:?}", t.elapsed(), world.gate.take_operations());
        let t = Instant::now();
        for _ in 0..20 { world.platform.store.token("x").await.unwrap(); }
        println!("20 gets {:?} {:?}", t.elapsed(), world.gate.take_operations().len());
        let t = Instant::now();
        world.table().await;
        println!("table {:?} {:?}", t.elapsed(), world.gate.take_operations());
        let t = Instant::now();
        world.sweep().await;
        println!("sweep {:?} {:?}", t.elapsed(), world.gate.take_operations().len());
        let t = Instant::now();
        world.sound(&agent.id).await;
        println!("sound {:?} {:?}", t.elapsed(), world.gate.take_operations().len());
        let t = Instant::now();
        world.call("DELETE", &format!("/workspaces/{}", agent.id), Some(ADMIN), &Value::Null).await.expect(200);
        println!("delete {:?} {:?}", t.elapsed(), world.gate.take_operations().len());
    }
}
