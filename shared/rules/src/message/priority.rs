//! How urgent a message is, and how long it lives for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::MAX_LIFE;

/// Urgency, settled at accept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Served when nothing else waits; lives 30 minutes.
    Info,
    /// The usual one.
    #[default]
    Task,
    /// Served first.
    Critical,
}

impl Priority {
    /// All, most urgent first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Task, Self::Info];

    /// The string of storage and of the queue's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Task => "task",
            Self::Critical => "critical",
        }
    }

    /// The number of the API.
    pub const fn number(self) -> u8 {
        match self {
            Self::Info => 10,
            Self::Task => 50,
            Self::Critical => 100,
        }
    }

    /// Reads the API's number or name.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "critical" | "100" => Some(Self::Critical),
            "task" | "50" => Some(Self::Task),
            "info" | "10" => Some(Self::Info),
            _ => None,
        }
    }

    /// How long a message of this priority lives when its sender names no deadline.
    pub const fn default_life(self) -> Duration {
        match self {
            Self::Info => Duration::from_secs(30 * 60),
            Self::Task => Duration::from_secs(24 * 3600),
            Self::Critical => MAX_LIFE,
        }
    }
}
