//! The attributes of a queue that its owner sets.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::content::MAX_MESSAGE_BYTES;
use super::error::{Error, ErrorCode, Result};
use super::redrive::RedrivePolicy;

/// Attributes that the engine keeps and gives back but that have no meaning to it: there is no IAM and no KMS here.
const KEPT: [&str; 5] =
    ["Policy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"];

const DELAY_S: RangeInclusive<u32> = 0..=900;
const RETENTION_S: RangeInclusive<u32> = 60..=1_209_600;
const MESSAGE_BYTES: RangeInclusive<u32> = 1024..=MAX_MESSAGE_BYTES as u32;
/// How long a receive may wait at the most, in seconds.
pub const MAX_WAIT_S: u32 = 20;
const WAIT_S: RangeInclusive<u32> = 0..=MAX_WAIT_S;
/// How long a message may be invisible, in seconds.
pub(super) const VISIBILITY_S: RangeInclusive<u32> = 0..=43_200;

/// The settings of one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) fifo: bool,
    pub(super) content_dedup: bool,
    pub(super) dedup_per_group: bool,
    limit_per_group: bool,
    pub(super) delay_s: u32,
    pub(super) max_bytes: u32,
    pub(super) retention_s: u32,
    pub(super) wait_s: u32,
    pub(super) visibility_s: u32,
    pub(super) redrive: Option<RedrivePolicy>,
    kept: BTreeMap<String, String>,
}

impl Settings {
    /// The settings of a new queue.
    pub(super) fn create(name: &str, attributes: &BTreeMap<String, String>) -> Result<Self> {
        let mut settings = Self {
            fifo: name.ends_with(".fifo"),
            content_dedup: false,
            dedup_per_group: false,
            limit_per_group: false,
            delay_s: 0,
            max_bytes: *MESSAGE_BYTES.end(),
            retention_s: 345_600,
            wait_s: 0,
            visibility_s: 30,
            redrive: None,
            kept: BTreeMap::new(),
        };
        let declared = attributes.get("FifoQueue").map(String::as_str);
        if settings.fifo != (declared == Some("true")) {
            return Err(Error::new(
                ErrorCode::InvalidParameterValue,
                "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end \
                 with .fifo suffix and be 1 to 80 in length; a queue of that name has FifoQueue=true, others have not.",
            ));
        }
        settings.apply(attributes)?;
        Ok(settings)
    }

    /// Changes settings; none if one of them is refused.
    pub(super) fn apply(&mut self, attributes: &BTreeMap<String, String>) -> Result<()> {
        let mut changed = self.clone();
        for (name, value) in attributes {
            changed.set(name, value)?;
        }
        if changed.limit_per_group && !changed.dedup_per_group {
            return Err(Error::attribute(
                "FifoThroughputLimit",
                "perMessageGroupId needs DeduplicationScope=messageGroup",
            ));
        }
        *self = changed;
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "DelaySeconds" => self.delay_s = seconds(name, value, &DELAY_S)?,
            "MaximumMessageSize" => self.max_bytes = seconds(name, value, &MESSAGE_BYTES)?,
            "MessageRetentionPeriod" => self.retention_s = seconds(name, value, &RETENTION_S)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait_s = seconds(name, value, &WAIT_S)?,
            "VisibilityTimeout" => self.visibility_s = seconds(name, value, &VISIBILITY_S)?,
            "RedrivePolicy" if value.is_empty() => self.redrive = None,
            "RedrivePolicy" => self.redrive = Some(RedrivePolicy::parse(value)?),
            "FifoQueue" if self.fifo && value == "true" => {}
            "FifoQueue" => return Err(Error::new(ErrorCode::InvalidAttributeName, "FifoQueue cannot be changed.")),
            "ContentBasedDeduplication" if self.fifo => {
                self.content_dedup = choice(name, value, &[("false", false), ("true", true)])?;
            }
            "DeduplicationScope" if self.fifo => {
                self.dedup_per_group = choice(name, value, &[("queue", false), ("messageGroup", true)])?;
            }
            "FifoThroughputLimit" if self.fifo => {
                self.limit_per_group = choice(name, value, &[("perQueue", false), ("perMessageGroupId", true)])?;
            }
            _ if KEPT.contains(&name) && value.is_empty() => {
                self.kept.remove(name);
            }
            _ if KEPT.contains(&name) => {
                self.kept.insert(name.to_owned(), value.to_owned());
            }
            _ => return Err(Error::new(ErrorCode::InvalidAttributeName, format!("Unknown Attribute {name}."))),
        }
        Ok(())
    }

    /// All settings as SQS prints them.
    pub(super) fn print(&self) -> BTreeMap<String, String> {
        let mut printed = self.kept.clone();
        let mut put = |name: &str, value: String| printed.insert(name.to_owned(), value);
        put("DelaySeconds", self.delay_s.to_string());
        put("MaximumMessageSize", self.max_bytes.to_string());
        put("MessageRetentionPeriod", self.retention_s.to_string());
        put("ReceiveMessageWaitTimeSeconds", self.wait_s.to_string());
        put("VisibilityTimeout", self.visibility_s.to_string());
        if let Some(policy) = &self.redrive {
            put("RedrivePolicy", policy.print());
        }
        if self.fifo {
            put("FifoQueue", "true".to_owned());
            put("ContentBasedDeduplication", self.content_dedup.to_string());
            put("DeduplicationScope", if self.dedup_per_group { "messageGroup" } else { "queue" }.to_owned());
            put("FifoThroughputLimit", if self.limit_per_group { "perMessageGroupId" } else { "perQueue" }.to_owned());
        }
        printed
    }

    /// Whether a CreateQueue with these attributes asks for what this queue is. Attributes not named do not count.
    pub(super) fn agree(&self, name: &str, attributes: &BTreeMap<String, String>) -> Result<bool> {
        let asked = Self::create(name, attributes)?.print();
        let mine = self.print();
        Ok(attributes.keys().all(|attribute| asked.get(attribute) == mine.get(attribute)))
    }
}

fn seconds(name: &str, value: &str, range: &RangeInclusive<u32>) -> Result<u32> {
    value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| Error::attribute(name, value))
}

fn choice(name: &str, value: &str, choices: &[(&str, bool)]) -> Result<bool> {
    choices
        .iter()
        .find(|(choice, _)| *choice == value)
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| Error::attribute(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_are_checked() {
        use ErrorCode::{
            InvalidAttributeName as Name, InvalidAttributeValue as Value, InvalidParameterValue as Parameter,
        };
        type Case = (&'static str, &'static [(&'static str, &'static str)], Option<ErrorCode>);
        let cases: &[Case] = &[
            ("q", &[], None),
            ("q", &[("DelaySeconds", "900")], None),
            ("q", &[("DelaySeconds", "901")], Some(Value)),
            ("q", &[("VisibilityTimeout", "43201")], Some(Value)),
            ("q", &[("VisibilityTimeout", "-1")], Some(Value)),
            ("q", &[("MessageRetentionPeriod", "59")], Some(Value)),
            ("q", &[("MaximumMessageSize", "1048577")], Some(Value)),
            ("q", &[("ReceiveMessageWaitTimeSeconds", "21")], Some(Value)),
            ("q", &[("Nonsense", "1")], Some(Name)),
            ("q", &[("ContentBasedDeduplication", "true")], Some(Name)),
            ("q", &[("FifoQueue", "true")], Some(Parameter)),
            ("q.fifo", &[], Some(Parameter)),
            ("q.fifo", &[("FifoQueue", "true"), ("ContentBasedDeduplication", "yes")], Some(Value)),
            ("q.fifo", &[("FifoQueue", "true"), ("FifoThroughputLimit", "perMessageGroupId")], Some(Value)),
            (
                "q.fifo",
                &[
                    ("FifoQueue", "true"),
                    ("FifoThroughputLimit", "perMessageGroupId"),
                    ("DeduplicationScope", "messageGroup"),
                ],
                None,
            ),
        ];
        for (name, given, refused) in cases {
            let result = Settings::create(name, &attributes(given));
            assert_eq!(result.err().map(|error| error.code), *refused, "{name} {given:?}");
        }
    }

    #[test]
    fn one_refused_value_changes_nothing() {
        let mut settings = Settings::create("q", &attributes(&[])).unwrap();
        let before = settings.clone();
        assert!(settings.apply(&attributes(&[("DelaySeconds", "5"), ("VisibilityTimeout", "x")])).is_err());
        assert_eq!(settings, before);
    }

    #[test]
    fn only_named_attributes_count_for_agreement() {
        let settings = Settings::create("q", &attributes(&[("DelaySeconds", "5")])).unwrap();
        assert_eq!(settings.agree("q", &attributes(&[])), Ok(true));
        assert_eq!(settings.agree("q", &attributes(&[("DelaySeconds", "5")])), Ok(true));
        assert_eq!(settings.agree("q", &attributes(&[("DelaySeconds", "6")])), Ok(false));
    }
}
