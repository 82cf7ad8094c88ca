//! An answer that comes event by event: each event is stored before anybody sees it, and together they are the answer.

use std::time::Duration;

use platform::Platform;
use platform::agents::{AgentAnswer, Events};
use platform::ask::Question;
use platform::decide::{Fault, decide};
use platform::delivery::Delivery;
use platform::store::{Look, Place};
use rules::dispatch::Outcome;
use rules::envelope::{Envelope, Generation, normalise};
use rules::message::Message;
use rules::task::{AgentTask, Fold, Said, StreamEvent};
use rules::workspace::Workspace;
use serde_json::json;
use tokio::time::Instant;

/// The pause before events are stored again.
const PAUSE: Duration = Duration::from_millis(200);

/// Follows a stream to its end, for as long as the connection may be held; the answer is what its events amount to. Where
/// it breaks off, the agent is asked for the task that it named.
pub(crate) async fn follow(
    platform: &Platform,
    workspace: &Workspace,
    message: &Message,
    request: &[u8],
    mut events: Events,
    end: Instant,
) -> AgentAnswer {
    let mut stream = Stream::new(platform, message);
    let outcome = loop {
        match tokio::time::timeout_at(end, events.next()).await {
            Err(_) => break Outcome::TimedOut,
            Ok(None) if stream.fold.answer().is_some() => break Outcome::Answered(200),
            Ok(None) => break Outcome::Broken("the stream ended without an event".to_owned()),
            Ok(Some(chunk)) => {
                if let Err(why) = stream.take(chunk).await {
                    break Outcome::Lost(why);
                }
                if stream.fold.is_over() {
                    break Outcome::Answered(200);
                }
            }
        }
    };
    let a2a_version = events.a2a_version.take();
    // An agent whose caller is gone may stop; by now it is done, or it broke off.
    drop(events);
    let outcome = match outcome {
        Outcome::TimedOut | Outcome::Lost(_) if stream.catch_up(workspace).await => Outcome::Answered(200),
        outcome => outcome,
    };
    match (outcome, stream.fold.answer()) {
        (Outcome::Answered(status), Some(answer)) => AgentAnswer {
            outcome: Outcome::Answered(status),
            content_type: "application/json".to_owned(),
            a2a_version,
            body: body(&answer, message, &rpc_id(request)).into(),
        },
        (outcome, _) => AgentAnswer::without_body(outcome),
    }
}

struct Stream<'a> {
    platform: &'a Platform,
    message: &'a Message,
    fold: Fold,
    number: u32,
    named: Option<AgentTask>,
    /// Events that could not be stored; the next thing stored tells all at once.
    gap: bool,
}

impl<'a> Stream<'a> {
    fn new(platform: &'a Platform, message: &'a Message) -> Self {
        Self { platform, message, fold: Fold::default(), number: 0, named: None, gap: false }
    }

    /// Takes events as they came; how the stream broke off, if it did.
    async fn take(&mut self, chunk: Vec<Result<StreamEvent, String>>) -> Result<(), String> {
        let (mut events, mut broken) = (Vec::new(), Ok(()));
        for event in chunk {
            match event {
                Ok(event) if !self.fold.is_over() => {
                    self.fold.add(&event);
                    events.push(event);
                }
                Ok(_) => {}
                Err(why) => broken = Err(why),
            }
        }
        if !events.is_empty() {
            self.name().await;
            self.store(events).await;
        }
        broken
    }

    /// Lets the sender find the message by the agent's own id of its task, from the first event on that names one.
    async fn name(&mut self) {
        let Some(task) = self.fold.agent_task() else { return };
        if self.named.as_ref().is_some_and(|named| named.id == task.id) {
            return;
        }
        match decide(|| name(self.platform, self.message, &task)).await {
            Ok(()) => self.named = Some(task),
            Err(problem) => tracing::warn!(code = problem.code, message = %self.message.id, "a task is not named yet"),
        }
    }

    /// Stores events; readers see them from then on. A table that does not answer is tried again for a while: what is not
    /// stored then is told with the next event, or with the answer.
    async fn store(&mut self, events: Vec<StreamEvent>) {
        let events = if self.gap { self.fold.answer().into_iter().collect() } else { events };
        let first = Place { epoch: self.message.slot_epoch, number: self.number + 1 };
        let last = Instant::now() + self.platform.config.settle_retry;
        let keep = self.platform.config.retention;
        loop {
            let (now, id) = (self.platform.now(), self.message.id);
            match self.platform.store.put_events(id, first, &events, now, keep).await {
                Ok(()) => {
                    self.number += u32::try_from(events.len()).unwrap_or(u32::MAX);
                    self.gap = false;
                    return;
                }
                Err(error) if Instant::now() + PAUSE > last => {
                    tracing::warn!(%error, message = %id, "events of a stream could not be stored");
                    self.gap = true;
                    return;
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Asks the agent where the task is that it named, when the connection to it is gone. Whether it told.
    async fn catch_up(&mut self, workspace: &Workspace) -> bool {
        let Some(task) = self.fold.agent_task() else { return false };
        let seen = self.platform.store.look(workspace.id, &Look::record().lease()).await;
        let lease = seen.ok().and_then(|seen| seen.lease);
        let said = self.platform.ask(workspace, lease.as_ref(), self.message, &task, Question::Get).await;
        let Some(Said::Task(told)) = said else { return false };
        let event = StreamEvent::Task(told);
        self.fold.add(&event);
        self.store(vec![event]).await;
        true
    }
}

async fn name(platform: &Platform, message: &Message, task: &AgentTask) -> Result<(), Fault> {
    let delivery = Delivery::of(message);
    let Some(mut current) = platform.store.message(delivery.target, delivery.id).await? else { return Ok(()) };
    if !current.state.is_held() || current.slot_epoch != delivery.slot_epoch {
        return Ok(());
    }
    current.streamed = Some(task.clone());
    current.version += 1;
    let keep = platform.config.retention;
    Ok(platform.store.transaction().put_message(&current, keep).name_task(&current, keep).commit().await?)
}

/// The JSON of the request's id.
fn rpc_id(request: &[u8]) -> String {
    normalise(request, "", "").map_or_else(|_| "null".to_owned(), |Envelope { rpc_id, .. }| rpc_id)
}

fn body(answer: &StreamEvent, message: &Message, rpc_id: &str) -> Vec<u8> {
    let (field, told) = answer.body(Generation::of(&message.method));
    let id: serde_json::Value = serde_json::from_str(rpc_id).unwrap_or_default();
    json!({ "jsonrpc": "2.0", "id": id, field: told }).to_string().into_bytes()
}
