//! What starts functions beside the API: the event source mappings of queues, and EventBridge's schedules.

mod poller;
mod schedule;
mod sqs_event;

use std::time::Duration;

use tokio::task::JoinSet;

use crate::stopping::Stopping;

pub use poller::Poller;
pub use schedule::{Rule, Schedules};

/// Triggers that run. Dropping them ends them, with the invocations under way.
#[derive(Debug)]
pub struct Triggers {
    stopping: Stopping,
    tasks: JoinSet<()>,
}

impl Triggers {
    /// Starts them, in tasks of the current runtime.
    pub fn start(pollers: Vec<Poller>, rules: Vec<Rule>) -> Self {
        let stopping = Stopping::new();
        let mut tasks = JoinSet::new();
        for poller in pollers {
            tasks.spawn(poller.run(stopping.listen()));
        }
        for rule in rules {
            tasks.spawn(rule.run(stopping.listen()));
        }
        Self { stopping, tasks }
    }

    /// Stops: nothing new starts, and invocations under way have `grace` to end.
    pub async fn stop(mut self, grace: Duration) {
        self.stopping.stop();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(grace, ended).await;
    }
}
