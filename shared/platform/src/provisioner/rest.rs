//! Workspaces that are stopped on purpose: hibernated, paused, resumed.

use rules::credential::TokenKind;
use rules::event::{Event, EventType};
use rules::idle::is_idle;
use rules::transition::{self, Refusal, Trigger};
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};
use serde_json::json;

use crate::decide::{Fault, decide};
use crate::platform::Platform;
use crate::problem::{Problem, Result};
use crate::store::Look;

impl Platform {
    /// Hibernates a workspace that has idled for as long as it may (T24); whether it did.
    ///
    /// # Errors
    /// 503.
    pub async fn hibernate_idle(&self, id: WorkspaceId) -> Result<bool> {
        let claimed = decide(|| self.hibernate_idle_round(id)).await?;
        if claimed {
            self.reconcile_soon(id).await;
        }
        Ok(claimed)
    }

    async fn hibernate_idle_round(&self, id: WorkspaceId) -> Result<bool, Fault> {
        let seen = self.store.look(id, &Look::record().lease().slots()).await?;
        let (Some(workspace), Some(lease)) = (&seen.workspace, &seen.lease) else { return Ok(false) };
        let tokens = self.store.tokens_of(id).await?;
        let own: Vec<_> = tokens.into_iter().filter(|token| token.kind == TokenKind::Instance).collect();
        if !self.runs(workspace) || !is_idle(workspace, lease, &seen.slots, &own, self.now()) {
            return Ok(false);
        }
        match self.claim_hibernation(workspace, false, false).await {
            Ok(()) => Ok(true),
            Err(Fault::Problem(problem)) if problem.status == http::StatusCode::CONFLICT => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Hibernates a workspace as an operator or itself asks; `force` also with turns running.
    ///
    /// # Errors
    /// 404, 410; 409 external, busy (with `active_tasks`), or in another status; 503.
    pub async fn hibernate(&self, id: WorkspaceId, force: bool) -> Result<()> {
        decide(|| async {
            let seen = self.store.look(id, &Look::record().lease().slots()).await?;
            let workspace = seen.workspace.as_ref().ok_or_else(Problem::no_workspace)?;
            let reported = seen.lease.as_ref().map_or(0, |lease| lease.beat.active_tasks);
            let active = reported.max(seen.slots.held());
            match self.claim_hibernation(workspace, active > 0, force).await {
                Err(Fault::Problem(problem)) if problem.code == "workspace_busy" => {
                    Err(problem.with("active_tasks", active).into())
                }
                claimed => claimed,
            }
        })
        .await?;
        self.reconcile_soon(id).await;
        Ok(())
    }

    async fn claim_hibernation(&self, workspace: &Workspace, busy: bool, force: bool) -> Result<(), Fault> {
        let external = workspace.is_external();
        let trigger = Trigger::Hibernate { external, busy, force };
        let Some(status) = transition::next(Some(workspace.status), trigger)? else { return Ok(()) };
        let now = self.now();
        let mut after = workspace.moved(status, Vec::new(), now);
        after.start.was_degraded = workspace.status == Status::Degraded;
        let transaction = self.store.transaction().put_workspace(&after);
        let transaction = match self.runs(&after) {
            true => transaction.expect_provisioned(after.id, now),
            // Nobody is asked to stop it: whoever runs it sees the status in the answers to its heartbeats.
            false => {
                after.status = Status::Hibernated;
                let event =
                    Event::new(EventType::WorkspaceHibernated, json!({ "name": after.name, "tier": after.tier }));
                let transaction = self.store.transaction().put_workspace(&after).delete_lease(after.id);
                self.tell(transaction, &after, Some(event))
            }
        };
        Ok(transaction.commit().await?)
    }

    /// Pauses one workspace (T22); false if it was paused already.
    ///
    /// # Errors
    /// 404, 410, 503.
    pub async fn pause(&self, id: WorkspaceId) -> Result<bool> {
        let paused = decide(|| self.pause_round(id)).await?;
        self.reconcile_soon(id).await;
        Ok(paused)
    }

    async fn pause_round(&self, id: WorkspaceId) -> Result<bool, Fault> {
        let seen = self.store.look(id, &Look::record().lease()).await?;
        let workspace = seen.workspace.ok_or_else(Problem::no_workspace)?;
        let Some(status) = transition::next(Some(workspace.status), Trigger::Pause)? else { return Ok(false) };
        let now = self.now();
        let mut after = workspace.moved(status, Vec::new(), now);
        after.start.restart_at = None;
        if let Some(lease) = &seen.lease {
            after.monthly_spend = lease.monthly_spend.max(after.monthly_spend);
            after.last_beat = Some(lease.beat.clone());
        }
        let runs = self.runs(&after);
        if runs {
            after.url = None;
        }
        let transaction = self.store.transaction().put_workspace(&after).delete_lease(id);
        let transaction = if runs { transaction.expect_provisioned(id, now) } else { transaction.provisioned(id) };
        let event = Event::new(EventType::WorkspacePaused, json!({ "name": after.name }));
        self.tell(transaction, &after, Some(event)).commit().await?;
        Ok(true)
    }

    /// Resumes one workspace (T23); false if it is not paused.
    ///
    /// # Errors
    /// 404, 410; 409 below a paused ancestor; 503.
    pub async fn resume(&self, id: WorkspaceId) -> Result<bool> {
        let resumed = decide(|| self.resume_round(id)).await?;
        self.reconcile_soon(id).await;
        Ok(resumed)
    }

    async fn resume_round(&self, id: WorkspaceId) -> Result<bool, Fault> {
        let seen = self.store.look(id, &Look::record().lease()).await?;
        let workspace = seen.workspace.clone().ok_or_else(Problem::no_workspace)?;
        let paused_ancestor = self.has_paused_ancestor(&workspace).await?;
        let external = workspace.is_external();
        let status = match transition::next(Some(workspace.status), Trigger::Resume { external, paused_ancestor }) {
            Ok(Some(status)) => status,
            Ok(None) | Err(Refusal::WrongStatus) => return Ok(false),
            Err(refusal) => return Err(refusal.into()),
        };
        if self.runs(&workspace) {
            self.begin(&workspace, &seen, status, "resumed").await?;
            return Ok(true);
        }
        let now = self.now();
        let after = workspace.moved(status, Vec::new(), now);
        let transaction = self.store.transaction().put_workspace(&after);
        let (transaction, event) = match status {
            Status::AwaitingAgent => {
                let told = json!({ "name": after.name, "external": true });
                (transaction, Event::new(EventType::WorkspaceAwaitingAgent, told))
            }
            _ => {
                let told = rules::start::told(&after, Some(Status::Paused));
                (self.expect_start(transaction, &after), Event::new(EventType::WorkspaceProvisioning, told))
            }
        };
        self.tell(transaction, &after, Some(event)).commit().await?;
        Ok(true)
    }
}
