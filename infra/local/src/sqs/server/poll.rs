//! Long polls: a receive that waits for a message.

use super::super::engine::{Delivery, Error, ErrorCode, MAX_WAIT_S, Receive, Result};
use super::alarm;
use super::shared::Shared;

/// Receives, and waits for at most `wait_s` seconds (0 to [`MAX_WAIT_S`]) of the engine's clock while there is
/// nothing. Without `wait_s` it waits as long as the queue's attribute says.
///
/// A poll whose client goes away takes no message with it: the connection drops this future, and between the engine's
/// handing out and the answer there is no await.
pub(super) async fn receive(
    shared: &Shared,
    queue: &str,
    receive: &Receive,
    wait_s: Option<u32>,
) -> Result<Vec<Delivery>> {
    if wait_s.is_some_and(|wait_s| wait_s > MAX_WAIT_S) {
        return Err(Error::new(
            ErrorCode::InvalidParameterValue,
            format!("The WaitTimeSeconds of a receive must be between 0 and {MAX_WAIT_S}, if provided."),
        ));
    }
    let wait_ms =
        1000 * i64::from(wait_s.map_or_else(|| shared.operate(|engine, _| engine.default_wait_s(queue)), Ok)?);
    let place = shared.waiters.join(queue);
    let stopped = shared.stopped();
    tokio::pin!(stopped);
    let mut deadline = None;
    loop {
        // The bell is listened to from here on; what rang before is found by the receive.
        let bell = place.bell.notified();
        let (found, now_ms) = shared.operate(|engine, now_ms| {
            let found = engine.receive(queue, receive, now_ms)?;
            Ok((found, now_ms))
        })?;
        let deadline = *deadline.get_or_insert(now_ms + wait_ms);
        if !found.is_empty() || now_ms >= deadline || shared.is_stopping() {
            return Ok(found);
        }
        tokio::select! {
            () = bell => {}
            () = tokio::time::sleep(alarm::until(deadline, now_ms)) => {}
            () = &mut stopped => {}
        }
        // The sockets first: if the client has left in the meantime, the connection drops this future here.
        tokio::task::yield_now().await;
    }
}
