//! Dead letters: after how many receives a message leaves its queue, and for which.

use serde::Deserialize;

use super::error::{Error, Result};

/// The prefix of the ARN of every queue: one region and one account, as in the queue URLs.
const ARN_PREFIX: &str = "arn:aws:sqs:us-east-1:000000000000:";

/// The ARN of a queue.
pub fn queue_arn(queue: &str) -> String {
    format!("{ARN_PREFIX}{queue}")
}

/// A queue's redrive policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RedrivePolicy {
    /// The name of the dead-letter queue: the last part of its ARN, whatever region and account that names.
    pub(super) target: String,
    target_arn: String,
    /// A message that was received this often goes to the target instead of being received again.
    pub(super) max_receives: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    dead_letter_target_arn: String,
    max_receive_count: Count,
}

/// The console and most tools write a number, CloudFormation may write a string; SQS takes both.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Number(u32),
    Text(String),
}

impl RedrivePolicy {
    /// Reads the JSON form. Whether the target exists is the engine's to know.
    pub(super) fn parse(json: &str) -> Result<Self> {
        let refused = || Error::attribute("RedrivePolicy", json);
        let policy: Policy = serde_json::from_str(json).map_err(|_| refused())?;
        let max_receives = match policy.max_receive_count {
            Count::Number(number) => Some(number),
            Count::Text(text) => text.parse().ok(),
        };
        let target = policy.dead_letter_target_arn.rsplit(':').next().unwrap_or_default().to_owned();
        match max_receives {
            Some(max_receives @ 1..=1000) if !target.is_empty() => {
                Ok(Self { target, target_arn: policy.dead_letter_target_arn, max_receives })
            }
            _ => Err(refused()),
        }
    }

    pub(super) fn print(&self) -> String {
        serde_json::json!({ "deadLetterTargetArn": self.target_arn, "maxReceiveCount": self.max_receives }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_may_be_a_number_or_a_string() {
        for (count, accepted) in [
            ("2", true),
            ("\"2\"", true),
            ("0", false),
            ("1001", false),
            ("\"two\"", false),
            ("-1", false),
            ("null", false),
        ] {
            let json = format!(r#"{{"deadLetterTargetArn":"{ARN_PREFIX}dead","maxReceiveCount":{count}}}"#);
            let parsed = RedrivePolicy::parse(&json);
            assert_eq!(parsed.is_ok(), accepted, "{count}");
            if let Ok(policy) = parsed {
                assert_eq!((policy.target.as_str(), policy.max_receives), ("dead", 2));
                assert_eq!(RedrivePolicy::parse(&policy.print()), Ok(policy));
            }
        }
    }

    #[test]
    fn a_policy_needs_a_target() {
        assert!(RedrivePolicy::parse(r#"{"maxReceiveCount":2}"#).is_err());
        assert!(RedrivePolicy::parse("nonsense").is_err());
    }
}
