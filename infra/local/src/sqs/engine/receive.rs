//! ReceiveMessage, without the waiting, which is the server's.

use std::sync::Arc;

use super::attempts::Handed;
use super::backlog::Picking;
use super::content::Content;
use super::error::{Error, ErrorCode, Result};
use super::queue::{State, Stored};
use super::receipt::Receipt;
use super::send::print_sequence;
use super::settings::VISIBILITY_S;
use super::{Engine, Queue};

/// What a receive asks for.
#[derive(Debug, Clone, Default)]
pub struct Receive {
    /// At most this many messages, 1 to 10; one if absent.
    pub max: Option<u32>,
    /// For how many seconds the messages are the consumer's; the queue's visibility timeout if absent.
    pub visibility_s: Option<u32>,
    /// Names the attempt, so that it can be repeated if its answer is lost. FIFO queues only.
    pub attempt_id: Option<String>,
}

/// A message handed to a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message's id.
    pub message_id: Arc<str>,
    /// What the consumer deletes the message with, or changes its visibility.
    pub receipt_handle: String,
    /// Body and attributes.
    pub content: Arc<Content>,
    /// The message group.
    pub group: Option<Arc<str>>,
    /// The de-duplication id, the sender's or the one of the content.
    pub dedup_id: Option<String>,
    /// The place in the order of a FIFO queue.
    pub sequence_number: Option<String>,
    /// When it was sent, in Unix milliseconds.
    pub sent_at: i64,
    /// How often it was received, this time included.
    pub receives: u32,
    /// When it was first received, in Unix milliseconds.
    pub first_received_at: i64,
    /// The name of the queue whose dead letter it is.
    pub dead_letter_source: Option<Arc<str>>,
}

impl Engine {
    /// ReceiveMessage: the messages that are receivable now, none if there are none. A message that was received as
    /// often as the redrive policy allows goes to the dead-letter queue instead.
    pub fn receive(&mut self, queue: &str, receive: &Receive, now_ms: i64) -> Result<Vec<Delivery>> {
        let incarnation = self.incarnation;
        let dead_letter_queue = self.dead_letter_queue(queue);
        let (deliveries, exhausted) =
            self.on(queue, now_ms, |queue| queue.receive(receive, dead_letter_queue.is_some(), incarnation, now_ms))?;
        if let Some(target) = dead_letter_queue {
            let source: Arc<str> = queue.into();
            for stored in exhausted {
                self.on(&target, now_ms, |queue| {
                    queue.bury(stored, Arc::clone(&source), now_ms);
                    Ok(())
                })?;
            }
        }
        Ok(deliveries)
    }

    /// The seconds that a receive waits on this queue if it does not say.
    pub fn default_wait_s(&self, queue: &str) -> Result<u32> {
        self.queues.get(queue).map(|queue| queue.settings.wait_s).ok_or_else(|| Error::no_queue(queue))
    }

    /// The queue's dead-letter queue, if it has one that still exists and is another.
    fn dead_letter_queue(&self, queue: &str) -> Option<Arc<str>> {
        let target = &self.queues.get(queue)?.settings.redrive.as_ref()?.target;
        self.queues.get_key_value(target.as_str()).map(|(name, _)| Arc::clone(name)).filter(|name| **name != *queue)
    }
}

impl Queue {
    fn receive(
        &mut self,
        receive: &Receive,
        redrive: bool,
        incarnation: u64,
        now_ms: i64,
    ) -> Result<(Vec<Delivery>, Vec<Stored>)> {
        let max = receive.max.unwrap_or(1);
        if !(1..=10).contains(&max) {
            return Err(Error::parameter("MaxNumberOfMessages", max, "Must be between 1 and 10, if provided"));
        }
        let visibility_s = receive.visibility_s.unwrap_or(self.settings.visibility_s);
        if !VISIBILITY_S.contains(&visibility_s) {
            return Err(Error::parameter("VisibilityTimeout", visibility_s, "Must be between 0 and 43200"));
        }
        let until = now_ms + i64::from(visibility_s) * 1000;
        let attempt = receive.attempt_id.as_deref().filter(|_| self.settings.fifo);
        let (messages, exhausted) = match attempt.and_then(|id| self.attempted(id)) {
            Some(again) => {
                again.iter().for_each(|message| self.extend(*message, until));
                (again, Vec::new())
            }
            None => self.pick(max as usize, redrive, now_ms, until)?,
        };
        if let Some(id) = attempt.filter(|_| !messages.is_empty()) {
            let handed = messages.iter().filter_map(|message| self.handed(*message)).collect();
            self.attempts.remember(id, handed, now_ms);
        }
        let deliveries = messages.iter().filter_map(|message| self.delivery(*message, incarnation)).collect();
        Ok((deliveries, exhausted))
    }

    fn pick(&mut self, max: usize, redrive: bool, now_ms: i64, until: i64) -> Result<(Vec<u64>, Vec<Stored>)> {
        let max_receives = self.settings.redrive.as_ref().filter(|_| redrive).map_or(u32::MAX, |it| it.max_receives);
        let (mut picked, mut exhausted) = (Vec::new(), Vec::new());
        let mut picking = Picking::default();
        while picked.len() < max {
            if self.full() {
                if picked.is_empty() && !self.settings.fifo {
                    let message = "Too many messages of this queue are in flight. Delete some first.";
                    return Err(Error::new(ErrorCode::OverLimit, message));
                }
                break;
            }
            let Some(message) = self.take(&mut picking, now_ms, until) else { break };
            if self.get(message).is_some_and(|stored| stored.receives > max_receives) {
                exhausted.extend(self.remove(message));
            } else {
                picked.push(message);
            }
        }
        Ok((picked, exhausted))
    }

    /// The messages of an earlier attempt, if all are as they were then.
    fn attempted(&self, id: &str) -> Option<Vec<u64>> {
        let handed = self.attempts.find(id)?;
        let unchanged = handed.iter().all(|it| self.handed(it.message).as_ref() == Some(it));
        unchanged.then(|| handed.iter().map(|it| it.message).collect())
    }

    fn handed(&self, message: u64) -> Option<Handed> {
        let stored = self.get(message)?;
        let State::InFlight { until, .. } = stored.state else { return None };
        Some(Handed { message, receive: stored.receives, visible_at: until })
    }

    fn delivery(&self, message: u64, incarnation: u64) -> Option<Delivery> {
        let stored = self.get(message)?;
        let receipt = Receipt { incarnation, queue: self.number, message, receive: stored.receives };
        Some(Delivery {
            message_id: Arc::clone(&stored.id),
            receipt_handle: receipt.handle(),
            content: Arc::clone(&stored.content),
            group: Some(&stored.group).filter(|group| !group.is_empty()).cloned(),
            dedup_id: stored.dedup_id.clone(),
            sequence_number: self.settings.fifo.then(|| print_sequence(message)),
            sent_at: stored.sent_at,
            receives: stored.receives,
            first_received_at: stored.first_received_at.unwrap_or_default(),
            dead_letter_source: stored.dead_letter_source.clone(),
        })
    }

    /// Takes in a dead letter. Its age goes on on a standard queue and begins anew on a FIFO queue, as SQS has it.
    fn bury(&mut self, stored: Stored, source: Arc<str>, now_ms: i64) {
        self.insert(Stored {
            dead_letter_source: Some(source),
            sent_at: if self.settings.fifo { now_ms } else { stored.sent_at },
            receives: 0,
            first_received_at: None,
            state: State::Waiting,
            ..stored
        });
        // A standard dead letter may be older than this queue keeps messages.
        self.advance(now_ms);
    }
}
