//! What a caller may set of a schedule, read and checked.

use platform::{Problem, Result};
use rules::cron::Cron;
use rules::field::schedule_name;
use rules::schedule::{Catchup, MAX_PROMPT_BYTES, Overlap, Policy};
use serde::{Deserialize, Deserializer};

/// The settings of a body; absent ones stay as they are. `deadline_seconds` may be null: none.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = ScheduleSettings)]
pub(crate) struct Settings {
    pub(crate) name: Option<String>,
    pub(crate) cron_expr: Option<String>,
    pub(crate) timezone: Option<String>,
    #[schema(max_length = 262_144)]
    pub(crate) prompt: Option<String>,
    pub(crate) enabled: Option<bool>,
    pub(crate) overlap: Option<Overlap>,
    pub(crate) catchup: Option<Catchup>,
    #[schema(minimum = 0, maximum = 3600)]
    pub(crate) jitter_seconds: Option<i64>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    pub(crate) deadline_seconds: Option<Option<i64>>,
}

fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Option<i64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Settings {
    /// The name, or the one before.
    pub(crate) fn name(&self, before: &str) -> Result<String> {
        match &self.name {
            Some(name) => Ok(schedule_name(name)?),
            None => Ok(before.to_owned()),
        }
    }

    /// When it fires, by what is set over what was.
    pub(crate) fn cron(&self, expression: &str, zone: &str) -> Result<Cron> {
        let expression = self.cron_expr.as_deref().unwrap_or(expression);
        Ok(Cron::new(expression, self.timezone.as_deref().unwrap_or(zone))?)
    }

    /// The prompt without carriage returns, which have made agents answer nothing; none if it is not set.
    pub(crate) fn prompt(&self) -> Result<Option<String>> {
        let Some(prompt) = &self.prompt else { return Ok(None) };
        let prompt = prompt.replace('\r', "");
        if prompt.trim().is_empty() {
            return Err(Problem::bad_request("invalid_field", "prompt must say what is to be done"));
        }
        if prompt.len() > MAX_PROMPT_BYTES {
            return Err(Problem::too_large(MAX_PROMPT_BYTES));
        }
        Ok(Some(prompt))
    }

    /// The policy, by what is set over what was.
    pub(crate) fn policy(&self, before: Policy) -> Result<Policy> {
        Ok(Policy {
            overlap: self.overlap.unwrap_or(before.overlap),
            catchup: self.catchup.unwrap_or(before.catchup),
            jitter_seconds: match self.jitter_seconds {
                Some(seconds) => Policy::jitter_seconds(seconds)?,
                None => before.jitter_seconds,
            },
            deadline_seconds: match self.deadline_seconds {
                Some(seconds) => seconds.map(Policy::deadline_seconds).transpose()?,
                None => before.deadline_seconds,
            },
        })
    }
}
