//! `kill -9` under load: whatever was acknowledged is there afterwards.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tests::process::{BOUND, Client, Home, eventually, message};
use tests::{Agent, Answer};

const ROUNDS: usize = 5;
const WRITERS: usize = 16;

/// A number that a writer counts up: what was acknowledged last, and what may be on its way.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    acknowledged: u32,
    tried: u32,
}

impl Count {
    /// Whether a value read afterwards is neither lost nor made up.
    fn admits(self, value: &Value, prefix: &str) -> bool {
        let number = value.as_str().and_then(|text| text.strip_prefix(prefix)?.parse::<u32>().ok());
        (self.acknowledged..=self.tried).contains(&number.unwrap_or(0))
    }
}

/// What the platform has acknowledged.
#[derive(Debug, Default)]
struct Acknowledged {
    writes: usize,
    /// Name by id.
    created: BTreeMap<String, String>,
    /// Message text by the place of its queue entry.
    accepted: BTreeMap<String, String>,
    /// By the writer's number.
    renames: BTreeMap<usize, Count>,
    cards: BTreeMap<usize, Count>,
    beats: BTreeMap<usize, Count>,
}

type Ledger = Arc<Mutex<Acknowledged>>;

/// One of the writers. It writes until the platform is gone.
struct Writer {
    number: usize,
    /// Its own workspace.
    own: Agent,
    /// Whom it sends to; nobody is there.
    deaf: String,
    client: Client,
    ledger: Ledger,
}

impl Writer {
    async fn write(self) {
        let mut step = 0;
        while self.step(step).await.is_ok() {
            step += 1;
        }
    }

    async fn step(&self, step: usize) -> reqwest::Result<()> {
        match self.number % 4 {
            0 => self.create(step).await,
            1 => self.rename().await,
            2 => self.say(step).await,
            _ if step.is_multiple_of(4) => self.register().await,
            _ => self.beat().await,
        }
    }

    async fn create(&self, step: usize) -> reqwest::Result<()> {
        let name = format!("made by {} in step {step}", self.number);
        let body = json!({ "name": name, "external": true });
        let answer = self.client.request("POST", "/workspaces", &[], &body).await?;
        self.acknowledge(answer, 201, |all, answer| {
            all.created.insert(answer.body["id"].as_str().unwrap().to_owned(), name);
        });
        Ok(())
    }

    async fn rename(&self) -> reqwest::Result<()> {
        let next = self.next(|all| &mut all.renames);
        let path = format!("/workspaces/{}", self.own.id);
        let body = json!({ "name": format!("name {next}") });
        let answer = self.client.request("PATCH", &path, &[], &body).await?;
        self.acknowledge(answer, 200, |all, _| all.renames.get_mut(&self.number).unwrap().acknowledged = next);
        Ok(())
    }

    async fn say(&self, step: usize) -> reqwest::Result<()> {
        let text = format!("{} says {step}", self.number);
        let answer = self.client.try_send(&self.own, &self.deaf, &message(&text, Some("lane"))).await?;
        self.acknowledge(answer, 202, |all, answer| {
            all.accepted.insert(answer.headers["location"].clone(), text);
        });
        Ok(())
    }

    async fn register(&self) -> reqwest::Result<()> {
        let next = self.next(|all| &mut all.cards);
        let card = json!({ "name": "w", "description": format!("card {next}") });
        let body = json!({ "id": self.own.id, "delivery_mode": "poll", "agent_card": card });
        let answer = self.by_token("/registry/register", &body).await?;
        self.acknowledge(answer, 200, |all, _| all.cards.get_mut(&self.number).unwrap().acknowledged = next);
        Ok(())
    }

    async fn beat(&self) -> reqwest::Result<()> {
        let next = self.next(|all| &mut all.beats);
        let body = json!({ "workspace_id": self.own.id, "current_task": format!("task {next}") });
        let answer = self.by_token("/registry/heartbeat", &body).await?;
        self.acknowledge(answer, 200, |all, _| all.beats.get_mut(&self.number).unwrap().acknowledged = next);
        Ok(())
    }

    async fn by_token(&self, path: &str, body: &Value) -> reqwest::Result<Answer> {
        self.client.request("POST", path, &[("authorization", &format!("Bearer {}", self.own.token))], body).await
    }

    /// The next number, noted as tried.
    fn next(&self, counts: impl FnOnce(&mut Acknowledged) -> &mut BTreeMap<usize, Count>) -> u32 {
        let mut ledger = self.ledger.lock().unwrap();
        let count = counts(&mut ledger).entry(self.number).or_default();
        count.tried += 1;
        count.tried
    }

    fn acknowledge(&self, answer: Answer, status: u16, note: impl FnOnce(&mut Acknowledged, &Answer)) {
        let answer = answer.expect(status);
        let mut ledger = self.ledger.lock().unwrap();
        ledger.writes += 1;
        note(&mut ledger, &answer);
    }
}

/// Looks for everything in the ledger.
async fn check(platform: &Client, ledger: &Ledger, agents: &[Agent]) {
    let all = std::mem::take(&mut *ledger.lock().unwrap());
    let listed = platform.call("GET", "/workspaces", None, &Value::Null).await.expect(200).body;
    let listed: BTreeMap<_, _> =
        listed.as_array().unwrap().iter().map(|shown| (shown["id"].as_str().unwrap(), shown)).collect();
    for (id, name) in &all.created {
        assert_eq!(listed.get(id.as_str()).map(|shown| &shown["name"]), Some(&json!(name)), "{id} was acknowledged");
    }
    for (number, agent) in agents.iter().enumerate() {
        let shown = listed[agent.id.as_str()];
        for (counts, value, prefix) in [
            (&all.renames, &shown["name"], "name "),
            (&all.cards, &shown["agent_card"]["description"], "card "),
            (&all.beats, &shown["current_task"], "task "),
        ] {
            if let Some(count) = counts.get(&number) {
                assert!(count.admits(value, prefix), "{value} is not of {count:?}");
            }
        }
    }
    for (place, text) in &all.accepted {
        let entry = platform.call("GET", place, None, &Value::Null).await.expect(200).body;
        assert_eq!((&entry["status"], &entry["open"]), (&json!("queued"), &json!(true)), "{text}: {entry}");
    }
    *ledger.lock().unwrap() = all;
}

#[tokio::test]
async fn kill_9_under_sixteen_writers_loses_nothing_that_was_acknowledged() {
    let home = Home::new(&[("RUST_LOG", "warn")]);
    let ledger = Ledger::default();
    let mut agents = Vec::new();
    let mut deaf = String::new();
    for round in 0..ROUNDS {
        let mut platform = home.start().await;
        if round == 0 {
            deaf = platform.external("deaf").await.id;
            for number in 0..WRITERS {
                agents.push(platform.external(&format!("writer {number}")).await);
            }
        }
        check(&platform, &ledger, &agents).await;
        let before = ledger.lock().unwrap().writes;
        let writers = agents.iter().enumerate().map(|(number, own)| {
            let (own, deaf, client, ledger) = (own.clone(), deaf.clone(), platform.client(), Arc::clone(&ledger));
            tokio::spawn(Writer { number, own, deaf, client, ledger }.write())
        });
        let writers: Vec<_> = writers.collect();
        let wanted = before + 3 * WRITERS + 7 * round;
        eventually("writes are acknowledged", BOUND, async || {
            assert!(writers.iter().all(|writer| !writer.is_finished()), "a writer ended before the platform");
            (ledger.lock().unwrap().writes >= wanted).then_some(())
        })
        .await;
        platform.process.kill();
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let platform = home.start().await;
    check(&platform, &ledger, &agents).await;
    let all = ledger.lock().unwrap();
    let kinds = [all.created.len(), all.accepted.len(), all.renames.len(), all.cards.len(), all.beats.len()];
    assert!(kinds.iter().all(|count| *count >= 4), "every kind of write took part: {kinds:?}");
}
