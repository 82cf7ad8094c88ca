//! What an engine says about a runtime, written into its record: from its events, from a look at it, from a survey. The
//! record decides whether it is news, so that whoever comes first acts, and acts once.

use rules::WorkspaceId;
use rules::workspace::Workspace;
use rules::{restart, start};

use super::Running;
use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::Result;
use crate::store::Look;

impl Platform {
    /// Notes what the engine says about one generation of a workspace; whether that was news. What it says of another
    /// generation than the current one is nobody's business any more.
    ///
    /// # Errors
    /// 503.
    pub async fn engine_says(&self, id: WorkspaceId, generation: u64, said: &Running) -> Result<bool> {
        let Some(after) = decide(|| self.engine_round(id, generation, said)).await? else { return Ok(false) };
        match (said, after.start.restart_at) {
            (Running::Yes { .. }, _) => self.wake_drain(id).await,
            (Running::No(exit), at) => {
                tracing::warn!(
                    workspace = %id, generation, code = exit.code, out_of_memory = exit.out_of_memory,
                    deaths = after.start.deaths, status = %after.status, "its runtime is gone"
                );
                if let Some(at) = at {
                    self.reconcile_later(id, at.since(self.now())).await;
                }
            }
        }
        Ok(true)
    }

    /// Notes that the memory limit killed something in a workspace, which goes on without it; whether that was news.
    ///
    /// # Errors
    /// 503.
    pub async fn engine_killed_for_memory(&self, id: WorkspaceId, generation: u64) -> Result<bool> {
        decide(|| async {
            let seen = self.store.workspace(id).await?.filter(|workspace| workspace.generation == generation);
            let Some(workspace) = seen else { return Ok(false) };
            let limits = self.config.engine.limits(workspace.tier);
            let Some((after, event)) = start::memory_killed(&workspace, limits, self.now()) else { return Ok(false) };
            self.tell(self.store.transaction().put_workspace(&after), &after, Some(event)).commit().await?;
            Ok(true)
        })
        .await
    }

    async fn engine_round(&self, id: WorkspaceId, generation: u64, said: &Running) -> Result<Option<Workspace>, Fault> {
        let seen = self.store.look(id, &Look::record().lease()).await?;
        let Some(workspace) = seen.workspace.filter(|workspace| workspace.generation == generation) else {
            return Ok(None);
        };
        let exit = match said {
            Running::Yes { url } => return self.note_address(workspace, url.as_deref()).await,
            Running::No(exit) => exit,
        };
        let (limits, tier) = (self.restart_limits(), self.config.engine.limits(workspace.tier));
        let Some((mut after, event)) = start::died(&workspace, exit, tier, self.now(), limits) else { return Ok(None) };
        if let Some(lease) = &seen.lease {
            after.monthly_spend = lease.monthly_spend.max(after.monthly_spend);
            after.last_beat = Some(lease.beat.clone());
        }
        let transaction = self.store.transaction().put_workspace(&after).delete_lease(id);
        let transaction = match after.start.restart_at {
            Some(at) => transaction.expect_provisioned(id, at),
            None => transaction.provisioned(id),
        };
        self.tell(transaction, &after, Some(event)).commit().await?;
        Ok(Some(after))
    }

    /// It runs: where it is reached, if that is new. Only addresses of the platform's own choosing come from the engine.
    async fn note_address(&self, workspace: Workspace, url: Option<&str>) -> Result<Option<Workspace>, Fault> {
        let new = url.filter(|url| workspace.url_assigned && workspace.url.as_deref() != Some(url));
        let starting = matches!(workspace.status, rules::Status::Provisioning) || workspace.status.is_live();
        let Some(url) = new.filter(|_| starting) else { return Ok(None) };
        let mut after = workspace;
        after.url = Some(url.to_owned());
        after.start.launched = true;
        after.version += 1;
        after.updated_at = self.now();
        self.store.transaction().put_workspace(&after).commit().await?;
        Ok(Some(after))
    }

    /// An agent that stayed silent for too long although its engine says that it runs is started anew, if it still is
    /// silent.
    ///
    /// # Errors
    /// 503.
    pub async fn give_up_silent(&self, id: WorkspaceId) -> Result<()> {
        let after = decide(|| async {
            let seen = self.store.workspace(id).await?;
            let silent =
                |record: &Workspace| record.status == rules::Status::Offline && record.start.restart_at.is_none();
            let Some(workspace) = seen.filter(silent) else { return Ok(None) };
            let (after, event) = start::went_silent(&workspace, self.now(), self.restart_limits());
            let transaction = self.store.transaction().put_workspace(&after).delete_lease(id);
            let transaction = match after.start.restart_at {
                Some(at) => transaction.expect_provisioned(id, at),
                None => transaction.provisioned(id),
            };
            self.tell(transaction, &after, Some(event)).commit().await?;
            Ok(Some(after))
        })
        .await?;
        if let Some(at) = after.and_then(|after| after.start.restart_at) {
            self.reconcile_later(id, at.since(self.now()).min(restart::LONGEST_BACKOFF)).await;
        }
        Ok(())
    }
}
