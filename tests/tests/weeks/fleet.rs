//! One fleet, for some weeks.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rules::{ScheduleId, Status, Timestamp, WorkspaceId};
use serde_json::{Value, json};
use tests::{ADMIN, Agent, FakeAgent, Mood, World};

use crate::check::{Count, Era, Watched, check};

const EXPRESSIONS: [&str; 9] = [
    "0 * * * *",
    "*/30 * * * *",
    "*/10 8-17 * * 1-5",
    "30 2 * * *",
    "0 9 * * MON",
    "0 */6 * * *",
    "15 3 1,15 * *",
    "0 0 * * *",
    "* 4 * * *",
];
const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"];
const JITTERS: [u32; 4] = [0, 0, 45, 900];
const OVERLAPS: [&str; 5] = ["coalesce", "coalesce", "skip", "buffer_all", "cancel_running"];
const CATCHUPS: [&str; 4] = ["latest", "latest", "none", "all"];
/// Things that happen to one fleet.
const EVENTS: usize = 30;

pub struct Fleet {
    pub world: World,
    agents: Vec<(Agent, FakeAgent)>,
    busy: Vec<bool>,
    pub watched: Vec<Watched>,
    random: StdRng,
    pub count: Count,
}

/// Runs one fleet to its end and checks it.
///
/// # Panics
/// With the seed and what was wrong.
pub async fn run(seed: u64) -> Count {
    let mut fleet = Fleet::new(seed).await;
    for _ in 0..EVENTS {
        fleet.happen().await;
        fleet.check_waiting(seed).await;
    }
    fleet.end().await;
    check(seed, &fleet).await
}

impl Fleet {
    async fn new(seed: u64) -> Self {
        let world = World::new().await;
        let mut fleet = Self {
            world,
            agents: Vec::new(),
            busy: Vec::new(),
            watched: Vec::new(),
            random: StdRng::seed_from_u64(seed),
            count: Count::default(),
        };
        for name in ["ann", "bob"] {
            let answers = FakeAgent::start(Mood::Answer("{}".into())).await;
            let agent = fleet.world.online(name, &answers.url).await;
            fleet.agents.push((agent, answers));
            fleet.busy.push(false);
        }
        for place in 0..fleet.random.random_range(2..=5) {
            fleet.create(place % 2).await;
        }
        fleet
    }

    fn settings(&mut self) -> Value {
        let random = &mut self.random;
        let expression = EXPRESSIONS.choose(random);
        let zone = ZONES.choose(random);
        let jitter = JITTERS.choose(random);
        json!({ "cron_expr": expression, "timezone": zone, "jitter_seconds": jitter })
    }

    async fn create(&mut self, owner: usize) {
        let mut body = self.settings();
        body["name"] = json!(format!("schedule {}", self.watched.len()));
        body["prompt"] = json!("look");
        let (overlap, catchup) = (OVERLAPS.choose(&mut self.random), CATCHUPS.choose(&mut self.random));
        (body["overlap"], body["catchup"]) = (json!(overlap), json!(catchup));
        let workspace = self.agents[owner].0.id.clone();
        let made = self
            .world
            .call("POST", &format!("/workspaces/{workspace}/schedules"), Some(ADMIN), &body)
            .await
            .expect(201);
        let id: ScheduleId = made.body["id"].as_str().unwrap().parse().unwrap();
        let workspace: WorkspaceId = workspace.parse().unwrap();
        let record = self.world.platform.store.schedule(workspace, id).await.unwrap().unwrap();
        let era = Era::of(&record, self.world.platform.now());
        self.watched.push(Watched { workspace, id, owner, eras: vec![era] });
    }

    async fn happen(&mut self) {
        match self.random.random_range(0..100) {
            0..60 => self.await_next_fire().await,
            60..68 => self.outage().await,
            68..80 => self.edit().await,
            80..88 => self.toggle_busy().await,
            88..94 => self.toggle_pause().await,
            _ => {
                // A tick that is lost: time goes by, and nobody looks.
                let seconds = self.random.random_range(60..7200);
                self.world.advance(Duration::from_secs(seconds));
                self.count.lost_ticks += 1;
            }
        }
    }

    /// Time goes on to the next fire, with the tick before it, sometimes twice or at once.
    async fn await_next_fire(&mut self) {
        let now = self.world.platform.now();
        let mut next = None;
        for watched in &self.watched {
            let record = self.world.platform.store.schedule(watched.workspace, watched.id).await.unwrap().unwrap();
            next = [next, record.due()].into_iter().flatten().min();
        }
        let due = next.map_or(Duration::from_secs(600), |due: Timestamp| due.since(now));
        let ahead = Duration::from_secs(self.random.random_range(0..100));
        self.world.advance(due.saturating_sub(ahead));
        self.tick().await;
        self.world.advance(ahead + Duration::from_secs(self.random.random_range(0..30)));
        self.beat().await;
        self.world.settle().await;
    }

    async fn tick(&mut self) {
        let event = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
        match self.random.random_range(0..6) {
            0 => {
                tokio::join!(self.world.invoke("tick", &event), self.world.invoke("tick", &event));
                self.count.double_ticks += 1;
            }
            1 => {
                self.world.invoke("tick", &event).await;
                self.world.settle().await;
                self.world.invoke("tick", &event).await;
                self.count.double_ticks += 1;
            }
            _ => drop(self.world.invoke("tick", &event).await),
        }
    }

    async fn outage(&mut self) {
        let seconds = self.random.random_range(600..90 * 3600);
        self.world.advance(Duration::from_secs(seconds));
        self.count.outages += 1;
        self.tick().await;
        self.world.advance(Duration::from_secs(1));
        self.beat().await;
        self.sweep().await;
        self.world.settle().await;
    }

    /// The other rule of each minute: what lies too long, it settles or sends again.
    async fn sweep(&self) {
        let event = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
        self.world.invoke("sweep", &event).await;
    }

    async fn edit(&mut self) {
        let place = self.random.random_range(0..self.watched.len());
        let body = match self.random.random_range(0..4) {
            0 => json!({ "enabled": self.random.random_bool(0.5) }),
            1 => json!({ "prompt": "look again" }),
            _ => self.settings(),
        };
        let (workspace, id) = (self.watched[place].workspace, self.watched[place].id);
        let path = format!("/workspaces/{workspace}/schedules/{id}");
        self.world.call("PATCH", &path, Some(ADMIN), &body).await.expect(200);
        let record = self.world.platform.store.schedule(workspace, id).await.unwrap().unwrap();
        let now = self.world.platform.now();
        let before = self.watched[place].eras.last_mut().unwrap();
        if record.revision != before.revision {
            before.until = Some(now);
            self.watched[place].eras.push(Era::of(&record, now));
        }
        self.count.edits += 1;
    }

    async fn toggle_busy(&mut self) {
        let place = self.random.random_range(0..self.busy.len());
        self.busy[place] = !self.busy[place];
        self.beat().await;
        self.world.settle().await;
    }

    async fn toggle_pause(&mut self) {
        let place = self.random.random_range(0..self.agents.len());
        let id: WorkspaceId = self.agents[place].0.id.parse().unwrap();
        let store = &self.world.platform.store;
        let record = store.workspace(id).await.unwrap().unwrap();
        let status = if record.status == Status::Paused { Status::Offline } else { Status::Paused };
        let changed = rules::workspace::Workspace { status, version: record.version + 1, ..record };
        store.transaction().put_workspace(&changed).delete_lease(id).commit().await.unwrap();
        self.count.pauses += 1;
        self.beat().await;
        self.world.settle().await;
    }

    /// Every agent beats; a paused one is answered and goes on.
    async fn beat(&self) {
        for ((agent, _), busy) in self.agents.iter().zip(&self.busy) {
            self.world.beat(agent, &json!({ "active_tasks": u32::from(*busy) })).await.expect(200);
        }
    }

    /// Under all policies but one, at most one fire of a schedule waits.
    async fn check_waiting(&self, seed: u64) {
        for watched in &self.watched {
            let record = self.world.platform.store.schedule(watched.workspace, watched.id).await.unwrap().unwrap();
            let waiting = record.open.iter().filter(|open| !open.running).count();
            let most = if record.policy.overlap == rules::schedule::Overlap::BufferAll { 20 } else { 1 };
            assert!(waiting <= most, "seed {seed}: {waiting} fires of {} wait", watched.id);
        }
    }

    /// Nobody is busy or paused, and all that waits is served.
    async fn end(&mut self) {
        for busy in &mut self.busy {
            *busy = false;
        }
        for place in 0..self.agents.len() {
            let id: WorkspaceId = self.agents[place].0.id.parse().unwrap();
            let store = &self.world.platform.store;
            let record = store.workspace(id).await.unwrap().unwrap();
            if record.status == Status::Paused {
                let online =
                    rules::workspace::Workspace { status: Status::Offline, version: record.version + 1, ..record };
                store.transaction().put_workspace(&online).commit().await.unwrap();
            }
        }
        for _ in 0..3 {
            self.tick().await;
            self.world.advance(Duration::from_secs(1));
            self.beat().await;
            self.sweep().await;
            self.world.settle().await;
        }
    }
}
