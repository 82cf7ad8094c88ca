//! Messages are fetched: one long poll after the other while there is room, a turn for each message, its lease extended
//! while the turn runs and until its answer is taken.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use reqwest::StatusCode;
use serde_json::json;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, sleep_until},
};
use tracing::{info, warn};

use crate::{
    backoff::Backoff,
    command::Input,
    delivery::{Debt, ReplyTo, post},
    platform::{CallError, Item},
    rpc,
    server::work,
    state::{State, Stop},
    turns::Admission,
};

/// How long a poll waits for a message; the platform may know a shorter time.
const WAIT: Duration = Duration::from_secs(20);
/// An empty answer that came sooner than this was no wait at all, and the next poll keeps this distance.
const DISTANCE: Duration = Duration::from_millis(500);
/// The most messages of one poll.
const MOST: usize = 10;
/// The shortest time between two extensions of a lease.
const SHORTEST_EXTENSION: Duration = Duration::from_millis(200);

/// Fetches messages for as long as it lives; starts when the workspace is registered.
pub async fn keep_fetching(state: Arc<State>) {
    state.registration.tried().await;
    // A message is in hand until its answer is taken: before that the platform has no room for another one either.
    let hands = Arc::new(Semaphore::new(state.options.max_concurrent.get()));
    let mut backoff = Backoff::default();
    loop {
        let turns = state.turns.room().await;
        drop(hands.acquire().await);
        let room = turns.min(hands.available_permits()).clamp(1, MOST);
        let begun = Instant::now();
        let token = state.credentials.current();
        match state.platform.inbox(token.as_ref(), state.options.workspace, WAIT, room).await {
            Ok(inbox) => {
                backoff.reset();
                let empty = inbox.items.is_empty();
                for item in inbox.items {
                    take(&state, item, Arc::clone(&hands).try_acquire_owned().ok());
                }
                if empty {
                    sleep_until((begun + DISTANCE).into()).await;
                }
            }
            Err(failure) => {
                explain(&state, &failure, token.as_ref());
                let pause = backoff.next(failure.retry_after());
                tokio::select! {
                    () = sleep(pause) => {}
                    // A heartbeat got through and says that there is work; not at once, though.
                    () = state.pending.notified() => sleep_until((begun + DISTANCE).into()).await,
                }
            }
        }
    }
}

fn explain(state: &State, failure: &CallError, token: Option<&crate::secret::Secret>) {
    match failure.status() {
        Some(StatusCode::UNAUTHORIZED) if !state.credentials.refresh(token) => state.registration.want(),
        Some(StatusCode::GONE) => return state.stop(Stop::Removed),
        // Not live yet, or somebody set another mode: both are settled by what runs beside this.
        Some(StatusCode::CONFLICT) if failure.to_string().contains("not_polling") => state.registration.want(),
        Some(StatusCode::CONFLICT) => state.nudge_heartbeat(),
        _ => {}
    }
    warn!("the inbox cannot be read: {failure}");
}

/// Starts a turn for a fetched message, or joins the one it has; without room it is given back.
fn take(state: &Arc<State>, item: Item, hand: Option<OwnedSemaphorePermit>) {
    let to = ReplyTo { queue_id: item.queue_id, slot_epoch: item.slot_epoch, fetched: true };
    let lease = Duration::try_from_secs_f64(item.lease_seconds).unwrap_or(WAIT);
    let owner = Arc::clone(state);
    let call = match rpc::parse(item.body.get().as_bytes()) {
        Ok(call) => call,
        Err(rejected) => {
            let response = rejected.response();
            tokio::spawn(async move { post(&owner, &to, &response).await });
            return;
        }
    };
    let key = call.message_id.clone().map(|id| (item.caller_id.clone(), id));
    let turn = match state.turns.admit(key, || state.activity.begin(&call.text)) {
        Admission::Busy => {
            tokio::spawn(async move { give_back(&owner, &to).await });
            return;
        }
        Admission::Joined(turn) => turn,
        Admission::Started(turn, run) => {
            let input = Input {
                text: call.text.clone(),
                caller: item.caller_id,
                context_id: call.context_id.clone(),
                message_id: call.message_id.clone(),
                queue_id: Some(to.queue_id.clone()),
                traceparent: item.traceparent,
                tracestate: item.tracestate,
            };
            tokio::spawn(work(Arc::clone(state), run, input));
            turn
        }
    };
    tokio::spawn(async move {
        let _hand = hand;
        let debt = Debt::of(Arc::clone(&owner), call, turn, to.clone());
        tokio::select! {
            () = debt.pay() => {}
            () = keep(&owner, &to, lease) => {
                let turns = owner.children.signal(Signal::SIGKILL, Some(&to.queue_id));
                warn!(queue_id = to.queue_id, turns, "the lease is over or the message was cancelled; its turn is stopped");
            }
        }
    });
}

/// Extends a lease at half of its time; ends when it is not ours any more.
async fn keep(state: &State, to: &ReplyTo, mut lease: Duration) {
    loop {
        sleep((lease / 2).max(SHORTEST_EXTENSION)).await;
        let token = state.credentials.current();
        let asked = json!({ "slot_epoch": to.slot_epoch });
        match state.platform.extend(token.as_ref(), state.options.workspace, &to.queue_id, &asked).await {
            Ok(extended) => lease = Duration::try_from_secs_f64(extended.lease_seconds).unwrap_or(lease),
            Err(refusal) if matches!(refusal.status(), Some(StatusCode::CONFLICT | StatusCode::NOT_FOUND)) => return,
            Err(failure) => {
                // There is time for more tries before it runs out.
                warn!(queue_id = to.queue_id, "a lease could not be extended: {failure}");
                lease /= 4;
            }
        }
    }
}

async fn give_back(state: &State, to: &ReplyTo) {
    let body = json!({ "slot_epoch": to.slot_epoch, "delay_seconds": 0, "reason": "no room for another turn" });
    let token = state.credentials.current();
    match state.platform.settle(token.as_ref(), state.options.workspace, &to.queue_id, "nack", &body).await {
        Ok(()) => info!(queue_id = to.queue_id, "gave a message back"),
        // Its lease runs out by itself.
        Err(failure) => warn!(queue_id = to.queue_id, "a message could not be given back: {failure}"),
    }
}
