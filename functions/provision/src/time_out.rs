//! Starts that took too long: failed, with all that is known about why.

use platform::decide::{Fault, decide};
use platform::provisioner::Running;
use platform::{Platform, Result};
use rules::start;
use rules::workspace::Workspace;

/// Lines of the runtime's log that a timeout shows.
const LOG_LINES: usize = 20;

/// Whether a start has had its time.
pub(crate) fn is_over(platform: &Platform, workspace: &Workspace) -> bool {
    platform.now().since(workspace.status_since) >= platform.config.engine.provision_timeout(&workspace.runtime)
}

/// Fails it (T20). It goes on running, as far as it does: its log is wanted, and a late boot brings it back.
pub(crate) async fn fail(platform: &Platform, workspace: &Workspace) -> Result<()> {
    let evidence = evidence(platform, workspace).await;
    decide(|| round(platform, workspace, &evidence)).await
}

async fn evidence(platform: &Platform, workspace: &Workspace) -> String {
    let seconds = platform.config.engine.provision_timeout(&workspace.runtime).as_secs();
    let mut text = format!("no heartbeat or register within {seconds} s of the start");
    if let Some(failure) = &workspace.register_failure {
        text.push_str(&format!("; register answered {} at {}", failure.code, failure.at.rfc3339()));
    }
    if let Some(reason) = workspace.status_reasons.first() {
        text.push_str(&format!("; {}", reason.evidence));
    }
    match platform.provisioner.is_running(workspace.id, workspace.generation).await {
        Ok(Running::Yes { .. }) => text.push_str("; its engine says that it runs"),
        Ok(Running::No(exit)) => {
            let limits = platform.config.engine.limits(workspace.tier);
            text.push_str(&format!("; {}", exit.evidence(workspace.tier, limits)));
        }
        Err(error) => text.push_str(&format!("; {error}")),
    }
    let log = platform.provisioner.logs(workspace.id, LOG_LINES).await.unwrap_or_default();
    if !log.trim().is_empty() {
        text.push_str(&format!("; last log lines: {}", log.trim()));
    }
    rules::field::capped(&text, rules::engine::MAX_TEXT)
}

async fn round(platform: &Platform, seen: &Workspace, evidence: &str) -> Result<(), Fault> {
    let Some(workspace) = platform.store.workspace(seen.id).await? else { return Ok(()) };
    let limit = platform.config.engine.provision_timeout(&workspace.runtime);
    let Some((after, event)) = start::timed_out(&workspace, limit, evidence, platform.now()) else { return Ok(()) };
    let transaction = platform.store.transaction().put_workspace(&after).provisioned(after.id);
    Ok(platform.tell(transaction, &after, Some(event)).commit().await?)
}
