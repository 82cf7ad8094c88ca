//! Answers as server-sent events: the stored events of a message's answer, as they come and again from any of them.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http::StatusCode;
use platform::store::{BodyKind, Place};
use platform::{Call, Platform, Problem, Reply, Result};
use rules::dispatch::waiting_for;
use rules::envelope::{Form, Generation};
use rules::message::{Message, State};
use rules::task::{Asked, Fold, Said, StreamEvent, View, as_updates, said};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::answer::Waiter;

/// The content type of server-sent events.
pub(crate) const TYPE: &str = "text/event-stream";
/// The looks for events come at these distances after the last one that came, and then at the last distance.
const LOOKS: [u64; 7] = [5, 10, 20, 50, 100, 200, 500];
/// A stream in which nothing happens says so at this distance, so that nobody in between closes it.
const QUIET: Duration = Duration::from_secs(15);
/// The largest answer of a gateway that does not stream, in bytes; what is left is read from the last event on.
const MOST_BUFFERED: usize = 4 * 1024 * 1024;

/// How a stream begins.
pub(crate) enum Begin {
    /// With the first event.
    First,
    /// After this event.
    After(Place),
    /// With the task as it is now.
    Now,
}

/// The event after which the caller wants to go on, if it names one.
///
/// # Errors
/// 400 `invalid_header` when it is no event's id.
pub(crate) fn resume(call: &Call) -> Result<Option<Place>> {
    let Some(id) = call.header("last-event-id").filter(|id| !id.is_empty()) else { return Ok(None) };
    id.parse().map(Some).map_err(|()| {
        Problem::bad_request("invalid_header", "Last-Event-ID must be the id of an event of this stream, like 3-14")
    })
}

/// The answer to a message as a stream of events. Where the way back is live they go out as they come, until the answer is
/// whole; else they are collected for as long as a sender waits.
pub(crate) async fn answer(
    platform: &Platform,
    message: Message,
    waiter: Waiter,
    live: bool,
    begin: Begin,
) -> Result<Reply> {
    let (queue_id, version) = (message.id.to_string(), waiter.form.generation.version());
    let mut reader = Reader::new(platform, message, waiter, live);
    match begin {
        Begin::First => {}
        Begin::After(place) => reader.skip_to(place).await?,
        Begin::Now => reader.show_now().await?,
    }
    let reply = if live {
        let pieces = stream::unfold(reader, |mut reader| async move { Some((reader.next().await?, reader)) });
        Reply::live(TYPE, pieces.boxed())
    } else {
        let mut body = Vec::new();
        while body.len() < MOST_BUFFERED
            && let Some(piece) = reader.next().await
        {
            body.extend_from_slice(&piece);
        }
        Reply::raw(StatusCode::OK, TYPE, body)
    };
    Ok(reply
        .header("cache-control", "no-store")
        .header("x-accel-buffering", "no")
        .header("a2a-version", version)
        .header("x-molecule-queue-id", &queue_id))
}

struct Reader {
    platform: Platform,
    message: Message,
    waiter: Waiter,
    live: bool,
    /// One of the senders that may wait in this process; without it, there is one look.
    room: Option<OwnedSemaphorePermit>,
    /// The last event that was shown, and the item that it came from.
    after: Place,
    item: Option<String>,
    /// What the shown events amount to.
    shown: Fold,
    /// A task was shown: whole ones are told as updates from then on.
    task_shown: bool,
    /// What is ready to be shown first.
    first: Option<Bytes>,
    begun: Instant,
    /// When something was shown last.
    last: Instant,
    looks: usize,
    ended: bool,
}

impl Reader {
    fn new(platform: &Platform, message: Message, waiter: Waiter, live: bool) -> Self {
        let now = Instant::now();
        Self {
            room: platform.waiting.clone().try_acquire_owned().ok(),
            platform: platform.clone(),
            message,
            waiter,
            live,
            after: Place::default(),
            item: None,
            shown: Fold::default(),
            task_shown: false,
            first: None,
            begun: now,
            last: now,
            looks: 0,
            ended: false,
        }
    }

    /// Goes on after an event: what came up to it is known.
    async fn skip_to(&mut self, place: Place) -> Result<()> {
        let mut item = None;
        for stored in self.platform.store.events_after(self.message.id, Place::default(), &mut item).await? {
            if stored.place <= place {
                self.note(&stored.event);
            }
        }
        self.after = place;
        Ok(())
    }

    /// Begins with the task as its events or the record tell it, and goes on after them.
    async fn show_now(&mut self) -> Result<()> {
        let events = self.platform.store.events_after(self.message.id, Place::default(), &mut self.item).await?;
        let mut fold = Fold::default();
        for stored in events {
            self.after = stored.place;
            fold.add(&stored.event);
        }
        let task = fold.task().unwrap_or_else(|| self.record(None));
        self.first = Some(self.render(&task));
        Ok(())
    }

    /// The next piece; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        while !self.ended {
            match self.look().await {
                Ok(Some(piece)) => {
                    (self.looks, self.last) = (0, Instant::now());
                    return Some(piece);
                }
                Ok(None) => {}
                // Accepted is accepted; the next look may see again.
                Err(problem) => tracing::warn!(code = problem.code, message = %self.message.id, "no look at a stream"),
            }
            let now = Instant::now();
            if now >= self.end() {
                self.ended = true;
                return self.close_open();
            }
            if self.live && now - self.last >= QUIET {
                self.last = now;
                return Some(Bytes::from_static(b": waiting\n\n"));
            }
            let distance = LOOKS.get(self.looks).or(LOOKS.last()).copied().unwrap_or_default();
            self.looks += 1;
            tokio::time::sleep_until(self.end().min(now + Duration::from_millis(distance))).await;
        }
        None
    }

    /// Until when to wait. A live stream lasts as long as its agent works; for an agent that does not take the message
    /// there is no use in waiting longer than any sender does.
    fn end(&self) -> Instant {
        if self.room.is_none() {
            return self.begun;
        }
        if self.live && self.message.state.is_held() {
            return self.begun + self.platform.config.dispatch_hold;
        }
        self.begun + self.waiter.longest.unwrap_or_default()
    }

    /// What is new. The record is read first: when it has ended, every event is there.
    async fn look(&mut self) -> Result<Option<Bytes>> {
        let (target, id) = (self.message.target, self.message.id);
        self.message = self.platform.store.message(target, id).await?.ok_or_else(Problem::unknown_message)?;
        let events = self.platform.store.events_after(id, self.after, &mut self.item).await?;
        let mut piece = Vec::new();
        for stored in events {
            self.after = stored.place;
            let shown = self.render(&stored.event);
            piece.extend_from_slice(format!("id: {}\n", stored.place).as_bytes());
            piece.extend_from_slice(&shown);
        }
        if self.message.state.is_terminal() {
            self.ended = true;
            for event in self.end_events().await? {
                let shown = self.render(&event);
                piece.extend_from_slice(&shown);
            }
        }
        Ok((!piece.is_empty()).then(|| piece.into()))
    }

    /// What the end of the message tells beyond the events that were shown.
    async fn end_events(&mut self) -> Result<Vec<StreamEvent>> {
        if self.message.state != State::Completed {
            let task = self.record(None);
            return Ok(self.as_news(task));
        }
        if self.shown.is_over() {
            return Ok(Vec::new());
        }
        let body = self.platform.store.body(self.message.id, BodyKind::Answer).await?.unwrap_or_default();
        Ok(match (StreamEvent::read(&body), said(&body)) {
            (Some(StreamEvent::Task(task)), _) => self.as_news(StreamEvent::Task(task)),
            (Some(event), _) => vec![event],
            (None, Said::Other) => self.as_news(self.record(Some(&body))),
            (None, _) => Vec::new(),
        })
    }

    /// A task for somebody who may follow one already.
    fn as_news(&self, event: StreamEvent) -> Vec<StreamEvent> {
        match event {
            StreamEvent::Task(mut task) if self.task_shown => {
                if let Some(known) = self.shown.agent_task() {
                    task["id"] = json!(known.id);
                }
                as_updates(&task)
            }
            event => vec![event],
        }
    }

    /// The end of the wait for an answer that is still to come: where the message is, unless that is known.
    fn close_open(&mut self) -> Option<Bytes> {
        if self.task_shown {
            return None;
        }
        let task = self.record(None);
        Some(self.render(&task))
    }

    /// The task as the hub's record tells it.
    fn record(&self, answer: Option<&[u8]>) -> StreamEvent {
        let mut message = self.message.clone();
        if message.state == State::Queued && message.reason.is_none() && !self.waiter.status.is_dispatchable() {
            message.reason = Some(waiting_for(self.waiter.status));
        }
        let view = View { message: &message, depth: None, request: None, answer };
        StreamEvent::Task(view.task(Generation::V03, Asked::default()))
    }

    fn note(&mut self, event: &StreamEvent) {
        self.task_shown |= !matches!(event, StreamEvent::Message(_) | StreamEvent::Error(_));
        self.shown.add(event);
    }

    /// An event as it goes out; what is told is remembered.
    fn render(&mut self, event: &StreamEvent) -> Bytes {
        let mut out = Vec::new();
        let news = match event {
            StreamEvent::Task(_) if self.task_shown => self.as_news(event.clone()),
            event => vec![event.clone()],
        };
        for event in news {
            self.note(&event);
            let (field, told) = event.body(self.waiter.form.generation);
            let data = with_id(&self.waiter.form, field, &told);
            out.extend_from_slice(format!("data: {data}\n\n").as_bytes());
        }
        out.into()
    }
}

fn with_id(form: &Form, field: &str, told: &Value) -> String {
    let id: Value = serde_json::from_str(&form.rpc_id).unwrap_or_default();
    json!({ "jsonrpc": "2.0", "id": id, field: told }).to_string()
}
