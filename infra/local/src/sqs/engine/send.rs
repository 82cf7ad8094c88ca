//! SendMessage.

use std::sync::Arc;

use super::content::Draft;
use super::dedup::{DedupKey, FirstSend};
use super::error::{Error, Result};
use super::queue::{State, Stored};
use super::{Engine, Queue};

const MAX_DELAY_S: u32 = 900;

/// The answer to a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The message's id; that of the first send if this was a repeat.
    pub message_id: Arc<str>,
    /// MD5 of the body as it was sent now, in hexadecimal.
    pub body_md5: String,
    /// MD5 of the attributes as they were sent now.
    pub attributes_md5: Option<String>,
    /// The place in the order of a FIFO queue; absent on a standard queue.
    pub sequence_number: Option<String>,
}

/// Sequence numbers have twenty digits, so that they sort as text too.
pub(super) fn print_sequence(number: u64) -> String {
    format!("{number:020}")
}

impl Engine {
    /// SendMessage. A repeat within five minutes is answered like the first send and adds nothing.
    pub fn send(&mut self, queue: &str, draft: Draft, now_ms: i64) -> Result<Sent> {
        let incarnation = self.incarnation;
        self.on(queue, now_ms, |queue| {
            draft.check(queue.settings.max_bytes as usize)?;
            let body_md5 = draft.content.body_md5.clone();
            let attributes_md5 = draft.content.attributes_md5.clone();
            let fifo = queue.settings.fifo;
            let first = if fifo {
                queue.send_fifo(draft, incarnation, now_ms)?
            } else {
                queue.send_standard(draft, incarnation, now_ms)?
            };
            Ok(Sent {
                message_id: first.message_id,
                body_md5,
                attributes_md5,
                sequence_number: fifo.then(|| print_sequence(first.sequence)),
            })
        })
    }
}

impl Queue {
    fn send_standard(&mut self, draft: Draft, incarnation: u64, now_ms: i64) -> Result<FirstSend> {
        if let Some(id) = &draft.dedup_id {
            return Err(Error::parameter("MessageDeduplicationId", id, "The queue is not a FIFO queue"));
        }
        let delay_s = draft.delay_s.unwrap_or(self.settings.delay_s);
        if delay_s > MAX_DELAY_S {
            return Err(Error::parameter("DelaySeconds", delay_s, "Must be >= 0 and <= 900"));
        }
        let group = draft.group.clone().unwrap_or_default();
        Ok(self.store(draft, group, None, delay_s, incarnation, now_ms))
    }

    fn send_fifo(&mut self, draft: Draft, incarnation: u64, now_ms: i64) -> Result<FirstSend> {
        let group = draft.group.clone().ok_or_else(|| Error::missing("MessageGroupId"))?;
        if let Some(delay_s @ 1..) = draft.delay_s {
            let reason = "A FIFO queue has a delay for all messages, not for one";
            return Err(Error::parameter("DelaySeconds", delay_s, reason));
        }
        let id = match &draft.dedup_id {
            Some(id) => id.clone(),
            None if self.settings.content_dedup => draft.content_dedup_id(),
            None => {
                let reason = "The queue should either have ContentBasedDeduplication enabled or \
                              MessageDeduplicationId provided explicitly";
                return Err(Error::parameter("MessageDeduplicationId", "none", reason));
            }
        };
        let key = DedupKey { group: self.settings.dedup_per_group.then(|| Arc::clone(&group)), id: id.clone() };
        if let Some(first) = self.dedup.find(&key) {
            return Ok(first.clone());
        }
        let first = self.store(draft, group, Some(id), self.settings.delay_s, incarnation, now_ms);
        self.dedup.remember(key, first.clone(), now_ms);
        Ok(first)
    }

    fn store(
        &mut self,
        draft: Draft,
        group: Arc<str>,
        dedup_id: Option<String>,
        delay_s: u32,
        incarnation: u64,
        now_ms: i64,
    ) -> FirstSend {
        let sequence = self.next_number();
        let message_id = message_id(incarnation, self.number, sequence);
        let state = match delay_s {
            0 => State::Waiting,
            _ => State::Delayed { until: now_ms + i64::from(delay_s) * 1000 },
        };
        self.insert(Stored {
            id: Arc::clone(&message_id),
            content: Arc::new(draft.content),
            group,
            dedup_id,
            dead_letter_source: None,
            sent_at: now_ms,
            receives: 0,
            first_received_at: None,
            state,
        });
        FirstSend { message_id, sequence }
    }
}

/// A UUID from the numbers that identify the message: as good as a random one, and the same in every run of a test.
fn message_id(incarnation: u64, queue: u32, message: u64) -> Arc<str> {
    let digest = md5::compute(format!("{incarnation}/{queue}/{message}"));
    uuid::Builder::from_md5_bytes(digest.0).into_uuid().to_string().into()
}
