//! The lease: proof of life with an end, renewed by each heartbeat in one write.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::delivery::DeliveryMode;
use crate::id::WorkspaceId;
use crate::status::Status;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// How many instance tokens a lease can verify by itself; others are looked up.
pub const MAX_DIGESTS: usize = 4;

/// What an agent reports with a heartbeat, already validated and capped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// When it arrived.
    pub at: Timestamp,
    /// When the agent says it was sent; used to tell which deliveries it can know of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// Share of failed turns, 0 to 1.
    #[serde(default)]
    pub error_rate: f64,
    /// One error's text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sample_error: String,
    /// Turns running now.
    #[serde(default)]
    pub active_tasks: u32,
    /// Seconds since the agent started.
    #[serde(default)]
    pub uptime_seconds: u64,
    /// What it is doing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub current_task: String,
    /// Empty when healthy; `wedged` when the process lives but its agent does not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub runtime_state: String,
    /// Declared capabilities, as in `runtime_metadata.capabilities`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub capabilities: BTreeMap<String, bool>,
    /// Own silence window for A2A, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_seconds: Option<u32>,
    /// How its own register fares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register_state: Option<RegisterState>,
}

/// The runtime's own view of its registration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RegisterState {
    /// The last attempt succeeded.
    #[serde(default)]
    pub ok: bool,
    /// The HTTP status of the last attempt; zero when the platform could not be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_code: Option<u16>,
    /// Attempts in a row that failed.
    #[serde(default)]
    pub attempts: u32,
    /// Since when it has not been ok; set by the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub failing_since: Option<Timestamp>,
}

impl Beat {
    /// Whether the agent declared `capability`.
    pub fn has(&self, capability: &str) -> bool {
        self.capabilities.get(capability).copied().unwrap_or(false)
    }

    /// Nothing in it could change an online workspace's status: the fast path may take it.
    pub fn is_steady(&self) -> bool {
        self.runtime_state.is_empty()
            && (self.error_rate < crate::heartbeat::DEGRADE_AT || self.has("status_mgmt"))
            && self.register_state.as_ref().is_none_or(|state| state.ok)
    }
}

/// The stored lease. One item of under 1 KB, of which a steady heartbeat writes all that it must in one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Live until then; the truth about liveness.
    pub lease_until: Timestamp,
    /// Copy of the stored status.
    pub status: Status,
    /// Copy of the delivery mode.
    pub delivery_mode: DeliveryMode,
    /// Copy of the capacity.
    pub max_concurrent_tasks: u32,
    /// Copy of the generation.
    pub generation: u64,
    /// Digests of the instance tokens that may renew it, each with its generation.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digests: BTreeMap<String, u64>,
    /// A workspace that never had a token renews without one.
    #[serde(default)]
    pub open: bool,
    /// There are open messages for it.
    #[serde(default)]
    pub work: bool,
    /// The record has something that the next heartbeat must look at.
    #[serde(default)]
    pub control: bool,
    /// Since when the agent has been busy without a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_since: Option<Timestamp>,
    /// When it last reported a task, or was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_at: Option<Timestamp>,
    /// Copy of how many minutes it may idle before it is hibernated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_minutes: Option<u32>,
    /// Spend of this month in cents, as last reported; a beat that reports none leaves it.
    #[serde(default)]
    pub monthly_spend: i64,
    /// The last heartbeat.
    #[serde(default)]
    pub beat: Beat,
}

impl Lease {
    /// The lease of `workspace` from `beat` on, for `length`, with what the one before knew. The `work` flag starts
    /// raised: that costs one wake and loses nothing.
    pub fn renewed(workspace: &Workspace, before: Option<&Self>, beat: Beat, length: Duration) -> Self {
        Self {
            workspace_id: workspace.id,
            lease_until: beat.at + length,
            status: workspace.status,
            delivery_mode: workspace.delivery.mode,
            max_concurrent_tasks: workspace.max_concurrent_tasks,
            generation: workspace.generation,
            digests: before.map(|lease| lease.digests.clone()).unwrap_or_default(),
            open: workspace.bootstrap_open,
            work: true,
            control: workspace.wants_control(),
            busy_since: (beat.active_tasks > 0).then(|| before.and_then(|lease| lease.busy_since).unwrap_or(beat.at)),
            active_at: match beat.active_tasks {
                0 => before.and_then(|lease| lease.active_at).or(Some(beat.at)),
                _ => Some(beat.at),
            },
            idle_minutes: workspace.hibernation_idle_minutes,
            monthly_spend: before.map_or(workspace.monthly_spend, |lease| lease.monthly_spend),
            beat,
        }
    }

    /// Live at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.lease_until > now
    }

    /// By what the lease knows, its workspace may have idled for as long as it may. A live agent renews its lease all the
    /// time: idleness is about tasks, never about heartbeats.
    pub fn may_hibernate(&self, now: Timestamp) -> bool {
        let Some(minutes) = self.idle_minutes else { return false };
        let idle = Duration::from_secs(u64::from(minutes) * 60);
        self.status.is_live()
            && self.is_live(now)
            && self.beat.active_tasks == 0
            && self.active_at.is_some_and(|at| now.since(at) >= idle)
    }

    /// Adds a digest, dropping one of the oldest generation when there is no room: a token that is not on the lease still
    /// works, by look-up.
    pub fn admit(&mut self, digest: &str, generation: u64) {
        while self.digests.len() >= MAX_DIGESTS && !self.digests.contains_key(digest) {
            let oldest = self.digests.iter().min_by_key(|(_, generation)| **generation);
            let Some(oldest) = oldest.map(|(digest, _)| digest.clone()) else { break };
            self.digests.remove(&oldest);
        }
        self.digests.insert(digest.to_owned(), generation);
        self.open = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::{beat, declaring, lease, workspace};

    fn empty() -> Lease {
        Lease { digests: BTreeMap::new(), open: true, ..lease(&workspace(Status::Online)) }
    }

    #[test]
    fn the_first_digest_closes_the_lease_to_those_without_one() {
        let mut lease = empty();
        lease.admit("a", 1);
        assert!(!lease.open);
        assert_eq!(lease.digests, BTreeMap::from([("a".to_owned(), 1)]));
    }

    #[test]
    fn the_oldest_generation_makes_room() {
        let mut lease = empty();
        for (digest, generation) in [("a", 2), ("b", 2), ("z", 1), ("c", 2), ("d", 2)] {
            lease.admit(digest, generation);
        }
        assert_eq!(lease.digests.keys().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        lease.admit("b", 3);
        assert_eq!(lease.digests.len(), MAX_DIGESTS, "one that is there needs no room");
        assert_eq!(lease.digests["b"], 3);
    }

    #[test]
    fn a_beat_is_steady_when_nothing_in_it_could_change_an_online_workspace() {
        let failing = Beat { error_rate: 0.5, ..beat() };
        let register = |ok| Beat { register_state: Some(RegisterState { ok, ..RegisterState::default() }), ..beat() };
        for (name, beat, steady) in [
            ("healthy", beat(), true),
            ("below the threshold", Beat { error_rate: 0.49, ..beat() }, true),
            ("at the threshold", failing.clone(), false),
            ("managing its own status", declaring("status_mgmt", failing), true),
            ("wedged", Beat { runtime_state: "wedged".to_owned(), ..beat() }, false),
            ("registered", register(true), true),
            ("failing to register", register(false), false),
        ] {
            assert_eq!(beat.is_steady(), steady, "{name}");
        }
    }

    proptest! {
        #[test]
        fn at_most_four_and_always_the_newest(digests in prop::collection::vec(("[a-h]", 0_u64..4), 1..30)) {
            let mut lease = empty();
            for (digest, generation) in &digests {
                lease.admit(digest, *generation);
                prop_assert!(lease.digests.len() <= MAX_DIGESTS);
                prop_assert_eq!(lease.digests.get(digest), Some(generation));
            }
        }
    }
}
