//! The ceiling of a turn, in rungs: the agent is asked to wrap up, then told to stop, then started anew. A turn that never
//! ends costs its workspace one ceiling, and no more.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::id::MessageId;
use crate::lease::Lease;
use crate::slots::{Slot, Slots};
use crate::time::Timestamp;

/// How far the platform went to end a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The agent was asked to save its work and to end the turn.
    WrapUp,
    /// It was told to stop the turn.
    Cancel,
    /// It is started anew.
    Restart,
}

impl Rung {
    /// The string of storage and wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrapUp => "wrap_up",
            Self::Cancel => "cancel",
            Self::Restart => "restart",
        }
    }

    /// What the agent is told to do.
    pub const fn control(self) -> &'static str {
        match self {
            Self::WrapUp => "checkpoint_and_exit",
            Self::Cancel => "cancel",
            Self::Restart => "restart",
        }
    }
}

/// What was done about a turn.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ladder {
    /// The turn that it is about began then.
    pub since: Timestamp,
    /// Its message; none for a turn of the agent's own.
    #[serde(default)]
    pub message: Option<MessageId>,
    /// How far.
    pub rung: Rung,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// The turn that has run for longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Since when.
    pub since: Timestamp,
    /// Its message; none for one of the agent's own.
    pub message: Option<MessageId>,
}

/// The limits of a turn.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The ceiling.
    pub ceiling: Duration,
    /// From the ceiling to the restart, and from the wrap-up signal to the end of what did not obey it.
    pub grace: Duration,
}

impl Limits {
    /// When the agent is asked to wrap up although nothing waits: at four fifths of the ceiling.
    pub fn wrap_up(&self) -> Duration {
        self.ceiling * 4 / 5
    }
}

/// The oldest turn of a workspace: a delivery that is held, or what the agent reports beyond that. Of the latter it is
/// known that it began after the last delivery ended, and that the agent was busy ever since.
pub fn turn(slots: &Slots, lease: Option<&Lease>) -> Option<Turn> {
    let held = slots.slots.values().filter_map(|slot| slot.message.map(|message| (slot.since, message)));
    let oldest = held.min().map(|(since, message)| Turn { since, message: Some(message) });
    let own = lease.filter(|lease| lease.beat.active_tasks > slots.held()).and_then(|lease| lease.busy_since);
    let own = own.map(|since| Turn { since: slots.ended.iter().copied().fold(since, Timestamp::max), message: None });
    match (oldest, own) {
        (Some(oldest), Some(own)) if own.since < oldest.since => Some(own),
        (oldest, own) => oldest.or(own),
    }
}

/// What was done about the turn that runs now.
pub fn standing<'a>(slots: &'a Slots, lease: Option<&Lease>) -> Option<&'a Ladder> {
    let running = turn(slots, lease)?;
    slots.ladder.as_ref().filter(|ladder| ladder.is_about(running))
}

/// A delivery has had a whole turn's time and the grace: its slot ran out, and its agent is to be started anew.
pub fn ran_past(slots: &Slots, limits: Limits, now: Timestamp) -> bool {
    let past = |slot: &Slot| now.since(slot.since) >= limits.ceiling + limits.grace;
    slots.slots.values().any(|slot| slot.message.is_some() && slot.until <= now && past(slot))
}

/// A fire that waits behind the turn.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    /// Since which nominal time fires have not started.
    pub since: Timestamp,
    /// The time between two fires.
    pub interval: Duration,
}

/// The rung that a turn has reached and on which it does not stand yet.
pub fn climb(
    turn: Turn,
    before: Option<&Ladder>,
    waiting: Option<Waiting>,
    limits: Limits,
    now: Timestamp,
) -> Option<Ladder> {
    let stands = before.filter(|ladder| ladder.is_about(turn)).map(|ladder| ladder.rung);
    let age = now.since(turn.since);
    let (seconds, ceiling) = (age.as_secs(), limits.ceiling.as_secs_f64());
    let overdue = waiting.filter(|waiting| now.since(waiting.since) > waiting.interval);
    let (rung, reason) = if age >= limits.ceiling + limits.grace {
        (Rung::Restart, format!("the turn has run for {seconds} s; its ceiling is {ceiling} s, and it did not stop"))
    } else if age >= limits.ceiling {
        (Rung::Cancel, format!("the turn has run for {seconds} s; its ceiling is {ceiling} s"))
    } else if let Some(waiting) = overdue {
        (Rung::WrapUp, format!("a fire has waited since {}, for longer than its interval", waiting.since.rfc3339()))
    } else if age >= limits.wrap_up() {
        (Rung::WrapUp, format!("the turn has run for {seconds} s of at most {ceiling} s"))
    } else {
        return None;
    };
    let higher = stands.is_none_or(|stands| stands < rung);
    higher.then_some(Ladder { since: turn.since, message: turn.message, rung, at: now, reason })
}

/// When the next rung is reached.
pub fn next_look(turn: Turn, limits: Limits, now: Timestamp) -> Option<Timestamp> {
    let rungs = [limits.wrap_up(), limits.ceiling, limits.ceiling + limits.grace];
    rungs.into_iter().map(|after| turn.since + after).find(|at| *at > now)
}

impl Ladder {
    /// What the agent is told, in a heartbeat's answer and as a message's metadata: `{"kind","queue_id","at",
    /// "grace_seconds","reason"}`.
    pub fn request(&self, limits: Limits) -> Value {
        json!({
            "kind": self.rung.control(),
            "queue_id": self.message,
            "at": self.at.rfc3339(),
            "grace_seconds": limits.grace.as_secs_f64(),
            "reason": self.reason,
        })
    }

    /// It is about this turn. One that an agent goes on with after it was to be started anew is the same.
    pub fn is_about(&self, turn: Turn) -> bool {
        let same = self.message == turn.message && self.since == turn.since;
        same || (self.rung == Rung::Restart && turn.message.is_none() && turn.since <= self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW, ago, ahead, lease, queued, workspace};
    use crate::lease::Beat;
    use crate::status::Status;

    const LIMITS: Limits = Limits { ceiling: Duration::from_secs(3600), grace: Duration::from_secs(60) };

    fn slots(since: Option<Timestamp>, ended: Option<Timestamp>) -> Slots {
        let slot = |since| Slot { message: Some(queued().id), epoch: 1, since, until: ahead(60), generation: 0 };
        Slots {
            slots: since.map(|since| ("s1".to_owned(), slot(since))).into_iter().collect(),
            ended: ended.into_iter().collect(),
            ..Slots::default()
        }
    }

    fn reporting(active_tasks: u32, busy_since: Timestamp) -> Lease {
        let lease = lease(&workspace(Status::Online));
        let beat = Beat { active_tasks, ..lease.beat.clone() };
        Lease { busy_since: (active_tasks > 0).then_some(busy_since), beat, ..lease }
    }

    #[test]
    fn the_oldest_turn_is_a_delivery_or_the_agents_own() {
        for (name, slots, lease, expected) in [
            ("idle", slots(None, None), reporting(0, NOW), None),
            ("a delivery", slots(Some(ago(50)), None), reporting(1, ago(900)), Some((ago(50), true))),
            ("its own", slots(None, None), reporting(1, ago(900)), Some((ago(900), false))),
            ("after deliveries", slots(None, Some(ago(30))), reporting(1, ago(900)), Some((ago(30), false))),
            ("its own beside a delivery", slots(Some(ago(50)), None), reporting(2, ago(900)), Some((ago(900), false))),
        ] {
            let found = turn(&slots, Some(&lease)).map(|turn| (turn.since, turn.message.is_some()));
            assert_eq!(found, expected, "{name}");
        }
        assert_eq!(turn(&slots(None, None), None), None);
    }

    #[test]
    fn each_rung_is_climbed_once() {
        let waiting = |waits: u64| Some(Waiting { since: ago(waits), interval: Duration::from_secs(1800) });
        for (name, age, stands, waiting, expected) in [
            ("young", 100, None, None, None),
            ("a fire waits for its interval", 100, None, waiting(1800), None),
            ("and for longer", 100, None, waiting(1801), Some(Rung::WrapUp)),
            ("asked already", 100, Some(Rung::WrapUp), waiting(1801), None),
            ("four fifths", 2880, None, None, Some(Rung::WrapUp)),
            ("the ceiling", 3600, Some(Rung::WrapUp), None, Some(Rung::Cancel)),
            ("told already", 3659, Some(Rung::Cancel), waiting(9000), None),
            ("the grace is over", 3660, Some(Rung::Cancel), None, Some(Rung::Restart)),
            ("nobody looked before", 9999, None, None, Some(Rung::Restart)),
            ("the end of the ladder", 9999, Some(Rung::Restart), waiting(9999), None),
        ] {
            let turn = Turn { since: ago(age), message: Some(queued().id) };
            let before = stands.map(|rung| Ladder {
                since: turn.since,
                message: turn.message,
                rung,
                at: ago(1),
                reason: String::new(),
            });
            let rung = climb(turn, before.as_ref(), waiting, LIMITS, NOW).map(|ladder| ladder.rung);
            assert_eq!(rung, expected, "{name}");
        }
    }

    #[test]
    fn another_turn_begins_at_the_bottom() {
        let turn = Turn { since: ago(2900), message: Some(queued().id) };
        let other =
            Ladder { since: ago(9000), message: None, rung: Rung::Restart, at: ago(5000), reason: String::new() };
        assert_eq!(climb(turn, Some(&other), None, LIMITS, NOW).map(|ladder| ladder.rung), Some(Rung::WrapUp));
        let going_on = Turn { since: ago(5000), message: None };
        assert_eq!(climb(going_on, Some(&other), None, LIMITS, NOW), None, "it does not obey; it is not asked anew");
    }

    #[test]
    fn the_next_look_is_at_the_next_rung() {
        for (age, expected) in [(0, Some(2880)), (2880, Some(720)), (3600, Some(60)), (3660, None)] {
            let turn = Turn { since: ago(age), message: None };
            assert_eq!(next_look(turn, LIMITS, NOW), expected.map(ahead), "{age}");
        }
    }
}
