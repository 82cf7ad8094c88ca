//! Typed ids. Each is a UUID on the wire and in storage; the type says what it names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text was not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct InvalidId;

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[schema(value_type = String, format = Uuid)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID.
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// The UUID itself.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        /// Accepts any spelling of a UUID; displays as canonical lowercase.
        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    };
}

typed_id!(
    /// A workspace: one agent.
    WorkspaceId
);
typed_id!(
    /// An A2A message in the queue; the `queue_id` of the API. Version 7, so ids sort by the time of acceptance.
    MessageId
);
impl MessageId {
    /// When it was made: the time of acceptance.
    pub fn created_at(self) -> crate::time::Timestamp {
        let (seconds, nanos) = self.0.get_timestamp().map(|at| at.to_unix()).unwrap_or_default();
        let millis = seconds.saturating_mul(1000).saturating_add(u64::from(nanos / 1_000_000));
        crate::time::Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

typed_id!(
    /// A schedule of a workspace.
    ScheduleId
);
typed_id!(
    /// A memory. Version 7, so ids sort by time.
    MemoryId
);
typed_id!(
    /// An agent's report of its activity. Version 7, so ids sort by time.
    ActivityId
);
typed_id!(
    /// A token's public handle; the secret itself is never stored.
    TokenId
);
typed_id!(
    /// A recorded event. Version 7, so ids sort by time.
    EventId
);

impl WorkspaceId {
    /// Which of `shards` partitions holds this workspace's lease or index entry. Uniform for random ids.
    pub fn shard(self, shards: u8) -> u8 {
        let low = self.0.as_bytes()[15];
        low % shards.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_spelling_is_read_and_the_canonical_one_is_written() {
        let id: WorkspaceId = "0A0B0C0D-1111-4222-8333-444455556666".parse().unwrap();
        assert_eq!(id.to_string(), "0a0b0c0d-1111-4222-8333-444455556666");
        assert!("nonsense".parse::<WorkspaceId>().is_err());
        assert!("".parse::<MessageId>().is_err());
    }
}
