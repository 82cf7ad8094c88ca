//! `queued → dispatched`: a received pointer's message gets a slot, in one transaction; or why not. Drains and inboxes
//! lease in the same way.

use std::time::Duration;

use bytes::Bytes;
use rules::dispatch::{Gate, gate};
use rules::lease::Beat;
use rules::liveness::effective;
use rules::message::{Message, State};
use rules::slots::busy;
use rules::workspace::Workspace;
use rules::{WorkspaceId, restart_message};

use crate::decide::{Fault, decide};
use crate::entropy::digest_bytes;
use crate::fires::Given;
use crate::lost::dedupes;
use crate::measures;
use crate::platform::Platform;
use crate::problem::Result;
use crate::queues::Received;
use crate::store::{BodyKind, Look, SlotsChange, Snapshot, StoreError};

/// Which slot a message gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// One that a drain has claimed.
    Claimed(&'a str),
    /// Any that is free now, for an agent that fetches.
    Free,
}

/// A message that is in nobody's hands but ours.
#[derive(Debug)]
pub struct Taken {
    /// Its target.
    pub workspace: Workspace,
    /// Itself, with slot and epoch.
    pub message: Message,
    /// Its body.
    pub body: Bytes,
    /// The agent de-duplicates by messageId.
    pub dedupes: bool,
}

/// What a leased message's agent gets.
enum Input {
    /// Its body, and what that was made of, if it was made just now.
    Ready(Bytes, Option<Given>),
    /// There is none, so the message ends.
    Gone(State, &'static str),
}

/// What is to be done with a received pointer.
#[derive(Debug)]
pub enum Leased {
    /// Its message is ours.
    Taken(Box<Taken>),
    /// It points to nothing that waits: delete it.
    Stale,
    /// Its message must wait this long.
    Wait(Duration),
    /// The slot is not ours any more, or none is free.
    NoSlot,
    /// The agent has become busy since the slot was claimed.
    Full,
    /// Its message ends here.
    End(State, String),
}

impl Platform {
    /// Leases a received message for `length`. All that its delivery needs is done before: between a leased message and
    /// its agent stands nothing that could fail.
    ///
    /// # Errors
    /// 503 when table or queue do not answer.
    pub async fn lease(
        &self,
        id: WorkspaceId,
        received: &Received,
        place: Place<'_>,
        length: Duration,
    ) -> Result<Leased> {
        decide(|| self.lease_round(id, received, place, length)).await
    }

    async fn lease_round(
        &self,
        id: WorkspaceId,
        received: &Received,
        place: Place<'_>,
        length: Duration,
    ) -> Result<Leased, Fault> {
        let now = self.now();
        let Some(pointer) = &received.pointer else { return Ok(Leased::Stale) };
        let look = Look::record().lease().slots().message(pointer.message);
        let mut snapshot = self.store.look(id, &look).await?;
        let Some(mut message) = snapshot.message.take() else { return Ok(Leased::Stale) };
        if snapshot.workspace.is_none() || message.send_epoch != pointer.epoch {
            return Ok(Leased::Stale);
        }
        if message.state.is_held() {
            return self.meanwhile(&message, &snapshot).await;
        }
        let Some(workspace) = snapshot.workspace.filter(|_| message.state == State::Queued) else {
            return Ok(Leased::Stale);
        };
        if restart_message::is_over(&message, &workspace) {
            return Ok(Leased::End(State::Coalesced, "it was started anew since".to_owned()));
        }
        let status = effective(&workspace, snapshot.lease.as_ref(), now).status;
        match gate(&message, status, now) {
            Gate::Open => {}
            Gate::Wait(_) => {
                let until = message.not_before.filter(|at| *at > now);
                return Ok(Leased::Wait(until.map_or(Duration::ZERO, |at| at.since(now))));
            }
            Gate::End(state, reason) => return Ok(Leased::End(state, reason)),
        }
        let mut slots = snapshot.slots;
        let beat: Option<&Beat> = snapshot.lease.as_ref().map(|lease| &lease.beat);
        let free = match place {
            Place::Claimed(name) => Some(name.to_owned()),
            Place::Free => slots.claim(beat, workspace.max_concurrent_tasks, now, length).map(|(name, _)| name),
        };
        let Some(name) = free else { return Ok(Leased::NoSlot) };
        // A drain may have waited with its slot for a while, and the agent found something else to do.
        if place != Place::Free && busy(&slots, beat, now) > workspace.max_concurrent_tasks {
            return Ok(Leased::Full);
        }
        let Some(slot) = slots.fill(&name, message.id, workspace.generation, now, now + length) else {
            return Ok(Leased::NoSlot);
        };
        let (body, given) = match self.input(&message).await? {
            Input::Ready(body, given) => (body, given),
            Input::Gone(state, reason) => return Ok(Leased::End(state, reason.to_owned())),
        };
        self.queues.hide(id, received.priority, &received.receipt, length).await?;
        let fetched = place == Place::Free;
        message.lease(now, &name, &slot, &received.receipt, fetched);
        if fetched {
            message.note(now, "sent", "the agent fetched it");
            message.deliver(now, "the agent fetched it and has not answered yet");
        }
        if given.is_some() {
            message.body_digest = digest_bytes(&body);
        }
        message.version += 1;
        let mut transaction = self.store.transaction().put_message(&message, self.config.retention);
        // A delete takes the slots away; only the first claim, which makes them, could bring them back.
        if slots.version == 0 {
            transaction = transaction.check_workspace(&workspace);
        }
        transaction = transaction.put_slots(id, SlotsChange::to(&slots).fed(fetched));
        if given.is_some() {
            let (keep, life) = (self.config.retention, message.deadline.since(now));
            transaction =
                self.store.with_body(transaction, message.id, BodyKind::Request, &body, now, life + keep).await?;
        }
        transaction = self.follow(transaction, &workspace, &message, None, given.as_ref()).await?;
        transaction.commit().await?;
        measures::handed_over(now.since(message.not_before.unwrap_or(message.accepted_at)));
        let dedupes = dedupes(&workspace, snapshot.lease.as_ref());
        Ok(Leased::Taken(Box::new(Taken { workspace, message, body, dedupes })))
    }

    /// What the agent is to get: the stored body, or the one that is made now for the turn of a schedule.
    async fn input(&self, message: &Message) -> Result<Input, StoreError> {
        if let Some(of) = message.fire {
            return Ok(match self.give(message, of).await? {
                Some(given) => Input::Ready(Bytes::from(given.body.clone()), Some(given)),
                None => Input::Gone(State::Cancelled, "its schedule was deleted"),
            });
        }
        match self.store.body(message.id, BodyKind::Request).await {
            Ok(Some(body)) => Ok(Input::Ready(body, None)),
            Ok(None) => Ok(Input::Gone(State::Failed, "its body is gone")),
            Err(StoreError::Corrupt(why)) => {
                tracing::error!(message = %message.id, why, "a body that cannot be read");
                Ok(Input::Gone(State::Failed, "its body cannot be read"))
            }
            Err(error) => Err(error),
        }
    }

    /// The pointer of a message that somebody holds has come back: SQS delivers a pointer twice at times, and it comes
    /// back when its delivery's time ran out.
    async fn meanwhile(&self, message: &Message, seen: &Snapshot) -> Result<Leased, Fault> {
        let now = self.now();
        let slot = message.slot.as_ref().and_then(|name| seen.slots.slots.get(name));
        match slot.filter(|slot| slot.epoch == message.slot_epoch && slot.until > now) {
            Some(live) => Ok(Leased::Wait(live.until.since(now))),
            None => {
                let dedupes = seen.workspace.as_ref().is_some_and(|workspace| dedupes(workspace, seen.lease.as_ref()));
                self.lose(message, rules::dispatch::Loss::RanOut, dedupes).await?;
                Err(Fault::Moved)
            }
        }
    }
}
