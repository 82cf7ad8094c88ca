//! IANA time zones, from the database that is built in: the same on every machine.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use crate::field::FieldError;

/// The longest name in the database has 32 bytes; more is not looked up.
const MAX_NAME: usize = 64;

/// A zone of the database.
#[derive(Clone)]
pub(super) struct Zone {
    zone: TimeZone,
    name: String,
}

impl Zone {
    /// By name, in any case; an empty one is UTC.
    pub(super) fn named(name: &str) -> Result<Self, FieldError> {
        let name = name.trim();
        let name = if name.is_empty() { "UTC" } else { name };
        let refused = || {
            let hint = "is not a time zone of the IANA database; give a name such as Europe/Berlin or UTC";
            FieldError::new("timezone", hint)
        };
        if name.len() > MAX_NAME || name.contains(|c: char| !c.is_ascii_graphic()) {
            return Err(refused());
        }
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| refused())?;
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Ok(Self { zone, name })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The local time at an instant.
    pub(super) fn local(&self, at: jiff::Timestamp) -> DateTime {
        self.zone.to_datetime(at)
    }

    /// The clock changes after an instant, and changes of nothing but the zone's name.
    pub(super) fn changes_after(&self, at: jiff::Timestamp) -> impl Iterator<Item = jiff::Timestamp> {
        self.zone.following(at).map(|change| change.timestamp())
    }

    /// The first instant that a local time stands for; for one that the clock skips, the first instant after the gap.
    pub(super) fn first_instant(&self, local: DateTime) -> Option<jiff::Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
            AmbiguousOffset::Gap { after, .. } => {
                // As if the clock had changed already: before the change.
                let before = after.to_timestamp(local).ok()?;
                self.changes_after(before).find(|change| self.local(*change) > local)
            }
        }
    }
}
