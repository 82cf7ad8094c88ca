//! EventBridge, each minute: leases that ran out, starts that took too long, queues that nobody woke. One bad record
//! never stops the sweep for the others.

mod drains;
mod hibernation;
mod leases;
mod provisioning;

use platform::Platform;
use platform::queues::Job;
use platform::store::Tick;
use serde_json::Value;

/// Runs every sweep; the event itself says nothing that matters.
pub async fn handle(platform: Platform, _event: Value) {
    run(&platform, leases::NAME, leases::sweep(&platform)).await;
    run(&platform, "provision-timeout-sweep", provisioning::sweep(&platform)).await;
    run(&platform, "queue-drain", drains::sweep(&platform)).await;
    if platform.config.engine.backend.runs_workspaces() {
        run(&platform, "hibernation-monitor", hibernation::sweep(&platform)).await;
        platform.hand_out(&Job::Survey).await;
    }
}

/// Runs one sweep and notes that it ran. A sweep says whether it suspects the platform rather than the agents.
async fn run(platform: &Platform, name: &str, sweep: impl Future<Output = platform::Result<bool>>) {
    let suspect = match sweep.await {
        Ok(suspect) => suspect,
        Err(problem) => {
            tracing::error!(sweep = name, code = problem.code, "sweep failed; the next one tries again");
            return;
        }
    };
    let tick = Tick { name: name.to_owned(), at: platform.now(), suspect };
    if let Err(error) = platform.store.tick(&tick).await {
        tracing::error!(%error, sweep = name, "tick not written");
    }
}
