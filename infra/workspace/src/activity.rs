//! What the workspace is doing, as heartbeats report it: the tasks in hand and the failures of the last minute.
//!
//! A task is in hand from its acceptance until its answer was handed over. That is longer than its turn runs: a result
//! that still has to be posted counts, or the platform would see an idle workspace that owes an answer and take the
//! answer for lost.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, watch};

/// How far back the error rate looks.
const WINDOW: Duration = Duration::from_secs(60);
/// How much of an error or of a task's text is reported.
const SAMPLE_CHARACTERS: usize = 200;

/// The record of tasks and turns.
#[derive(Debug, Default)]
pub struct Activity {
    inner: Mutex<Inner>,
    in_hand: watch::Sender<usize>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    tasks: BTreeMap<u64, String>,
    turns: VecDeque<(Instant, Option<String>)>,
}

/// What there is to report at one moment.
#[derive(Debug, PartialEq)]
pub struct Report {
    /// Tasks in hand.
    pub active_tasks: usize,
    /// The beginning of the oldest task's text, or nothing.
    pub current_task: String,
    /// Failed turns by all turns of the last minute; 0 if there were none.
    pub error_rate: f64,
    /// The last failure of that minute, or nothing.
    pub sample_error: String,
}

/// One task in hand, for as long as anybody holds it.
#[derive(Debug)]
pub struct Task {
    number: u64,
    activity: Arc<Activity>,
}

impl Activity {
    /// A new task in hand.
    pub fn begin(self: &Arc<Self>, text: &str) -> Arc<Task> {
        let mut inner = self.lock();
        let number = inner.next;
        inner.next += 1;
        inner.tasks.insert(number, first_line(text));
        self.publish(&inner);
        Arc::new(Task { number, activity: Arc::clone(self) })
    }

    /// Counts a turn that ended, with its error if it failed.
    pub fn turn_ended(&self, error: Option<&str>) {
        let mut inner = self.lock();
        inner.turns.push_back((Instant::now(), error.map(first_line)));
        inner.forget_before(Instant::now());
    }

    /// What a heartbeat says now.
    pub fn report(&self) -> Report {
        let mut inner = self.lock();
        inner.forget_before(Instant::now());
        let failed = inner.turns.iter().filter(|(_, error)| error.is_some()).count();
        #[expect(clippy::cast_precision_loss, reason = "nobody runs 2^52 turns in a minute")]
        let error_rate = failed as f64 / inner.turns.len().max(1) as f64;
        Report {
            active_tasks: inner.tasks.len(),
            current_task: inner.tasks.values().next().cloned().unwrap_or_default(),
            error_rate,
            sample_error: inner.turns.iter().rev().find_map(|(_, error)| error.clone()).unwrap_or_default(),
        }
    }

    /// Waits until a task began or ended since the last call.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Makes the next `changed` return at once.
    pub fn nudge(&self) {
        self.changed.notify_one();
    }

    /// Waits until no task is in hand.
    pub async fn idle(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.in_hand.subscribe().wait_for(|tasks| *tasks == 0).await;
    }

    fn publish(&self, inner: &Inner) {
        self.in_hand.send_replace(inner.tasks.len());
        self.nudge();
    }

    /// Each critical section leaves the record consistent, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget_before(&mut self, now: Instant) {
        while self.turns.front().is_some_and(|(ended, _)| now.duration_since(*ended) > WINDOW) {
            self.turns.pop_front();
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let mut inner = self.activity.lock();
        inner.tasks.remove(&self.number);
        self.activity.publish(&inner);
    }
}

fn first_line(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().chars().take(SAMPLE_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_in_hand_until_the_last_holder_lets_go() {
        let activity = Arc::new(Activity::default());
        let task = activity.begin("do this\nand that");
        let also = Arc::clone(&task);
        drop(task);
        assert_eq!(activity.report().active_tasks, 1);
        assert_eq!(activity.report().current_task, "do this");
        drop(also);
        assert_eq!(activity.report().active_tasks, 0);
        assert_eq!(activity.report().current_task, "");
    }

    #[test]
    fn the_error_rate_is_failed_by_all_and_zero_without_turns() {
        let activity = Activity::default();
        assert!(activity.report().error_rate.abs() < f64::EPSILON);
        activity.turn_ended(None);
        activity.turn_ended(Some("broken"));
        let report = activity.report();
        assert!((report.error_rate - 0.5).abs() < f64::EPSILON);
        assert_eq!(report.sample_error, "broken");
    }

    #[test]
    fn turns_older_than_a_minute_are_forgotten() {
        let activity = Activity::default();
        activity.turn_ended(Some("broken"));
        let later = Instant::now() + WINDOW + Duration::from_secs(1);
        let mut inner = activity.lock();
        inner.forget_before(later);
        assert!(inner.turns.is_empty());
    }
}
