//! EventBridge's schedule expressions.

use std::time::Duration;

/// The interval of `rate(5 minutes)`. A `cron(…)` has no local counterpart.
pub(super) fn interval(expression: &str) -> Option<Duration> {
    let (count, unit) = expression.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
    let unit = match (unit, count) {
        ("minute", 1) | ("minutes", 2..) => 60,
        ("hour", 1) | ("hours", 2..) => 3_600,
        ("day", 1) | ("days", 2..) => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(unit) * count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_eventbridge_reads_them() {
        for (expression, seconds) in [
            ("rate(1 minute)", Some(60)),
            ("rate(5 minutes)", Some(300)),
            ("rate(1 hour)", Some(3_600)),
            ("rate(2 days)", Some(172_800)),
            ("rate(1 minutes)", None),
            ("rate(2 minute)", None),
            ("rate(0 minutes)", None),
            ("rate(-1 minutes)", None),
            ("rate(30 seconds)", None),
            ("cron(0 * * * ? *)", None),
            ("", None),
        ] {
            assert_eq!(interval(expression), seconds.map(Duration::from_secs), "{expression}");
        }
    }
}
