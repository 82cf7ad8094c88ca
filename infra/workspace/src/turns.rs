//! Turns: which may start, which run, and what came of the last ones.
//!
//! A message that comes twice runs once. The platform sends a message again when it does not know whether the first
//! time arrived; the repeat joins the turn that runs, or gets the outcome that is remembered. Ids are the sender's, so
//! two senders may use the same one for different messages.

use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::{Notify, watch};

use crate::{activity::Task, outcome::Outcome};

/// How many outcomes are remembered.
const REMEMBERED: usize = 1000;
/// How much memory their texts may take; beyond it the oldest keep their place and lose their text.
const REMEMBERED_BYTES: usize = 64 * 1024 * 1024;

/// Who sent a message, and its id there.
pub type Key = (Option<String>, String);

/// All turns of one workspace.
#[derive(Debug)]
pub struct Turns {
    capacity: usize,
    inner: Mutex<Inner>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    running: usize,
    draining: bool,
    held: bool,
    known: HashMap<Key, Turn>,
    finished: VecDeque<Key>,
    /// Of the finished ones, those from here on still have their text.
    first_with_text: usize,
    bytes: usize,
}

/// One turn, as those see it who wait for it.
#[derive(Clone, Debug)]
pub struct Turn {
    outcome: watch::Receiver<Option<Arc<Outcome>>>,
    task: Weak<Task>,
}

/// The right and the duty to run one turn.
#[derive(Debug)]
pub struct Run {
    key: Option<Key>,
    outcome: watch::Sender<Option<Arc<Outcome>>>,
    /// Keeps the task in hand while the turn runs.
    _task: Arc<Task>,
}

/// What becomes of a message.
#[derive(Debug)]
pub enum Admission {
    /// It starts a turn.
    Started(Turn, Run),
    /// It has come before.
    Joined(Turn),
    /// There is no room for it now.
    Busy,
}

impl Turns {
    /// At most `capacity` at a time.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self { capacity: capacity.get(), inner: Mutex::default(), freed: Notify::new() }
    }

    /// Decides about a message. `begin` is called if it starts a turn.
    pub fn admit(&self, key: Option<Key>, begin: impl FnOnce() -> Arc<Task>) -> Admission {
        let mut inner = self.lock();
        if let Some(turn) = key.as_ref().and_then(|key| inner.known.get(key)) {
            return Admission::Joined(turn.clone());
        }
        if inner.is_closed() || inner.running >= self.capacity {
            return Admission::Busy;
        }
        inner.running += 1;
        let task = begin();
        let (sender, receiver) = watch::channel(None);
        let turn = Turn { outcome: receiver, task: Arc::downgrade(&task) };
        if let Some(key) = &key {
            inner.known.insert(key.clone(), turn.clone());
        }
        Admission::Started(turn, Run { key, outcome: sender, _task: task })
    }

    /// Waits until there is room for another turn; how much there is.
    pub async fn room(&self) -> usize {
        loop {
            let room = {
                let inner = self.lock();
                if inner.is_closed() { 0 } else { self.capacity.saturating_sub(inner.running) }
            };
            if room > 0 {
                return room;
            }
            self.freed.notified().await;
        }
    }

    /// Starts nothing new until [`Turns::release`].
    pub fn hold(&self) {
        self.lock().held = true;
    }

    /// Starts new ones again.
    pub fn release(&self) {
        self.lock().held = false;
        self.freed.notify_one();
    }

    /// Starts nothing new from now on.
    pub fn drain(&self) {
        self.lock().draining = true;
    }

    /// Ends a turn. Its place is free before anybody learns of its end, so that whoever gets the answer may send the
    /// next message at once.
    pub fn finish(&self, run: Run, outcome: Outcome) {
        let outcome = Arc::new(outcome);
        let mut inner = self.lock();
        inner.running -= 1;
        self.freed.notify_one();
        let size = outcome.size();
        run.outcome.send_replace(Some(outcome));
        if let Some(key) = run.key {
            inner.remember(key, size);
        }
    }

    /// Each critical section leaves the record consistent, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_closed(&self) -> bool {
        self.draining || self.held
    }

    fn remember(&mut self, key: Key, size: usize) {
        self.finished.push_back(key);
        self.bytes += size;
        while self.bytes > REMEMBERED_BYTES && self.first_with_text < self.finished.len() - 1 {
            let key = &self.finished[self.first_with_text];
            if let Some(turn) = self.known.get_mut(key) {
                self.bytes -= turn.size();
                turn.forget_text();
                self.bytes += turn.size();
            }
            self.first_with_text += 1;
        }
        if self.finished.len() > REMEMBERED
            && let Some(key) = self.finished.pop_front()
            && let Some(turn) = self.known.remove(&key)
        {
            self.bytes -= turn.size();
            self.first_with_text = self.first_with_text.saturating_sub(1);
        }
    }
}

impl Turn {
    /// Waits for the outcome.
    pub async fn outcome(&self) -> Arc<Outcome> {
        let mut outcome = self.outcome.clone();
        match outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone()) {
            Some(outcome) => outcome,
            None => Arc::new(Outcome::failure("the turn broke off inside the runtime")),
        }
    }

    /// The task that this turn works on, while it is in hand.
    pub fn task(&self) -> Option<Arc<Task>> {
        self.task.upgrade()
    }

    fn size(&self) -> usize {
        self.outcome.borrow().as_ref().map_or(0, |outcome| outcome.size())
    }

    /// Replaces the outcome by a notice, unless it is shorter than that anyway.
    fn forget_text(&mut self) {
        let notice = Outcome::failure("this message was answered before, and its answer is no longer kept");
        if self.size() > notice.size() {
            self.outcome = watch::channel(Some(Arc::new(notice))).1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::Activity;

    fn turns(capacity: usize) -> (Turns, Arc<Activity>) {
        (Turns::new(NonZeroUsize::new(capacity).unwrap()), Arc::default())
    }

    fn key(id: &str) -> Option<Key> {
        Some((None, id.to_owned()))
    }

    fn start(turns: &Turns, activity: &Arc<Activity>, id: &str) -> (Turn, Run) {
        match turns.admit(key(id), || activity.begin("")) {
            Admission::Started(turn, run) => (turn, run),
            other => panic!("{id} did not start: {other:?}"),
        }
    }

    #[test]
    fn capacity_is_never_exceeded_and_a_repeat_needs_none() {
        let (turns, activity) = turns(1);
        let (_, run) = start(&turns, &activity, "a");
        assert!(matches!(turns.admit(key("b"), || activity.begin("")), Admission::Busy));
        assert!(matches!(turns.admit(key("a"), || activity.begin("")), Admission::Joined(_)));
        assert_eq!(activity.report().active_tasks, 1);
        turns.finish(run, Outcome::answer(String::new()));
        start(&turns, &activity, "b");
    }

    #[test]
    fn the_same_id_of_another_sender_is_another_message() {
        let (turns, activity) = turns(2);
        let _running = start(&turns, &activity, "a");
        let other = Some((Some("peer".to_owned()), "a".to_owned()));
        assert!(matches!(turns.admit(other, || activity.begin("")), Admission::Started(..)));
    }

    #[test]
    fn draining_starts_nothing_new() {
        let (turns, activity) = turns(2);
        let _running = start(&turns, &activity, "a");
        turns.drain();
        assert!(matches!(turns.admit(key("b"), || activity.begin("")), Admission::Busy));
        assert!(matches!(turns.admit(key("a"), || activity.begin("")), Admission::Joined(_)));
    }

    #[tokio::test]
    async fn a_repeat_of_a_finished_one_gets_its_outcome() {
        let (turns, activity) = turns(1);
        let (turn, run) = start(&turns, &activity, "a");
        turns.finish(run, Outcome::answer("x".to_owned()));
        let Admission::Joined(again) = turns.admit(key("a"), || activity.begin("")) else { panic!("ran twice") };
        assert!(Arc::ptr_eq(&turn.outcome().await, &again.outcome().await));
    }

    #[test]
    fn the_last_thousand_are_remembered() {
        let (turns, activity) = turns(1);
        for number in 0..=REMEMBERED {
            let (_, run) = start(&turns, &activity, &number.to_string());
            turns.finish(run, Outcome::answer("x".to_owned()));
        }
        assert!(matches!(turns.admit(key("1"), || activity.begin("")), Admission::Joined(_)));
        assert!(matches!(turns.admit(key("0"), || activity.begin("")), Admission::Started(..)));
        let inner = turns.lock();
        assert_eq!((inner.bytes, inner.finished.len()), (REMEMBERED, REMEMBERED));
    }

    #[tokio::test]
    async fn memory_is_bounded_and_a_dropped_answer_is_still_not_run_twice() {
        let (turns, activity) = turns(1);
        let size = REMEMBERED_BYTES / 4;
        for number in 0..6 {
            let (_, run) = start(&turns, &activity, &number.to_string());
            turns.finish(run, Outcome::answer("x".repeat(size)));
        }
        assert!(turns.lock().bytes <= REMEMBERED_BYTES);
        let Admission::Joined(first) = turns.admit(key("0"), || activity.begin("")) else { panic!("ran twice") };
        assert!(first.outcome().await.error().is_some());
        let Admission::Joined(last) = turns.admit(key("5"), || activity.begin("")) else { panic!("ran twice") };
        assert!(last.outcome().await.error().is_none());
    }
}
