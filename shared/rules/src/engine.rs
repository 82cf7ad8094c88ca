//! What an engine that runs workspaces can say: how a runtime ended, and why one could not be started. In words that an
//! operator can act on.

use serde::{Deserialize, Serialize};

use crate::reason::ReasonCode;
use crate::tier::{Tier, TierLimits};

/// Longest text of an engine, or of a runtime's last log lines, that is kept, in bytes.
pub const MAX_TEXT: usize = 2048;

/// How a runtime ended, as far as its engine knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Its exit code; 128 and the signal's number where a signal ended it.
    #[serde(default)]
    pub code: Option<i32>,
    /// The platform ended it: no death of its own.
    #[serde(default)]
    pub stopped: bool,
    /// The memory limit ended it, or something in it that it cannot live without.
    #[serde(default)]
    pub out_of_memory: bool,
    /// What the engine says beside that.
    #[serde(default)]
    pub message: String,
    /// The last lines of its log, oldest first, without secrets.
    #[serde(default)]
    pub log_tail: String,
}

/// Why a start did not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartFailure {
    /// Which kind.
    pub cause: StartCause,
    /// What was seen, in one line without secrets.
    pub evidence: String,
}

/// The kinds of failed starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartCause {
    /// The image is not there and cannot be pulled.
    ImageMissing,
    /// The engine does not answer.
    EngineUnreachable,
    /// The engine has no room now.
    NoCapacity,
    /// The tier cannot run on this engine, or is not allowed to.
    TierRefused,
    /// The engine refuses the request: a wrong setting, a missing permission, a directory that is not there.
    Refused,
}

impl StartCause {
    /// The same start may succeed later without anybody's doing.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::EngineUnreachable | Self::NoCapacity)
    }

    /// The status reason that says it.
    pub const fn reason(self) -> ReasonCode {
        match self {
            Self::ImageMissing => ReasonCode::ImageMissing,
            Self::EngineUnreachable => ReasonCode::EngineUnreachable,
            Self::NoCapacity => ReasonCode::NoCapacity,
            Self::TierRefused => ReasonCode::TierRefused,
            Self::Refused => ReasonCode::ProvisionFailed,
        }
    }
}

impl Exit {
    /// The status reason of a runtime that is gone.
    pub const fn reason(&self) -> ReasonCode {
        if self.out_of_memory { ReasonCode::OutOfMemory } else { ReasonCode::ContainerGone }
    }

    /// What happened, in words: the limit that was reached or the exit code, what the engine says, and the last log lines.
    pub fn evidence(&self, tier: Tier, limits: TierLimits) -> String {
        let mut text = match (self.out_of_memory, self.code) {
            (true, _) => format!("out of memory at {} MiB in tier {tier}", limits.memory_mb),
            (false, Some(code)) => format!("exited with code {code}{}", meaning(code)),
            (false, None) => "it is not there any more".to_owned(),
        };
        if !self.message.trim().is_empty() {
            text.push_str("; ");
            text.push_str(self.message.trim());
        }
        if !self.log_tail.trim().is_empty() {
            text.push_str("; last log lines: ");
            text.push_str(self.log_tail.trim());
        }
        crate::field::capped(&text, MAX_TEXT)
    }
}

/// What is commonly meant by an exit code.
const fn meaning(code: i32) -> &'static str {
    match code {
        126 => " (the command cannot be executed)",
        127 => " (the command was not found)",
        137 => " (killed by SIGKILL)",
        139 => " (crashed: SIGSEGV)",
        143 => " (ended by SIGTERM)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_says_what_an_operator_needs() {
        let limits = TierLimits { memory_mb: 512, cpu_shares: 1024 };
        let exit = |code, out_of_memory, message: &str, log: &str| Exit {
            code,
            stopped: false,
            out_of_memory,
            message: message.to_owned(),
            log_tail: log.to_owned(),
        };
        for (exit, code, told) in [
            (exit(Some(137), true, "", ""), ReasonCode::OutOfMemory, "out of memory at 512 MiB in tier 2"),
            (exit(Some(137), false, "", ""), ReasonCode::ContainerGone, "exited with code 137 (killed by SIGKILL)"),
            (
                exit(Some(1), false, "", "no key\nending\n"),
                ReasonCode::ContainerGone,
                "exited with code 1; last log lines: no key\nending",
            ),
            (
                exit(None, false, "task stopped", ""),
                ReasonCode::ContainerGone,
                "it is not there any more; task stopped",
            ),
        ] {
            assert_eq!(exit.reason(), code);
            assert_eq!(exit.evidence(Tier::Standard, limits), told);
        }
        let long = exit(Some(1), false, "", &"x".repeat(10_000));
        assert!(long.evidence(Tier::Standard, limits).len() <= MAX_TEXT + 4);
    }

    #[test]
    fn what_passes_by_itself_is_tried_again() {
        use StartCause as C;
        for (cause, passing) in [
            (C::ImageMissing, false),
            (C::EngineUnreachable, true),
            (C::NoCapacity, true),
            (C::TierRefused, false),
            (C::Refused, false),
        ] {
            assert_eq!(cause.is_passing(), passing, "{cause:?}");
        }
    }
}
