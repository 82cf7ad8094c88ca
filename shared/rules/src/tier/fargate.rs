//! Tiers on Fargate, which sells CPU and memory in fixed pairs and gives nobody rights over its hosts.

use super::{Tier, TierLimits};

/// Why a tier cannot run on Fargate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TierRefusal {
    /// Fargate gives no rights over a host.
    #[error(
        "tier {0} needs rights over its host, which Fargate does not give; use tier 1 or 2, or run the cluster on EC2"
    )]
    NeedsEc2(Tier),
    /// No Fargate size is as large as the limits.
    #[error(
        "tier {tier} asks for {} MiB and {} CPU shares, and Fargate ends at {MAX_FARGATE_MEMORY_MB} MiB and \
         {MAX_FARGATE_CPU_UNITS} CPU units; lower TIER{tier}_MEMORY_MB or TIER{tier}_CPU_SHARES, or run the cluster on EC2",
        limits.memory_mb, limits.cpu_shares
    )]
    TooLarge {
        /// The tier.
        tier: Tier,
        /// What it asks for.
        limits: TierLimits,
    },
}

const MAX_FARGATE_MEMORY_MB: u32 = 30_720;
const MAX_FARGATE_CPU_UNITS: u32 = 4096;

/// CPU units, and from, to and step of the memory in MiB that Fargate offers with them. Ordered by size.
const FARGATE_SIZES: [(u32, u32, u32, u32); 6] = [
    // The smallest CPU doubles its memory from 512 to 1024 to 2048, so it takes two rows.
    (256, 512, 512, 512),
    (256, 1024, 2048, 1024),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (MAX_FARGATE_CPU_UNITS, 8192, MAX_FARGATE_MEMORY_MB, 1024),
];

/// The smallest Fargate size that gives at least the limits: CPU units (1024 are one CPU) and memory in MiB.
///
/// Shares weigh neighbours of one host against each other; on Fargate, where a task has no neighbours, the same number
/// would be bought. So a tier's default shares count for nothing here, and the memory alone sizes tiers 1 and 2 (both
/// 256 units and 512 MiB); `TIERn_CPU_SHARES` that is set to another number is taken as CPU that is wanted.
///
/// # Errors
///
/// Tiers 3 and 4, and limits beyond the largest size.
pub fn fargate_size(tier: Tier, limits: TierLimits) -> Result<(u32, u32), TierRefusal> {
    if tier.has_host_rights() {
        return Err(TierRefusal::NeedsEc2(tier));
    }
    let wanted = if limits.cpu_shares == tier.default_limits().cpu_shares { 0 } else { limits.cpu_shares };
    FARGATE_SIZES
        .iter()
        .find(|(cpu, _, most, _)| *cpu >= wanted && *most >= limits.memory_mb)
        .map(|&(cpu, least, _, step)| (cpu, limits.memory_mb.max(least).next_multiple_of(step)))
        .ok_or(TierRefusal::TooLarge { tier, limits })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limits_round_up_to_the_smallest_fargate_size() {
        let table = [
            // memory, shares → CPU units, memory
            (256, 256, 256, 512),
            (512, 256, 256, 512),
            (513, 256, 256, 1024),
            (1025, 256, 256, 2048),
            (2048, 256, 256, 2048),
            (2049, 256, 512, 3072),
            (256, 512, 512, 1024),
            (4096, 512, 512, 4096),
            (4097, 512, 1024, 5120),
            (512, 1023, 1024, 2048),
            (8193, 1023, 2048, 9216),
            // The default of tier 2 is a weight.
            (512, 1024, 256, 512),
            (2049, 1024, 512, 3072),
            (8193, 1024, 2048, 9216),
            (1, 2048, 2048, 4096),
            (16_384, 2048, 2048, 16_384),
            (16_385, 1, 4096, 17_408),
            (1, 2049, 4096, 8192),
            (30_720, 4096, 4096, 30_720),
        ];
        for (memory_mb, cpu_shares, cpu, memory) in table {
            assert_eq!(
                fargate_size(Tier::Standard, TierLimits { memory_mb, cpu_shares }),
                Ok((cpu, memory)),
                "{memory_mb} MiB, {cpu_shares} shares"
            );
        }
    }

    #[test]
    fn default_tiers_take_the_smallest_size() {
        for tier in [Tier::Sandboxed, Tier::Standard] {
            assert_eq!(fargate_size(tier, tier.default_limits()), Ok((256, 512)), "tier {tier}");
        }
    }

    #[test]
    fn what_fargate_cannot_give_is_refused_with_the_way_out() {
        for tier in [Tier::Privileged, Tier::FullHost] {
            let refusal = fargate_size(tier, tier.default_limits()).unwrap_err();
            assert_eq!(refusal, TierRefusal::NeedsEc2(tier));
            assert!(refusal.to_string().contains("EC2"), "{refusal}");
        }
        for (memory_mb, cpu_shares) in [(30_721, 1), (1, 4097)] {
            let refusal = fargate_size(Tier::Standard, TierLimits { memory_mb, cpu_shares }).unwrap_err();
            assert!(refusal.to_string().contains("TIER2_MEMORY_MB"), "{refusal}");
        }
    }

    /// Every size that Fargate offers up to 4 CPUs, written out.
    fn offered() -> Vec<(u32, u32)> {
        let gib = |cpu, from: u32, to: u32| (from..=to).map(move |gib| (cpu, gib * 1024));
        [(256, 512), (256, 1024), (256, 2048)]
            .into_iter()
            .chain(gib(512, 1, 4))
            .chain(gib(1024, 2, 8))
            .chain(gib(2048, 4, 16))
            .chain(gib(4096, 8, 30))
            .collect()
    }

    proptest! {
        #[test]
        fn the_size_is_the_first_offered_one_that_is_enough(
            memory_mb in 1_u32..32_000,
            cpu_shares in 1_u32..4500,
        ) {
            let wanted = if cpu_shares == Tier::Sandboxed.default_limits().cpu_shares { 0 } else { cpu_shares };
            let enough = offered()
                .into_iter()
                .find(|(cpu, memory)| *cpu >= wanted && *memory >= memory_mb);
            let size = fargate_size(Tier::Sandboxed, TierLimits { memory_mb, cpu_shares }).ok();
            prop_assert_eq!(size, enough);
        }
    }
}
