//! Messages that wait although the agent says that it has room: deaf, whatever its heartbeats say.

use std::time::Duration;

use crate::lease::Beat;
use crate::message::Message;
use crate::slots::{Slots, busy};
use crate::time::Timestamp;

/// Room for this long, and the oldest message still waits: the workspace is degraded for it.
pub const STARVED_AFTER: Duration = Duration::from_secs(120);

/// How a queue stands at one heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hunger {
    /// Nothing waits, or there is no room for it.
    None,
    /// As of this beat, something waits that there is room for.
    Begins,
    /// Still, but not for long.
    Waits,
    /// For too long, since then. Whether a message is really due is for its record to say.
    Starved(Timestamp),
}

/// How the queue stands at `beat`. Each message that gets through resets the clock; see [`Slots::starving_since`].
pub fn hunger(slots: &Slots, beat: &Beat, capacity: u32, now: Timestamp) -> Hunger {
    if slots.waiting() == 0 || busy(slots, Some(beat), now) >= capacity {
        return Hunger::None;
    }
    match slots.starving_since {
        None => Hunger::Begins,
        Some(since) if now.since(since) < STARVED_AFTER => Hunger::Waits,
        Some(since) => Hunger::Starved(since),
    }
}

/// The evidence, if this message has waited for too long; one whose time has not come waits rightly.
pub fn evidence(oldest: &Message, since: Timestamp, now: Timestamp) -> Option<String> {
    let due = oldest.not_before.unwrap_or(oldest.accepted_at).max(oldest.accepted_at);
    let long = !oldest.state.is_terminal() && !oldest.state.is_held() && !oldest.is_deferred();
    (long && (now.since(due) >= STARVED_AFTER || oldest.releases() > 0)).then(|| {
        let why = oldest.reason.as_deref().map(|reason| format!("; last: {reason}")).unwrap_or_default();
        format!(
            "message {} has waited since {} although the heartbeats have reported room since {}{why}",
            oldest.id,
            oldest.accepted_at.rfc3339(),
            since.rfc3339()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW, ago, ahead, beat, queued};
    use crate::message::State;
    use crate::slots::Slot;

    fn slots(open: i64, held: u32, starving_since: Option<Timestamp>) -> Slots {
        let slot = |n: u32| {
            (
                format!("s{n}"),
                Slot { message: Some(queued().id), epoch: 1, since: ago(60), until: ahead(60), generation: 0 },
            )
        };
        Slots { open, starving_since, slots: (0..held).map(slot).collect(), ..Slots::default() }
    }

    #[test]
    fn room_and_a_waiting_message_for_two_minutes_is_starvation() {
        for (name, slots, active_tasks, hunger_now) in [
            ("nothing waits", slots(0, 0, None), 0, Hunger::None),
            ("all are held", slots(1, 1, Some(ago(500))), 0, Hunger::None),
            ("the agent is full", slots(3, 0, Some(ago(500))), 2, Hunger::None),
            ("its slots are full", slots(5, 2, Some(ago(500))), 0, Hunger::None),
            ("it begins", slots(1, 0, None), 0, Hunger::Begins),
            ("room beside a turn", slots(2, 1, None), 1, Hunger::Begins),
            ("not for long", slots(1, 0, Some(ago(119))), 0, Hunger::Waits),
            ("for too long", slots(1, 0, Some(ago(120))), 0, Hunger::Starved(ago(120))),
        ] {
            let beat = Beat { active_tasks, ..beat() };
            assert_eq!(hunger(&slots, &beat, 2, NOW), hunger_now, "{name}");
        }
    }

    #[test]
    fn only_a_message_that_is_due_is_evidence() {
        let waiting = Message { accepted_at: ago(200), ..queued() };
        for (name, oldest, counts) in [
            ("long", waiting.clone(), true),
            ("young", Message { accepted_at: ago(119), ..waiting.clone() }, false),
            ("held", Message { state: State::Delivered, ..waiting.clone() }, false),
            ("deferred", Message { sent_at: None, not_before: Some(ahead(60)), ..waiting.clone() }, false),
            ("due just now", Message { not_before: Some(ago(3)), ..waiting.clone() }, false),
        ] {
            assert_eq!(evidence(&oldest, ago(120), NOW).is_some(), counts, "{name}");
        }
        let mut refused = Message { state: State::Dispatched, ..waiting };
        refused.release(ago(2), "the agent refuses connections", Some(ahead(30)), false);
        let told = evidence(&refused, ago(120), NOW).unwrap();
        assert!(told.contains("the agent refuses connections"), "{told}");
    }
}
