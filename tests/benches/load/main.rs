//! The load program: heartbeat, register and GET over HTTP against the whole platform in this process, its data in a
//! file and synced at every write; and beside each the bare engine's figure for the same DynamoDB request, so that our
//! own share of the time shows.
//!
//! `cargo bench -p tests`, `BENCH_SECONDS=1` for a short form. It stops by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a broken bench must stop")]

mod client;
mod engine;
mod figures;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Target;
use crate::figures::Figures;

const WORKSPACES: usize = 64;

/// The existing Go platform on Postgres and Redis, same load, same kind of machine: requests per second.
const GO_PLATFORM: [(&str, usize, &str); 6] = [
    ("heartbeat", 1, "90"),
    ("heartbeat", 32, "450-490"),
    ("register", 1, "-"),
    ("register", 32, "370"),
    ("GET", 1, "-"),
    ("GET", 32, "1450-1950"),
];

fn main() {
    let seconds: f64 = std::env::var("BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4.0);
    let length = Duration::from_secs_f64(seconds.clamp(0.2, 60.0));
    let data = tempfile::tempdir().unwrap();
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let options = local::Options { data: local::Data::Directory(data.path().join("data")), ..local::Options::memory() };
    let running = server.block_on(local::start(options)).unwrap();
    let load = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let target = Target { address: running.address(), admin: running.admin_token().to_owned() };
    println!(
        "64 workspaces, file-backed and fully synced, {} s per row, 2 cores shared with the load",
        length.as_secs_f64()
    );
    println!("{}", Figures::head());
    load.block_on(async {
        let agents = prepare(&target).await;
        for (name, requests) in [
            ("heartbeat", heartbeats(&agents)),
            ("register", registers(&agents)),
            ("GET", reads(&agents, &target.admin)),
        ] {
            for connections in [1, 32] {
                let ours = client::run(target.address, Arc::clone(&requests), connections, length).await;
                let table = &running.platform().config.table_name;
                let bare = engine::run(name, running.endpoints(), table, &agents, connections, length).await;
                let go = GO_PLATFORM.iter().find(|row| row.0 == name && row.1 == connections).map_or("-", |row| row.2);
                println!("{}", ours.row(name, connections, &bare, go));
            }
        }
    });
    server.block_on(running.stop());
}

/// A workspace and its token.
pub(crate) struct Agent {
    pub(crate) id: String,
    pub(crate) token: String,
}

async fn prepare(target: &Target) -> Arc<Vec<Agent>> {
    let mut agents = Vec::new();
    for number in 0..WORKSPACES {
        let body = json!({ "name": format!("bench-{number}"), "external": true });
        let made = target.call("POST", "/workspaces", &target.admin, &body).await;
        let agent = Agent {
            id: made["id"].as_str().unwrap().to_owned(),
            token: made["connection"]["auth_token"].as_str().unwrap().to_owned(),
        };
        target.call("POST", "/registry/register", &agent.token, &registration(&agent.id)).await;
        agents.push(agent);
    }
    // The first beats settle what registering raised, so that the measured ones are steady.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    for agent in &agents {
        target.call("POST", "/registry/heartbeat", &agent.token, &json!({ "workspace_id": agent.id })).await;
    }
    tokio::time::sleep(Duration::from_millis(2500)).await;
    Arc::new(agents)
}

fn registration(id: &str) -> Value {
    json!({ "id": id, "url": "http://127.0.0.1:9/", "agent_card": {
        "name": "bench", "description": "a bench agent", "version": "1", "url": "http://127.0.0.1:9/",
        "skills": [{ "id": "echo", "name": "echo", "description": "echoes", "tags": ["echo"] }],
    }})
}

type Requests = Arc<Vec<Vec<u8>>>;

fn heartbeats(agents: &[Agent]) -> Requests {
    let beat = |agent: &Agent| {
        let body = json!({ "workspace_id": agent.id, "error_rate": 0.0, "active_tasks": 0, "uptime_seconds": 60,
            "current_task": "", "runtime_metadata": { "capabilities": { "message_dedup": true } },
            "register_state": { "ok": true, "last_code": 200, "attempts": 0 } });
        client::request("POST", "/registry/heartbeat", &agent.token, &body)
    };
    Arc::new(agents.iter().map(beat).collect())
}

fn registers(agents: &[Agent]) -> Requests {
    let register =
        |agent: &Agent| client::request("POST", "/registry/register", &agent.token, &registration(&agent.id));
    Arc::new(agents.iter().map(register).collect())
}

fn reads(agents: &[Agent], admin: &str) -> Requests {
    let read = |agent: &Agent| client::request("GET", &format!("/workspaces/{}", agent.id), admin, &Value::Null);
    Arc::new(agents.iter().map(read).collect())
}
