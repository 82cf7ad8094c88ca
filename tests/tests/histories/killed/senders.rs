//! Senders that ask again, under the same messageId, until they are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use platform::clock::{Clock, SystemClock};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tests::process::Client;
use tokio::task::JoinHandle;

use super::Own;
use crate::faults::Count;
use crate::history::{Event, Recorder, Sent};

const SENDERS: u64 = 12;
/// Between the platform's look at a deadline and the agent's at its clock.
const LATE: Duration = Duration::from_secs(2);
/// Nobody asks again for longer.
const ATTEMPTS: usize = 400;

/// All who send.
pub(crate) struct Senders {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Vec<Sent>>>,
}

impl Senders {
    pub(crate) fn start(
        platform: &Client,
        recorder: &Recorder,
        targets: Vec<Own>,
        stranger: &Own,
        seed: u64,
        count: &Count,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let targets = Arc::new(targets);
        let tasks = (0..SENDERS).map(|number| {
            let sender = Sender {
                number,
                rng: StdRng::seed_from_u64(seed * 100 + number),
                platform: platform.clone(),
                recorder: recorder.clone(),
                targets: Arc::clone(&targets),
                stranger: stranger.clone(),
                count: count.clone(),
            };
            tokio::spawn(sender.run(Arc::clone(&stop)))
        });
        let tasks = tasks.collect();
        Self { stop, tasks }
    }

    /// No more new ones; all that were sent, once each sender is answered.
    pub(crate) async fn stop(self) -> Vec<Sent> {
        self.stop.store(true, Ordering::Relaxed);
        let mut sent = Vec::new();
        for task in self.tasks {
            sent.extend(task.await.unwrap());
        }
        sent
    }
}

struct Sender {
    number: u64,
    rng: StdRng,
    platform: Client,
    recorder: Recorder,
    targets: Arc<Vec<Own>>,
    stranger: Own,
    count: Count,
}

impl Sender {
    async fn run(mut self, stop: Arc<AtomicBool>) -> Vec<Sent> {
        let mut all = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let sent = self.send(all.len()).await;
            all.push(sent);
            tokio::time::sleep(Duration::from_millis(self.rng.random_range(0..150))).await;
        }
        all
    }

    async fn send(&mut self, number: usize) -> Sent {
        let rng = &mut self.rng;
        let to = self.targets[rng.random_range(0..self.targets.len())].clone();
        let forbidden = rng.random_bool(0.1);
        let from = if forbidden {
            self.stranger.clone()
        } else {
            self.targets[rng.random_range(0..self.targets.len())].clone()
        };
        // Each sender has lanes of its own: between senders there is no order.
        let context = rng.random_bool(0.7).then(|| format!("s{}.{}", self.number, rng.random_range(0..2)));
        let priority = ["task", "task", "task", "critical", "info"][rng.random_range(0..5)];
        let deadline = rng.random_bool(0.15).then(|| SystemClock.now() + Duration::from_secs(rng.random_range(1..15)));
        let message_id = format!("m{}.{number}", self.number);
        let mut body = json!({ "jsonrpc": "2.0", "id": 1, "method": "message/send", "params": { "message": {
            "role": "user", "messageId": message_id, "parts": [{ "kind": "text", "text": message_id }],
            "metadata": { "priority": priority },
        } } });
        if let Some(context) = &context {
            body["params"]["message"]["contextId"] = json!(context);
        }
        if let Some(deadline) = deadline {
            body["params"]["message"]["metadata"]["deadline"] = json!(deadline.rfc3339());
        }
        let sent = Sent {
            message_id: message_id.clone(),
            from: from.id.clone(),
            to: to.id.clone(),
            context,
            priority,
            deadline: deadline.map(|deadline| deadline + LATE),
            allowed: !forbidden,
        };
        self.recorder.note(SystemClock.now(), Event::Send(sent.clone()));
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match self.platform.try_send(&from, &to.id, &body).await {
                Ok(answer) => {
                    // Whatever names the message is the answer; a 503 that does not means that it was not taken.
                    let header = answer.headers.get("x-molecule-queue-id").cloned();
                    let queue_id = answer.body["queue_id"].as_str().map(str::to_owned).or(header);
                    if answer.status < 500 || queue_id.is_some() {
                        let status = if queue_id.is_some() { 200 } else { answer.status };
                        self.recorder.note(SystemClock.now(), Event::Answered { message_id, status, queue_id });
                        return sent;
                    }
                    last = Some(answer);
                }
                Err(_) => self.count.add("sent again"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{message_id} was never answered: {last:?}");
    }
}
