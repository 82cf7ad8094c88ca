//! A seed's small world: a family of agents and a stranger, and rounds of things that happen at once.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use platform::clock::Clock;
use platform::queues::Reminder;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tests::{ADMIN, World};

use crate::agent::Worker;
use crate::faults::{self, Count};
use crate::history::{End, Event, Promise, Recorder, Seen, Sent};

/// What one seed saw.
pub(crate) struct Outcome {
    pub(crate) history: Vec<Seen>,
    pub(crate) ends: Vec<End>,
    pub(crate) promises: Vec<Promise>,
    pub(crate) deliveries: usize,
    pub(crate) still_open: usize,
}

struct Stage<'w> {
    world: &'w World,
    recorder: Recorder,
    workers: Vec<Worker>,
    stranger: Worker,
    sent: Vec<(Sent, Value, String)>,
}

type Racer<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Plays a seed.
pub(crate) async fn play(world: &World, seed: u64, count: &Count) -> Outcome {
    let mut rng = StdRng::seed_from_u64(seed);
    let recorder = Recorder::default();
    let parent = Worker::new(world, &recorder, "parent", None, true, seed).await;
    let below = Some(parent.id.as_str());
    let push = Worker::new(world, &recorder, "push", below, true, seed + 1).await;
    let poll = Worker::new(world, &recorder, "poll", below, false, seed + 2).await;
    let stranger = Worker::new(world, &recorder, "stranger", None, true, seed + 3).await;
    let mut promises = Vec::new();
    for worker in [&parent, &push, &poll, &stranger] {
        let capacity = rng.random_range(1..=2_usize);
        let patch = json!({ "max_concurrent_tasks": capacity });
        world.call("PATCH", &format!("/workspaces/{}", worker.id), Some(ADMIN), &patch).await.expect(200);
        worker.beat(world).await;
        promises.push(Promise { id: worker.id.clone(), capacity, again: worker.url.is_none() });
    }
    let mut stage = Stage { world, recorder, workers: vec![parent, push, poll], stranger, sent: Vec::new() };
    faults::inject(world, seed, count);
    for round in 0..rng.random_range(6..12) {
        stage.round(&mut rng, seed, round, count).await;
    }
    world.gate.heal();
    stage.finish().await;
    let ends = stage.ends().await;
    let deliveries = stage.workers.iter().chain([&stage.stranger]).map(Worker::calls).sum();
    let still_open = ends.iter().filter(|end| end.open).count();
    Outcome { history: stage.recorder.take(), ends, promises, deliveries, still_open }
}

impl Stage<'_> {
    /// Some sends, and two or three other things, all at once; then some time.
    async fn round(&mut self, rng: &mut StdRng, seed: u64, round: usize, count: &Count) {
        for number in 0..rng.random_range(0..3) {
            let send = self.draw_send(rng, &format!("m{seed}.{round}.{number}"));
            self.sent.push(send);
        }
        let newest = self.sent.len().saturating_sub(3);
        let mut racers: Vec<Racer<'_>> = Vec::new();
        for send in &self.sent[newest..] {
            if rng.random_bool(0.6) {
                racers.push(Box::pin(self.send(send)));
            }
        }
        for _ in 0..rng.random_range(1..4) {
            racers.push(self.draw(rng, count));
        }
        self.world.gate.race(seed ^ round as u64, racers).await;
        let seconds = [0, 1, 5, 20, 40, 130][rng.random_range(0..6)];
        self.world.advance(Duration::from_secs(seconds));
        if rng.random_bool(0.15) {
            count.add("agent deaths");
            self.workers[rng.random_range(0..self.workers.len())].die();
        }
        // Without heartbeats they would all be offline soon.
        for worker in &self.workers {
            if rng.random_bool(0.8) {
                worker.beat(self.world).await;
            }
        }
    }

    fn draw_send(&self, rng: &mut StdRng, message_id: &str) -> (Sent, Value, String) {
        let forbidden = rng.random_bool(0.1);
        let to = &self.workers[rng.random_range(if forbidden { 1 } else { 0 }..self.workers.len())];
        let from = if forbidden { &self.stranger } else { &self.workers[rng.random_range(0..self.workers.len())] };
        let context = [None, Some("c1"), Some("c2")][rng.random_range(0..3)].map(|name| format!("{name}.{}", to.id));
        let priority = ["task", "task", "task", "critical", "info"][rng.random_range(0..5)];
        let deadline =
            rng.random_bool(0.15).then(|| self.world.clock.now() + Duration::from_secs(rng.random_range(10..200)));
        let mut body = json!({ "jsonrpc": "2.0", "id": 1, "method": "message/send", "params": { "message": {
            "role": "user", "messageId": message_id, "parts": [{ "kind": "text", "text": "hi" }],
            "metadata": { "priority": priority },
        } } });
        if let Some(context) = &context {
            body["params"]["message"]["contextId"] = json!(context);
        }
        if let Some(deadline) = deadline {
            body["params"]["message"]["metadata"]["deadline"] = json!(deadline.rfc3339());
        }
        let sent = Sent {
            message_id: message_id.to_owned(),
            from: from.id.clone(),
            to: to.id.clone(),
            context,
            priority,
            deadline,
            allowed: !forbidden,
        };
        (sent, body, from.token.clone())
    }

    async fn send(&self, (sent, body, token): &(Sent, Value, String)) {
        self.recorder.note(self.world.clock.now(), Event::Send(sent.clone()));
        let answer = self.world.call("POST", &format!("/workspaces/{}/a2a", sent.to), Some(token), body).await;
        let header = answer.headers.get("x-molecule-queue-id").cloned();
        let queue_id = answer.body["queue_id"].as_str().map(str::to_owned).or(header);
        let answered = Event::Answered { message_id: sent.message_id.clone(), status: answer.status, queue_id };
        self.recorder.note(self.world.clock.now(), answered);
    }

    /// One thing that may happen at any time.
    fn draw<'a>(&'a self, rng: &mut StdRng, count: &'a Count) -> Racer<'a> {
        let world = self.world;
        let worker = &self.workers[rng.random_range(0..self.workers.len())];
        let held = worker.held();
        let one = (!held.is_empty()).then(|| held[rng.random_range(0..held.len())].clone());
        let give_back = rng.random_bool(0.2);
        let any = (!self.sent.is_empty()).then(|| &self.sent[rng.random_range(0..self.sent.len())].0);
        match rng.random_range(0..12) {
            0..=3 => Box::pin(drain(world, &worker.id)),
            4 => Box::pin(worker.beat(world)),
            5 | 6 if worker.url.is_none() => Box::pin(worker.fetch(world, 2)),
            5..=8 => match one {
                Some(one) => Box::pin(async move { worker.hand_over(world, &one, give_back).await }),
                None => Box::pin(drain(world, &worker.id)),
            },
            9 => Box::pin(world.sweep()),
            10 => match any {
                Some(sent) => Box::pin(async move {
                    count.add("pointers delivered again");
                    self.show_pointer(sent).await;
                }),
                None => Box::pin(world.sweep()),
            },
            _ => match any {
                Some(sent) => Box::pin(self.cancel_or_replay(sent, give_back)),
                None => Box::pin(world.sweep()),
            },
        }
    }

    async fn entry(&self, sent: &Sent) -> Option<Value> {
        let path = format!("/workspaces/{}/a2a/queue?caller={}&limit=200", sent.to, sent.from);
        let list = self.world.call("GET", &path, Some(ADMIN), &Value::Null).await;
        list.body["items"].as_array()?.iter().find(|item| item["message_id"] == sent.message_id).cloned()
    }

    /// SQS shows the pointer of a message that somebody holds once more.
    async fn show_pointer(&self, sent: &Sent) {
        let Some(entry) = self.entry(sent).await else { return };
        let id = entry["queue_id"].as_str().unwrap().parse().unwrap();
        let platform = &self.world.platform;
        if let Ok(Some(message)) = platform.store.message(sent.to.parse().unwrap(), id).await
            && let Some(receipt) = &message.receipt
        {
            platform.queues.hide(message.target, message.priority, receipt, Duration::ZERO).await.ok();
        }
    }

    async fn cancel_or_replay(&self, sent: &Sent, replay: bool) {
        let Some(entry) = self.entry(sent).await else { return };
        let path = format!("/workspaces/{}/a2a/queue/{}", sent.to, entry["queue_id"].as_str().unwrap());
        if replay {
            // Noted before: from now on it may be delivered again.
            if ["failed", "expired", "dropped"].contains(&entry["status"].as_str().unwrap()) && sent.deadline.is_none()
            {
                self.recorder.note(self.world.clock.now(), Event::Replayed { message_id: sent.message_id.clone() });
                self.world.call("POST", &format!("{path}/replay"), Some(ADMIN), &Value::Null).await;
            }
            return;
        }
        self.world.call("DELETE", &path, Some(ADMIN), &Value::Null).await;
    }

    /// No more faults, willing agents: everything must come to its end.
    async fn finish(&self) {
        for worker in self.workers.iter().chain([&self.stranger]) {
            worker.be_willing();
        }
        for _ in 0..40 {
            for worker in self.workers.iter().chain([&self.stranger]) {
                worker.beat(self.world).await;
                if worker.url.is_none() {
                    worker.fetch(self.world, 2).await;
                }
                for held in worker.held() {
                    worker.hand_over(self.world, &held, false).await;
                }
            }
            self.world.sweep().await;
            self.world.settle().await;
            let slots = async |worker: &Worker| {
                let look = platform::store::Look::record().slots();
                self.world.platform.store.look(worker.id.parse().unwrap(), &look).await.unwrap().slots.open
            };
            let mut open = 0;
            for worker in &self.workers {
                open += slots(worker).await;
            }
            if open == 0 {
                break;
            }
            self.world.advance(Duration::from_secs(200));
        }
        for worker in self.workers.iter().chain([&self.stranger]) {
            self.world.sound(&worker.id).await;
        }
    }

    async fn ends(&self) -> Vec<End> {
        let mut ends = Vec::new();
        for (sent, _, _) in &self.sent {
            let Some(entry) = self.entry(sent).await else { continue };
            let path = format!("/workspaces/{}/a2a/queue/{}", sent.to, entry["queue_id"].as_str().unwrap());
            let shown = self.world.call("GET", &path, Some(ADMIN), &Value::Null).await.expect(200).body;
            let finished = shown["finished_at"].as_str().and_then(rules::Timestamp::parse_rfc3339);
            ends.push(End {
                message_id: sent.message_id.clone(),
                open: shown["open"] == true,
                state: shown["status"].as_str().unwrap().to_owned(),
                reason: shown["reason"].as_str().map(str::to_owned),
                finished_at: finished,
                steps: shown["timeline"].as_array().map_or(0, Vec::len),
            });
        }
        ends
    }
}

async fn drain(world: &World, id: &str) {
    let wake = serde_json::to_string(&Reminder::Drain { workspace_id: id.parse().unwrap() }).unwrap();
    world.invoke("dispatch", &json!({ "Records": [{ "messageId": "wake", "body": wake }] })).await;
}
