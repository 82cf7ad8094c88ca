//! Ending turns that do not end: the rung is noted with its event, the agent is told by its next heartbeat and, where it is
//! called, at once; on the last rung its message fails and its room is free.

use rules::event::{Event, EventType};
use rules::ladder::{Ladder, Limits, Rung, Waiting, climb, next_look, turn};
use rules::workspace::Workspace;
use rules::{Timestamp, WorkspaceId};
use serde_json::json;

use crate::decide::{Fault, decide};
use crate::delivery::{Delivery, Ending, SlotAfter};
use crate::platform::Platform;
use crate::problem::Result;
use crate::queues::Reminder;
use crate::store::{Look, SlotsChange, StoreError};

impl Platform {
    /// The limits of a turn.
    pub fn turn_limits(&self) -> Limits {
        Limits { ceiling: self.config.max_turn, grace: self.config.turn_grace }
    }

    /// Climbs the rung that the oldest turn of a workspace has reached, and asks to be reminded of the next one.
    ///
    /// # Errors
    /// 503 when the table does not answer; looking again climbs.
    pub async fn climb(&self, id: WorkspaceId) -> Result<()> {
        let Some((ladder, next)) = decide(|| self.climb_round(id)).await? else { return Ok(()) };
        if let Some(ladder) = ladder {
            tracing::warn!(workspace = %id, rung = ladder.rung.as_str(), reason = ladder.reason, "a turn runs too long");
            if ladder.rung == Rung::Restart {
                self.end_turn(id, &ladder).await?;
                self.restart(id, &ladder.reason).await;
                self.wake_drain(id).await;
            }
            if let Err(error) = self.queues.hand_to_dispatch(&Reminder::Control { workspace_id: id }).await {
                tracing::warn!(%error, workspace = %id, "the agent hears of it by its next heartbeat only");
            }
        }
        if let Some(next) = next {
            let reminder = Reminder::Ladder { workspace_id: id };
            if let Err(error) = self.queues.remind(&reminder, next.since(self.now())).await {
                tracing::warn!(%error, workspace = %id, "no reminder of the next rung; the sweep looks");
            }
        }
        Ok(())
    }

    /// The rung that was climbed, if any, and when to look again; none where no turn runs.
    async fn climb_round(&self, id: WorkspaceId) -> Result<Option<(Option<Ladder>, Option<Timestamp>)>, Fault> {
        let now = self.now();
        let seen = self.store.look(id, &Look::record().lease().slots()).await?;
        let Some(workspace) = seen.workspace.filter(|workspace| !workspace.status.is_stopped()) else {
            return Ok(None);
        };
        let Some(running) = turn(&seen.slots, seen.lease.as_ref()) else { return Ok(None) };
        let limits = self.turn_limits();
        let waiting = match seen.slots.waiting() {
            0 => None,
            _ => self.waiting_fire(&workspace).await?,
        };
        let next = next_look(running, limits, now);
        let Some(ladder) = climb(running, seen.slots.ladder.as_ref(), waiting, limits, now) else {
            return Ok(Some((None, None)));
        };
        let mut slots = seen.slots;
        slots.ladder = Some(ladder.clone());
        let mut transaction = self.store.transaction().put_slots(id, SlotsChange::to(&slots));
        if seen.lease.is_some() {
            transaction = transaction.raise_control(id);
        }
        let kind = match ladder.rung {
            Rung::WrapUp => EventType::TurnWrapUp,
            Rung::Cancel => EventType::TurnCancelled,
            Rung::Restart => EventType::TurnRestarted,
        };
        let told = json!({
            "rung": ladder.rung,
            "since": ladder.since.rfc3339(),
            "queue_id": ladder.message,
            "reason": ladder.reason,
        });
        self.tell(transaction, &workspace, Some(Event::new(kind, told))).commit().await?;
        Ok(Some((Some(ladder), next)))
    }

    /// The fire that has waited for longest in terms of its interval.
    async fn waiting_fire(&self, workspace: &Workspace) -> Result<Option<Waiting>, StoreError> {
        let now = self.now();
        let schedules = self.store.schedules(workspace.id).await?;
        let waiting = schedules.iter().filter_map(|schedule| {
            let open = schedule.waiting().filter(|open| !open.manual)?;
            let since = schedule.not_fired.map_or(open.nominal, |not_fired| not_fired.since);
            let interval = schedule.cron().ok()?.next_after(open.nominal)?.since(open.nominal);
            Some(Waiting { since, interval })
        });
        Ok(waiting.max_by_key(|waiting| now.since(waiting.since).saturating_sub(waiting.interval)))
    }

    /// An agent that obeyed no rung is started anew by whatever runs it; one that was told does it by itself.
    async fn restart(&self, id: WorkspaceId, reason: &str) {
        let held = |workspace: &Workspace| workspace.status.is_live();
        let asked = match self.store.workspace(id).await {
            Ok(Some(workspace)) if self.runs(&workspace) => self.restart_by_itself(id, reason, held).await.map(drop),
            Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        };
        self.reconcile_soon(id).await;
        if let Err(problem) = asked {
            tracing::error!(workspace = %id, code = problem.code, "a runtime that holds a turn was not restarted");
        }
    }

    /// The message of a turn that did not stop fails; what the agent still answers is late.
    async fn end_turn(&self, id: WorkspaceId, ladder: &Ladder) -> Result<()> {
        let Some(message) = ladder.message else { return Ok(()) };
        let Some(message) = self.store.message(id, message).await?.filter(|message| message.state.is_held()) else {
            return Ok(());
        };
        let ending = Ending::Failed(format!("turn_ceiling: {}", ladder.reason));
        self.end_delivery(&Delivery::of(&message), &ending, SlotAfter::Free).await?;
        Ok(())
    }
}
