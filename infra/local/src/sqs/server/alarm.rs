//! The alarm: lets happen in the engine what the passing of time brings, and wakes the polls that it concerns.

use std::sync::Arc;
use std::time::Duration;

use super::super::engine::Engine;
use super::shared::Shared;

/// The longest sleep. The clock may jump against the runtime's timer, when the machine was suspended or its time
/// was set; a look at it once a second bounds what that can delay.
const LONGEST: Duration = Duration::from_secs(1);

/// How long to sleep until the clock should show `instant`.
pub(super) fn until(instant: i64, now_ms: i64) -> Duration {
    let remaining = u64::try_from(instant - now_ms).unwrap_or(0).max(1);
    Duration::from_millis(remaining).min(LONGEST)
}

/// Runs until the server stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let stopped = shared.stopped();
    tokio::pin!(stopped);
    loop {
        let next = shared.operate(|engine, now_ms| {
            Engine::advance(engine, now_ms);
            engine.next_instant()
        });
        let sleep = async {
            match next {
                Some(instant) => tokio::time::sleep(until(instant, shared.now_ms())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep => {}
            () = shared.alarm.notified() => {}
            () = &mut stopped => return,
        }
    }
}
