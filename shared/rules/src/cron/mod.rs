//! When a schedule fires: a five-field cron expression in an IANA time zone.
//!
//! Days are matched as in vixie cron: where day of month and day of week are both restricted, either is enough; a field
//! that begins with `*` is not restricted, and then both must match.
//!
//! So is daylight saving time. Where minute and hour are fixed (no `*`, no step), a local time that the clock skips fires
//! once, at the first instant that exists, and one that comes twice fires the first time. With `*` or a step in minute or
//! hour, fires follow elapsed time: what is skipped is skipped, what comes twice fires twice.

mod expression;
mod fires;
#[cfg(test)]
mod tests;
mod zone;

use std::fmt;

use crate::field::FieldError;
use crate::time::Timestamp;

use expression::Expression;
use zone::Zone;

/// A cron expression in its time zone.
#[derive(Clone)]
pub struct Cron {
    expression: Expression,
    zone: Zone,
}

impl Cron {
    /// Reads an expression and the name of its zone; an empty name is UTC.
    ///
    /// # Errors
    /// `cron_expr` or `timezone`, with the part of the expression that cannot be used and the reason.
    pub fn new(expression: &str, zone: &str) -> Result<Self, FieldError> {
        Ok(Self { zone: Zone::named(zone)?, expression: Expression::parse(expression)? })
    }

    /// The first fire after `at`; none only at the end of the calendar.
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        fires::next_after(&self.expression, &self.zone, at)
    }

    /// All fires after `at`, in order.
    pub fn fires_after(&self, at: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next_after(at), |last| self.next_after(*last))
    }

    /// The zone's name as the time zone database spells it.
    pub fn zone(&self) -> &str {
        self.zone.name()
    }

    /// The expression, one blank between its fields.
    pub fn expression(&self) -> &str {
        self.expression.text()
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({} in {})", self.expression(), self.zone())
    }
}
