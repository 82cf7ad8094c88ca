//! Beginning a new generation of a workspace: the record, its boot credential, the end of all credentials of the old
//! generation and of its lease, and the event, in one transaction; then a job for the provision function.

use std::time::Duration;

use rules::credential::{BootCredential, Token, TokenKind};
use rules::event::{Event, EventType};
use rules::restart::Limits;
use rules::start::{self, Restart};
use rules::transition::{self, Trigger};
use rules::workspace::Workspace;
use rules::{Status, Timestamp, WorkspaceId};

use super::boot::boot_secret;
use super::context::Context;
use crate::decide::{Fault, decide};
use crate::entropy::digest;
use crate::measures;
use crate::platform::Platform;
use crate::problem::{Problem, Result};
use crate::queues::{Job, Reminder};
use crate::store::{Look, Snapshot, Transaction};

/// A job that was lost is sent again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Tokens that a transaction has room for; an agent has one or two. More of them are refused by their generation.
const REVOKED_AT_ONCE: usize = 40;

impl Platform {
    /// The settings of restarts.
    pub fn restart_limits(&self) -> Limits {
        self.config.engine.restart
    }

    /// Whether the platform starts this workspace.
    pub fn runs(&self, workspace: &Workspace) -> bool {
        self.config.engine.backend.runs_workspaces() && !workspace.is_external()
    }

    /// Asks the provision function to look at a workspace. A job that is lost is made up for by the minute sweep.
    pub async fn reconcile_soon(&self, id: WorkspaceId) {
        self.hand_out(&Job::Reconcile { workspace_id: id }).await;
    }

    /// Hands out a job; a failure is logged, and the sweep makes up for it.
    pub async fn hand_out(&self, job: &Job) {
        self.hand_out_once(job, &self.entropy.uuid().to_string()).await;
    }

    /// What a reminder of [`Reminder::Provision`] leads to. Several of one round are one look.
    pub async fn reconcile_reminded(&self, id: WorkspaceId, round: Option<&str>) {
        let job = Job::Reconcile { workspace_id: id };
        match round {
            Some(round) => self.hand_out_once(&job, &format!("{id}-{round}")).await,
            None => self.hand_out(&job).await,
        }
    }

    async fn hand_out_once(&self, job: &Job, unique: &str) {
        if !self.config.engine.backend.runs_workspaces() {
            return;
        }
        if let Err(error) = self.queues.hand_to_provision(job, unique).await {
            tracing::warn!(%error, ?job, "job not sent; the sweep sends it again");
        }
    }

    /// As [`Platform::reconcile_soon`], after a while of at most 15 minutes.
    pub async fn reconcile_later(&self, id: WorkspaceId, after: Duration) {
        if after.is_zero() {
            return self.reconcile_soon(id).await;
        }
        self.remind_to_reconcile(id, None, after).await;
    }

    /// Looks once more, at the end of the `period` that runs now, counted from the epoch. Everybody who asks for it in one
    /// period asks for one look; else each sweep that looks as well would begin one more series of looks, for as long as an
    /// engine does not answer.
    pub async fn reconcile_again(&self, id: WorkspaceId, period: Duration) {
        let length = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
        let now = self.now();
        let round = now.millis().div_euclid(length) + 1;
        let end = Timestamp::from_millis(round.saturating_mul(length));
        self.remind_to_reconcile(id, Some(format!("{length}-{round}")), end.since(now)).await;
    }

    async fn remind_to_reconcile(&self, id: WorkspaceId, round: Option<String>, after: Duration) {
        if let Err(error) = self.queues.remind(&Reminder::Provision { workspace_id: id, round }, after).await {
            tracing::warn!(%error, workspace = %id, "no reminder; the sweep looks");
        }
    }

    /// Restarts a workspace as an operator or itself asks (T18). Many that come at once are one restart. Whether a new
    /// generation was begun; `reset` drops what its runtime has stored.
    ///
    /// # Errors
    /// 404, 410; 409 external, hibernating, or below a paused ancestor; 503.
    pub async fn restart_workspace(&self, id: WorkspaceId, reason: &str, reset: bool) -> Result<(Workspace, bool)> {
        let (workspace, begun) = decide(|| self.restart_round(id, reason, reset)).await?;
        self.reconcile_soon(id).await;
        Ok((workspace, begun))
    }

    async fn restart_round(&self, id: WorkspaceId, reason: &str, reset: bool) -> Result<(Workspace, bool), Fault> {
        let seen = self.store.look(id, &Look::record().lease()).await?;
        let mut workspace = seen.workspace.clone().ok_or_else(Problem::no_workspace)?;
        let paused = self.has_paused_ancestor(&workspace).await?;
        match start::restart(&workspace, paused, self.now(), self.restart_limits())? {
            Restart::Begin(status) => {
                workspace.start.reset |= reset;
                // Whoever asks has seen to what made it die.
                workspace.start.deaths = 0;
                Ok((self.begin_again(&workspace, &seen, status, reason).await?, true))
            }
            Restart::UnderWay => Ok((workspace, false)),
            Restart::Again => {
                workspace.start.again = true;
                workspace.version += 1;
                workspace.updated_at = self.now();
                self.store.transaction().put_workspace(&workspace).commit().await?;
                Ok((workspace, false))
            }
        }
    }

    /// Begins a generation because of what the platform saw: a death, silence, a change while it started. False if its
    /// status does not allow it (any more).
    ///
    /// # Errors
    /// 503.
    pub async fn restart_by_itself(
        &self,
        id: WorkspaceId,
        reason: &str,
        wanted: fn(&Workspace) -> bool,
    ) -> Result<bool> {
        decide(|| async {
            let seen = self.store.look(id, &Look::record().lease()).await?;
            let Some(workspace) = seen.workspace.clone().filter(wanted) else { return Ok(false) };
            let paused_ancestor = self.has_paused_ancestor(&workspace).await?;
            let external = workspace.is_external();
            let trigger = match workspace.status {
                Status::Offline => Trigger::AutoRestart { external, paused_ancestor },
                _ => Trigger::Restart { external, paused_ancestor },
            };
            let Ok(status) = transition::next(Some(workspace.status), trigger) else { return Ok(false) };
            self.begin_again(&workspace, &seen, status.unwrap_or(Status::Provisioning), reason).await?;
            Ok(true)
        })
        .await
    }

    /// One round of beginning a generation over the record as read.
    ///
    /// # Errors
    /// [`Fault::Moved`] when the record moved.
    pub async fn begin(
        &self,
        workspace: &Workspace,
        seen: &Snapshot,
        status: Status,
        reason: &str,
    ) -> Result<Workspace, Fault> {
        let after = self.next_generation(workspace, seen, status, reason);
        self.begin_as(workspace, &after, None).await?;
        Ok(after)
    }

    /// As [`Platform::begin`], and its agent is told of the restart, once it is there.
    async fn begin_again(
        &self,
        workspace: &Workspace,
        seen: &Snapshot,
        status: Status,
        reason: &str,
    ) -> Result<Workspace, Fault> {
        let after = self.next_generation(workspace, seen, status, reason);
        let context = self.restart_context(&after).await?;
        self.begin_as(workspace, &after, context.as_ref()).await?;
        measures::restarted();
        if let Some((message, _)) = context
            && let Err(error) = self.point_to(&message).await
        {
            tracing::warn!(%error, workspace = %after.id, "the message about the restart waits until the sweep sends it");
        }
        Ok(after)
    }

    fn next_generation(&self, workspace: &Workspace, seen: &Snapshot, status: Status, reason: &str) -> Workspace {
        let mut after = start::begin(workspace, status, reason, self.entropy.secret(), self.now());
        if let Some(lease) = &seen.lease {
            after.monthly_spend = lease.monthly_spend.max(after.monthly_spend);
            after.last_beat = Some(lease.beat.clone());
        }
        after
    }

    async fn begin_as(&self, workspace: &Workspace, after: &Workspace, context: Option<&Context>) -> Result<(), Fault> {
        let tokens = self.store.tokens_of(workspace.id).await?;
        let old = tokens.iter().filter(|token| token.kind == TokenKind::Instance).take(REVOKED_AT_ONCE);
        let mut transaction = self.store.transaction().put_workspace(after).delete_lease(after.id);
        transaction = old.fold(transaction, |all, token: &Token| all.revoke_token(token, self.now()));
        transaction = self.with_context(self.expect_start(transaction, after), context).await?;
        let event = Event::new(EventType::WorkspaceProvisioning, start::told(after, Some(workspace.status)));
        self.tell(transaction, after, Some(event)).commit().await?;
        tracing::info!(
            workspace = %after.id, generation = after.generation, reason = after.start.reason,
            "a new generation is to be started"
        );
        Ok(())
    }

    /// What the transaction of every record needs that is to be started: its boot credential, and a later look.
    #[must_use]
    pub fn expect_start<'a>(&self, transaction: Transaction<'a>, workspace: &Workspace) -> Transaction<'a> {
        if !self.runs(workspace) {
            let due = self.now() + self.config.engine.provision_timeout(&workspace.runtime);
            return transaction.expect_provisioned(workspace.id, due);
        }
        let boot = BootCredential {
            workspace_id: workspace.id,
            generation: workspace.generation,
            digest: digest(&boot_secret(workspace)),
            once: false,
            ends_at: None,
            exchanged_for: None,
        };
        transaction.issue_boot(&boot).expect_provisioned(workspace.id, self.now() + LOOK_AGAIN)
    }

    /// Whether any workspace above this one is paused.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn has_paused_ancestor(&self, workspace: &Workspace) -> Result<bool, crate::store::StoreError> {
        let mut next = workspace.parent_id;
        // No deeper tree can be made.
        for _ in 0..32 {
            let Some(id) = next else { return Ok(false) };
            let Some(above) = self.store.workspace(id).await? else { return Ok(false) };
            if above.status == Status::Paused {
                return Ok(true);
            }
            next = above.parent_id;
        }
        Ok(false)
    }
}
