//! How a turn ended.

use serde_json::{Value, json};
use uuid::Uuid;

/// How a turn ended, without regard to the form in which it is told.
#[derive(Debug)]
pub enum Outcome {
    /// The command succeeded.
    Answer {
        /// The id of the answering message.
        message_id: Uuid,
        /// The command's output.
        text: String,
    },
    /// It did not.
    Failure {
        /// What happened.
        message: String,
        /// Its exit code and the end of its error output, if it got so far.
        data: Option<Value>,
        /// It counts among the agent's errors.
        counts: bool,
    },
}

impl Outcome {
    /// A good answer.
    pub fn answer(text: String) -> Self {
        Self::Answer { message_id: Uuid::new_v4(), text }
    }

    /// A failure of the command itself.
    pub fn command_failed(message: String, exit_code: i32, stderr: &str) -> Self {
        Self::Failure { message, data: Some(json!({"exit_code": exit_code, "stderr": stderr})), counts: true }
    }

    /// A failure on our side of the command.
    pub fn failure(message: impl Into<String>) -> Self {
        Self::Failure { message: message.into(), data: None, counts: true }
    }

    /// The platform ended it: no error of the agent's.
    pub fn called_off(message: impl Into<String>) -> Self {
        Self::Failure { message: message.into(), data: None, counts: false }
    }

    /// What went wrong, for the error rate: with the last line of the command's error output, which says most.
    pub fn error(&self) -> Option<String> {
        let Self::Failure { message, data, counts: true } = self else { return None };
        let stderr = data.as_ref().and_then(|data| data["stderr"].as_str()).unwrap_or_default();
        let last = stderr.lines().map(str::trim).rfind(|line| !line.is_empty());
        Some(last.map_or_else(|| message.clone(), |last| format!("{message}: {last}")))
    }

    /// Roughly the memory it takes.
    pub fn size(&self) -> usize {
        match self {
            Self::Answer { text, .. } => text.len(),
            Self::Failure { message, data, .. } => {
                message.len() + data.as_ref().and_then(|data| data["stderr"].as_str()).map_or(0, str::len)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn an_error_says_what_the_command_said_last_and_what_is_called_off_is_none() {
        let failed = |stderr| Outcome::command_failed("command exited with code 127".to_owned(), 127, stderr).error();
        let told = "command exited with code 127: sh: 1: nothing: not found";
        assert_eq!(failed("begun\nsh: 1: nothing: not found\n \n").as_deref(), Some(told));
        assert_eq!(failed(" \n").as_deref(), Some("command exited with code 127"));
        assert_eq!(Outcome::called_off("ended").error(), None);
        assert_eq!(Outcome::answer("fine".to_owned()).error(), None);
    }
}
