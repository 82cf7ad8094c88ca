//! DeleteMessage and ChangeMessageVisibility: what a consumer does with a message that it received.

use super::Engine;
use super::error::{Error, ErrorCode, Result};
use super::queue::{Queue, State};
use super::receipt::Receipt;
use super::settings::VISIBILITY_S;

/// No flight is longer than this, counted from the receive, in milliseconds.
const MAX_FLIGHT_MS: i64 = *VISIBILITY_S.end() as i64 * 1000;

impl Engine {
    /// DeleteMessage. With the handle of an older receive it is accepted and does nothing, and so it is on a FIFO
    /// queue once the message has become visible again; a standard queue then still deletes.
    pub fn delete(&mut self, queue: &str, receipt_handle: &str, now_ms: i64) -> Result<()> {
        let incarnation = self.incarnation;
        self.on(queue, now_ms, |queue| {
            let receipt = Receipt::parse(receipt_handle)?;
            let current = match queue.state(receipt, incarnation) {
                Some(State::InFlight { .. }) => true,
                Some(_) => !queue.settings.fifo,
                None => false,
            };
            if current {
                queue.remove(receipt.message);
            }
            Ok(())
        })
    }

    /// ChangeMessageVisibility: invisible for `visibility_s` seconds (0 to 43,200) from now, 0 to give it back.
    ///
    /// `MessageNotInflight` when the message is visible again or in flight under a newer handle;
    /// `InvalidParameterValue` when it does not exist any more, or when its flight would be longer than 12 hours.
    pub fn change_visibility(
        &mut self,
        queue: &str,
        receipt_handle: &str,
        visibility_s: u32,
        now_ms: i64,
    ) -> Result<()> {
        let incarnation = self.incarnation;
        self.on(queue, now_ms, |queue| {
            let receipt = Receipt::parse(receipt_handle)?;
            if !VISIBILITY_S.contains(&visibility_s) {
                return Err(Error::parameter("VisibilityTimeout", visibility_s, "Must be between 0 and 43200"));
            }
            let Some(State::InFlight { since, .. }) = queue.state(receipt, incarnation) else {
                return Err(queue.not_in_flight(receipt, incarnation));
            };
            let until = now_ms + i64::from(visibility_s) * 1000;
            if until - since > MAX_FLIGHT_MS {
                let reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]";
                return Err(Error::parameter("VisibilityTimeout", visibility_s, reason));
            }
            queue.extend(receipt.message, until);
            queue.advance(now_ms);
            Ok(())
        })
    }
}

impl Queue {
    /// The state of the message, if the receipt is that of its last receive.
    fn state(&self, receipt: Receipt, incarnation: u64) -> Option<State> {
        self.known(receipt, incarnation)
            .and_then(|message| self.get(message))
            .filter(|stored| stored.receives == receipt.receive)
            .map(|stored| stored.state)
    }

    /// The message, if the receipt is from this queue in this run.
    fn known(&self, receipt: Receipt, incarnation: u64) -> Option<u64> {
        (receipt.incarnation == incarnation && receipt.queue == self.number).then_some(receipt.message)
    }

    fn not_in_flight(&self, receipt: Receipt, incarnation: u64) -> Error {
        match self.known(receipt, incarnation).and_then(|message| self.get(message)) {
            Some(_) => Error::new(
                ErrorCode::MessageNotInflight,
                "The message is not in flight under this receipt handle: its visibility timeout has ended.",
            ),
            None => Error::parameter(
                "ReceiptHandle",
                receipt.handle(),
                "Message does not exist or is not available for visibility timeout change",
            ),
        }
    }
}
