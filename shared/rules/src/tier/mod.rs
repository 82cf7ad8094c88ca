//! Tiers: how much memory and CPU a workspace gets, and how isolated it is.

mod fargate;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use fargate::{TierRefusal, fargate_size};

/// The isolation and size class of a workspace: a number from 1 to 4 on the wire and in storage.
///
/// The default is 2: an agent with a place to work, and no rights over its host. More is the admin's to give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub enum Tier {
    /// 1: read-only root file system, only its configuration mounted.
    Sandboxed,
    /// 2: an ordinary container with a workspace directory.
    #[default]
    Standard,
    /// 3: privileged, with the host's process ids.
    Privileged,
    /// 4: privileged, with the host's process ids and network.
    FullHost,
}

/// The number was not a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("tier must be a number from 1 to 4")]
pub struct InvalidTier;

/// What a workspace's container may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierLimits {
    /// Memory in MiB, at which the kernel kills it.
    pub memory_mb: u32,
    /// CPU in shares; 1024 are one CPU.
    pub cpu_shares: u32,
}

/// 1 TiB: a larger value in an override is a slip of units.
const MAX_MEMORY_MB: u32 = 1_048_576;
/// The most the kernel's cgroups take.
const MAX_CPU_SHARES: u32 = 262_144;

impl Tier {
    /// All of them, smallest first.
    pub const ALL: [Self; 4] = [Self::Sandboxed, Self::Standard, Self::Privileged, Self::FullHost];

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Sandboxed => 1,
            Self::Standard => 2,
            Self::Privileged => 3,
            Self::FullHost => 4,
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sandboxed => "sandboxed",
            Self::Standard => "standard",
            Self::Privileged => "privileged",
            Self::FullHost => "full host",
        }
    }

    /// The limits when no override names others.
    pub const fn default_limits(self) -> TierLimits {
        match self {
            Self::Sandboxed => TierLimits { memory_mb: 256, cpu_shares: 512 },
            Self::Standard => TierLimits { memory_mb: 512, cpu_shares: 1024 },
            Self::Privileged => TierLimits { memory_mb: 2048, cpu_shares: 2048 },
            Self::FullHost => TierLimits { memory_mb: 4096, cpu_shares: 4096 },
        }
    }

    /// Whether it gives its container rights over the host.
    pub const fn has_host_rights(self) -> bool {
        matches!(self, Self::Privileged | Self::FullHost)
    }
}

/// The limits of a tier. `overrides` looks up `TIER<n>_MEMORY_MB` and `TIER<n>_CPU_SHARES`; what is not a number, not
/// positive, or absurdly large counts as not set, so that a typing error never starts a container without a limit.
pub fn limits(tier: Tier, overrides: impl Fn(&str) -> Option<String>) -> TierLimits {
    let default = tier.default_limits();
    let read = |name: &str, max: u32, default: u32| {
        overrides(&format!("TIER{tier}_{name}"))
            .and_then(|text| text.trim().parse::<u32>().ok())
            .filter(|value| (1..=max).contains(value))
            .unwrap_or(default)
    };
    TierLimits {
        memory_mb: read("MEMORY_MB", MAX_MEMORY_MB, default.memory_mb),
        cpu_shares: read("CPU_SHARES", MAX_CPU_SHARES, default.cpu_shares),
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

impl TryFrom<i64> for Tier {
    type Error = InvalidTier;

    fn try_from(number: i64) -> Result<Self, InvalidTier> {
        Self::ALL.into_iter().find(|tier| i64::from(tier.number()) == number).ok_or(InvalidTier)
    }
}

impl From<Tier> for i64 {
    fn from(tier: Tier) -> Self {
        Self::from(tier.number())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tier_is_a_number_from_1_to_4() {
        for (number, tier) in (1_i64..).zip(Tier::ALL) {
            assert_eq!(Tier::try_from(number), Ok(tier));
            assert_eq!(serde_json::to_value(tier).unwrap(), json!(number));
            assert_eq!(serde_json::from_value::<Tier>(json!(number)).unwrap(), tier);
            assert_eq!(tier.to_string(), number.to_string());
        }
        for wrong in [json!(0), json!(5), json!(-1), json!(i64::MAX), json!("2"), json!(2.5)] {
            assert!(serde_json::from_value::<Tier>(wrong.clone()).is_err(), "{wrong}");
        }
        assert_eq!(Tier::try_from(0).unwrap_err().to_string(), "tier must be a number from 1 to 4");
        assert_eq!(Tier::default().number(), 2);
    }

    #[test]
    fn each_tier_has_a_name_and_limits() {
        let table = [
            (1, "sandboxed", 256, 512),
            (2, "standard", 512, 1024),
            (3, "privileged", 2048, 2048),
            (4, "full host", 4096, 4096),
        ];
        for (number, name, memory_mb, cpu_shares) in table {
            let tier = Tier::try_from(number).unwrap();
            assert_eq!(tier.name(), name);
            assert_eq!(limits(tier, |_| None), TierLimits { memory_mb, cpu_shares });
            assert_eq!(tier.has_host_rights(), number > 2);
        }
    }

    #[test]
    fn an_override_counts_if_it_is_a_sane_number() {
        let table = [
            ("1024", 1024),
            (" 1024\n", 1024),
            ("1", 1),
            ("1048576", 1_048_576),
            ("1048577", 512),
            ("99999999999999999999", 512),
            ("0", 512),
            ("-1", 512),
            ("1.5", 512),
            ("512m", 512),
            ("", 512),
        ];
        for (text, memory_mb) in table {
            let overrides = |name: &str| (name == "TIER2_MEMORY_MB").then(|| text.to_owned());
            assert_eq!(limits(Tier::Standard, overrides), TierLimits { memory_mb, cpu_shares: 1024 }, "{text:?}");
            assert_eq!(limits(Tier::Sandboxed, overrides), Tier::Sandboxed.default_limits());
        }
        let cpu = |name: &str| (name == "TIER4_CPU_SHARES").then(|| "8192".to_owned());
        assert_eq!(limits(Tier::FullHost, cpu).cpu_shares, 8192);
    }
}
