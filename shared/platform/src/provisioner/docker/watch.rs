//! What happens to the stack's containers, as it happens.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use rules::WorkspaceId;
use tokio::sync::mpsc::{self, Sender};
use tracing::{debug, warn};

use super::{DockerEngine, EngineError, Running};

/// Pauses before the connection is made anew: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// How far back a new connection asks, for what happens between the look and the listening.
const OVERLAP: Duration = Duration::from_secs(2);
/// Events that wait for the reader.
const WAITING: usize = 64;

/// Something happened to a container. It may be told twice, and is a reason to look, not a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineEvent {
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Of which generation.
    pub generation: u64,
    /// What happened.
    pub what: What,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It was started.
    Started,
    /// It ended, with this code if the Engine says one.
    Died(Option<i32>),
    /// The kernel killed something in it for memory. If that was the runtime, `Died` follows.
    OutOfMemory,
    /// It was removed.
    Destroyed,
}

impl DockerEngine {
    /// Everything that happens to the stack's containers from now on, without end, in a task that ends with the stream.
    /// Where the Engine goes away the connection is made anew, with growing pauses; each one begins with those that have
    /// ended by then. What was removed meanwhile is not told: the sweep finds it.
    pub fn watch(&self) -> BoxStream<'static, EngineEvent> {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(self.clone().follow(sender));
        stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver))).boxed()
    }

    async fn follow(self, sender: Sender<EngineEvent>) {
        let mut pause = PAUSES.0;
        loop {
            let ended = tokio::select! {
                () = sender.closed() => return,
                ended = self.follow_once(&sender) => ended,
            };
            match ended {
                Ok(()) => pause = PAUSES.0,
                Err(error) => warn!(%error, "the engine's events cannot be read; trying again"),
            }
            tokio::select! {
                () = sender.closed() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// One connection, to its end; an error if there was none.
    async fn follow_once(&self, sender: &Sender<EngineEvent>) -> Result<(), EngineError> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(OVERLAP).as_secs();
        for instance in self.instances().await? {
            if let Running::No(exit) = instance.running {
                let what = What::Died(exit.code);
                let (workspace_id, generation) = (instance.workspace_id, instance.generation);
                // A reader that is gone ends the task.
                let _ = sender.send(EngineEvent { workspace_id, generation, what }).await;
            }
        }
        let mut filter = self.filter(None);
        filter.insert("type".to_owned(), vec!["container".to_owned()]);
        let actions = ["start", "die", "oom", "destroy"].map(str::to_owned);
        filter.insert("event".to_owned(), actions.to_vec());
        let options = EventsOptionsBuilder::new().since(&since.to_string()).filters(&filter).build();
        let client = self.client()?;
        let mut events = client.events(Some(options)).boxed();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    if let Some(event) = self.understood(event) {
                        let _ = sender.send(event).await;
                    }
                }
                Err(error) => {
                    debug!(%error, "the engine's events broke off");
                    break;
                }
            }
        }
        Ok(())
    }

    fn understood(&self, event: EventMessage) -> Option<EngineEvent> {
        // A container's labels are among its event's attributes.
        let attributes = event.actor?.attributes?;
        let label = self.read(&attributes)?;
        let what = match event.action?.as_str() {
            "start" => What::Started,
            "die" => What::Died(attributes.get("exitCode").and_then(|code| code.parse().ok())),
            "oom" => What::OutOfMemory,
            "destroy" => What::Destroyed,
            _ => return None,
        };
        Some(EngineEvent { workspace_id: label.workspace, generation: label.generation, what })
    }
}
