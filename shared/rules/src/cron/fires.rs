//! From local times to instants.

use jiff::Timestamp as Instant;
use jiff::civil::DateTime;

use super::expression::Expression;
use super::zone::Zone;
use crate::time::Timestamp;

/// The first fire after `at`.
pub(super) fn next_after(expression: &Expression, zone: &Zone, at: Timestamp) -> Option<Timestamp> {
    let at = Instant::from_millisecond(at.millis()).ok()?;
    let next = if expression.is_fixed() { fixed(expression, zone, at) } else { elapsed(expression, zone, at) };
    next.map(|next| Timestamp::from_millis(next.as_millisecond()))
}

/// Each local time fires once. Some of those that follow `at` on the clock may have fired before it: the clock was set
/// back.
fn fixed(expression: &Expression, zone: &Zone, at: Instant) -> Option<Instant> {
    let mut local = zone.local(at);
    loop {
        local = expression.next(local, false)?;
        let instant = zone.first_instant(local)?;
        if instant > at {
            return Some(instant);
        }
    }
}

/// Each instant whose local time matches: searched from one clock change to the next, between which the clock runs evenly.
fn elapsed(expression: &Expression, zone: &Zone, at: Instant) -> Option<Instant> {
    let (mut from, mut inclusive) = (at, false);
    let mut changes = zone.changes_after(at);
    loop {
        let start = zone.local(from);
        let found = after(from, start, expression.next(start, inclusive)?)?;
        match changes.next() {
            Some(change) if change <= found => (from, inclusive) = (change, true),
            _ => return Some(found),
        }
    }
}

/// The instant of a local time that the clock reaches after `start` if it runs evenly.
fn after(from: Instant, start: DateTime, local: DateTime) -> Option<Instant> {
    from.checked_add(start.duration_until(local)).ok()
}
