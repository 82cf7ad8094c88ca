//! How a workspace gets its messages: the platform posts them (`push`), or the agent fetches them (`poll`).

use serde::{Deserialize, Serialize};

/// Push or poll.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMode {
    /// The platform posts to the agent's URL.
    #[default]
    Push,
    /// The agent fetches from its inbox.
    Poll,
}

impl DeliveryMode {
    /// The string of storage and wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Poll => "poll",
        }
    }
}

/// The mode with its provenance. Only an explicit choice is sticky: a default is derived again at each register, so a
/// stale `poll` row cannot outlive the runtime that asked for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The mode.
    pub mode: DeliveryMode,
    /// Whether the agent asked for it in so many words.
    pub explicit: bool,
}

/// Settles the mode at register: explicit in the call → stored if it was explicit → poll for an external workspace
/// without a URL → push. A runtime that offers a URL without naming a mode is push-capable and heals to push, whatever
/// the row said.
pub fn resolve(requested: Option<DeliveryMode>, stored: Delivery, external: bool, has_url: bool) -> Delivery {
    if let Some(mode) = requested {
        return Delivery { mode, explicit: true };
    }
    if stored.explicit && !(stored.mode == DeliveryMode::Poll && has_url) {
        return stored;
    }
    let mode = if external && !has_url { DeliveryMode::Poll } else { DeliveryMode::Push };
    Delivery { mode, explicit: false }
}

#[cfg(test)]
mod tests {
    use super::DeliveryMode::{Poll, Push};
    use super::*;

    #[test]
    fn resolution_table() {
        let explicit = |mode| Delivery { mode, explicit: true };
        let default = |mode| Delivery { mode, explicit: false };
        let cases = [
            // requested, stored, external, has_url → settled
            (Some(Poll), default(Push), false, true, explicit(Poll)),
            (Some(Push), explicit(Poll), true, true, explicit(Push)),
            (None, explicit(Poll), true, false, explicit(Poll)),
            (None, explicit(Push), true, true, explicit(Push)),
            (None, default(Poll), false, true, default(Push)),
            (None, default(Poll), true, true, default(Push)),
            (None, default(Push), true, false, default(Poll)),
            (None, default(Push), false, false, default(Push)),
            // stale_poll_mode_heals_at_register: a push-capable runtime that names no mode is push, whatever the row said.
            (None, explicit(Poll), false, true, default(Push)),
        ];
        for (requested, stored, external, has_url, settled) in cases {
            assert_eq!(
                resolve(requested, stored, external, has_url),
                settled,
                "{requested:?} {stored:?} {external} {has_url}"
            );
        }
    }
}
