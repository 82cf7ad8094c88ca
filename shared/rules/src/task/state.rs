//! The states of a task, in the words of both generations.

use serde::{Deserialize, Serialize};

use crate::envelope::Generation;

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the protocol's")]
pub enum TaskState {
    Submitted,
    Working,
    InputRequired,
    AuthRequired,
    Completed,
    Canceled,
    Failed,
    Rejected,
}

/// Each with its name in 0.3 and in 1.0.
const NAMES: [(TaskState, &str, &str); 8] = [
    (TaskState::Submitted, "submitted", "TASK_STATE_SUBMITTED"),
    (TaskState::Working, "working", "TASK_STATE_WORKING"),
    (TaskState::InputRequired, "input-required", "TASK_STATE_INPUT_REQUIRED"),
    (TaskState::AuthRequired, "auth-required", "TASK_STATE_AUTH_REQUIRED"),
    (TaskState::Completed, "completed", "TASK_STATE_COMPLETED"),
    (TaskState::Canceled, "canceled", "TASK_STATE_CANCELED"),
    (TaskState::Failed, "failed", "TASK_STATE_FAILED"),
    (TaskState::Rejected, "rejected", "TASK_STATE_REJECTED"),
];

impl TaskState {
    /// The state of a name of either generation.
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, v03, v10)| *v03 == name || *v10 == name).map(|(state, ..)| *state)
    }

    /// Its name.
    pub fn name(self, generation: Generation) -> &'static str {
        let (_, v03, v10) = NAMES.iter().find(|(state, ..)| *state == self).unwrap_or(&NAMES[0]);
        match generation {
            Generation::V03 => v03,
            Generation::V10 => v10,
        }
    }

    /// Nothing more happens to the task.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Canceled | Self::Failed | Self::Rejected)
    }
}

/// Whether what an agent says now tells more than what it said before: an end is final, nobody goes back to the start.
pub fn is_further(before: TaskState, now: TaskState) -> bool {
    !before.is_terminal() && now != before && now != TaskState::Submitted
}
