//! What all connections share: the engine, its clock, and who is to be told when something changes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};

use super::super::engine::Engine;
use super::Clock;
use super::waiters::Waiters;

/// The path of every queue URL before the queue's name: the account, the same as in the ARNs.
const ACCOUNT_PATH: &str = "000000000000";

pub(super) struct Shared {
    engine: Arc<Mutex<Engine>>,
    clock: Clock,
    endpoint: String,
    pub(super) waiters: Waiters,
    /// Rings when the engine's next instant may be earlier than it was.
    pub(super) alarm: Notify,
    stopping: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn new(engine: Engine, clock: Clock, endpoint: String) -> Self {
        Self {
            engine: Arc::new(Mutex::new(engine)),
            clock,
            endpoint,
            waiters: Waiters::default(),
            alarm: Notify::new(),
            stopping: watch::Sender::new(false),
        }
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) fn engine(&self) -> Arc<Mutex<Engine>> {
        Arc::clone(&self.engine)
    }

    pub(super) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// The URL of a queue. Only its last segment is ever read back, so URLs of another port stay good.
    pub(super) fn queue_url(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT_PATH}/{queue}", self.endpoint)
    }

    /// One operation of the engine, at the time of the clock, and the news of it to the polls and the alarm.
    pub(super) fn operate<T>(&self, act: impl FnOnce(&mut Engine, i64) -> T) -> T {
        let (result, woken, earlier) = {
            // A panic in the engine is a defect of this crate; the other queues are still worth serving.
            let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
            let before = engine.next_instant();
            // The clock is read under the lock, so that the engine's time does not run backwards.
            let result = act(&mut engine, self.now_ms());
            let after = engine.next_instant();
            let earlier = after.is_some_and(|after| before.is_none_or(|before| after < before));
            (result, engine.take_woken(), earlier)
        };
        self.waiters.wake(&woken);
        if earlier {
            self.alarm.notify_one();
        }
        result
    }

    pub(super) fn poke(&self) {
        self.operate(Engine::advance);
        self.waiters.wake_all();
        self.alarm.notify_one();
    }

    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Completes when the server is to stop.
    pub(super) async fn stopped(&self) {
        // The sender lives as long as `self`, so there is no other way out than the wanted one.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
