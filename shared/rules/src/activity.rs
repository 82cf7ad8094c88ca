//! Activity: what an agent reports of itself. Kinds, statuses and fields are those of existing clients (platform reference,
//! activity log).

use serde::{Deserialize, Serialize};

use crate::field::FieldError;
use crate::id::{ActivityId, WorkspaceId};
use crate::time::Timestamp;

/// The most bytes of one report's texts and bodies together.
pub const MAX_REPORT_BYTES: usize = 100_000;
/// The most bytes of the names in it: `method`, `target_id`.
const MAX_NAME_BYTES: usize = 255;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ActivityKind)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It sent a message.
    A2aSend,
    /// It was sent a message.
    A2aReceive,
    /// A task of its own went on.
    TaskUpdate,
    /// A line of its log.
    AgentLog,
    /// It took over a skill.
    SkillPromotion,
    /// It wrote a memory.
    MemoryWrite,
    /// Something failed.
    Error,
}

impl Kind {
    /// All, in the order of the message that names them.
    const ALL: [(Self, &'static str); 7] = [
        (Self::A2aSend, "a2a_send"),
        (Self::A2aReceive, "a2a_receive"),
        (Self::TaskUpdate, "task_update"),
        (Self::AgentLog, "agent_log"),
        (Self::SkillPromotion, "skill_promotion"),
        (Self::MemoryWrite, "memory_write"),
        (Self::Error, "error"),
    ];

    /// Reads the API's name.
    ///
    /// # Errors
    /// Another text.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let named = Self::ALL.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind);
        named.ok_or_else(|| {
            let names = Self::ALL.map(|(_, name)| name).join(", ");
            FieldError::new("activity_type", format!("invalid activity_type, must be one of: {names}"))
        })
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ActivityOutcome)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Well.
    #[default]
    Ok,
    /// It failed.
    Error,
    /// It took too long.
    Timeout,
    /// It has not begun.
    Pending,
    /// It was handed on.
    Dispatched,
    /// It waits.
    Queued,
    /// It is done.
    Completed,
    /// It ended in failure.
    Failed,
    /// It was left out.
    Skipped,
    /// Nobody looks at it any more.
    Stale,
}

impl Outcome {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Ok, "ok"),
        (Self::Error, "error"),
        (Self::Timeout, "timeout"),
        (Self::Pending, "pending"),
        (Self::Dispatched, "dispatched"),
        (Self::Queued, "queued"),
        (Self::Completed, "completed"),
        (Self::Failed, "failed"),
        (Self::Skipped, "skipped"),
        (Self::Stale, "stale"),
    ];

    /// Reads the API's name; an empty one is `ok`.
    ///
    /// # Errors
    /// Another text.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let named = Self::ALL.iter().find(|(_, name)| *name == text).map(|(outcome, _)| *outcome);
        named.ok_or_else(|| {
            let names = Self::ALL.map(|(_, name)| name).join(", ");
            FieldError::new("status", format!("must be one of: {names}"))
        })
    }
}

/// One report, as stored. Bodies are JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its id.
    pub id: ActivityId,
    /// Whose activity.
    pub workspace_id: WorkspaceId,
    /// What was done.
    pub activity_type: Kind,
    /// Who did it.
    pub source_id: Option<WorkspaceId>,
    /// With whom or what.
    pub target_id: Option<String>,
    /// By which method.
    pub method: Option<String>,
    /// In a line.
    pub summary: Option<String>,
    /// What was asked.
    pub request_body: Option<String>,
    /// What was answered.
    pub response_body: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// How it went.
    pub status: Outcome,
    /// Why it went wrong.
    pub error_detail: Option<String>,
    /// When it was reported.
    pub created_at: Timestamp,
}

impl Activity {
    /// Whether it can be stored.
    ///
    /// # Errors
    /// A name that is too long or not one line, or all of it together too long.
    pub fn check(&self) -> Result<(), FieldError> {
        for (field, name) in [("method", &self.method), ("target_id", &self.target_id)] {
            let Some(name) = name else { continue };
            if name.len() > MAX_NAME_BYTES || name.contains(char::is_control) {
                return Err(FieldError::new(field, format!("must be one line of at most {MAX_NAME_BYTES} bytes")));
            }
        }
        let texts = [&self.summary, &self.request_body, &self.response_body, &self.error_detail];
        if texts.iter().filter_map(|text| text.as_ref()).map(String::len).sum::<usize>() > MAX_REPORT_BYTES {
            return Err(FieldError::new(
                "request_body",
                format!("summary, error_detail and bodies must not have more than {MAX_REPORT_BYTES} bytes together"),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_storage() {
        for (kind, name) in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
            assert_eq!(Kind::parse(name), Ok(kind));
        }
        for (outcome, name) in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), name);
            assert_eq!(Outcome::parse(name), Ok(outcome));
        }
        assert_eq!(Outcome::parse(""), Ok(Outcome::Ok));
        assert!(Outcome::parse("OK").is_err());
        let refused = Kind::parse("delegation").unwrap_err().problem;
        assert_eq!(
            refused,
            "invalid activity_type, must be one of: a2a_send, a2a_receive, task_update, agent_log, skill_promotion, \
             memory_write, error"
        );
    }
}
