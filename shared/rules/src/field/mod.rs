//! The limits of what users may put into the fields of a workspace.
//!
//! Each check takes the value as it came and gives the one to store. A refusal names the field and what is wrong, never
//! the value: that may be long, secret, or full of control characters.

mod card;
mod directory;
#[cfg(test)]
mod tests;

pub use card::{MAX_CARD_BYTES, MAX_CARD_DEPTH, agent_card, card_text, json_depth};
pub use directory::{MAX_PATH_BYTES, WorkspaceAccess, workspace_access, workspace_dir};

/// The most bytes of a workspace's name.
pub const MAX_NAME_BYTES: usize = 255;
/// The most bytes of a role.
pub const MAX_ROLE_BYTES: usize = 1000;
/// The most bytes of a runtime, a model or a token's name.
pub const MAX_LABEL_BYTES: usize = 100;
/// The most turns one agent may run at a time.
pub const MAX_CONCURRENT_TASKS: u32 = 100;
/// The longest command of a turn.
const MAX_COMMAND_BYTES: usize = 4096;
/// A year.
const MAX_IDLE_MINUTES: u32 = 525_600;
/// The canvas ends here, in both directions.
pub const MAX_COORDINATE: f64 = 1e9;
/// Names and roles go into YAML templates and prompts; these characters would mean something there.
const SPECIAL: [char; 9] = ['{', '}', '[', ']', '|', '>', '*', '&', '!'];

/// A field that cannot be accepted, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FieldError {
    /// The field as the API spells it.
    pub field: &'static str,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl FieldError {
    /// A refusal of `field`.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }
}

/// A workspace's name: 1 to 255 bytes after trimming, one line, no characters that YAML reads as syntax.
///
/// # Errors
///
/// Empty, too long, or with such characters.
pub fn name(text: &str) -> Result<String, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldError::new("name", "must not be empty"));
    }
    line("name", text, MAX_NAME_BYTES)?;
    plain("name", text)
}

/// A workspace's role: at most 1000 bytes after trimming, and otherwise as a name. May be empty.
///
/// # Errors
///
/// Too long, or with characters that a name may not have either.
pub fn role(text: &str) -> Result<String, FieldError> {
    let text = text.trim();
    line("role", text, MAX_ROLE_BYTES)?;
    plain("role", text)
}

/// A runtime's name: at most 100 bytes on one line. Empty counts as not given.
///
/// # Errors
///
/// Too long, or with control characters.
pub fn runtime(text: &str) -> Result<String, FieldError> {
    line("runtime", text.trim(), MAX_LABEL_BYTES)
}

/// A model's name: at most 100 bytes on one line. Empty counts as not given.
///
/// # Errors
///
/// Too long, or with control characters.
pub fn model(text: &str) -> Result<String, FieldError> {
    line("model", text.trim(), MAX_LABEL_BYTES)
}

/// The name that a person gives to a token: at most 100 bytes on one line. Empty counts as not given.
///
/// # Errors
///
/// Too long, or with control characters.
pub fn token_name(text: &str) -> Result<String, FieldError> {
    line("name", text.trim(), MAX_LABEL_BYTES)
}

/// A schedule's name: at most 100 bytes on one line. May be empty.
///
/// # Errors
///
/// Too long, or with control characters.
pub fn schedule_name(text: &str) -> Result<String, FieldError> {
    line("name", text.trim(), MAX_LABEL_BYTES)
}

/// How many turns an agent may run at a time: 0 and less mean 1.
///
/// # Errors
///
/// More than 100.
pub fn max_concurrent_tasks(count: i64) -> Result<u32, FieldError> {
    match u32::try_from(count.max(1)) {
        Ok(count) if count <= MAX_CONCURRENT_TASKS => Ok(count),
        _ => Err(FieldError::new("max_concurrent_tasks", format!("must be at most {MAX_CONCURRENT_TASKS}"))),
    }
}

/// The command of a turn: at most 4096 bytes, without NUL.
///
/// # Errors
///
/// Longer, or with a NUL.
pub fn command(text: &str) -> Result<String, FieldError> {
    if text.len() > MAX_COMMAND_BYTES || text.contains('\0') {
        return Err(FieldError::new("command", format!("must be at most {MAX_COMMAND_BYTES} bytes without NUL")));
    }
    Ok(text.to_owned())
}

/// Minutes without activity after which a workspace is hibernated; 0 is never.
///
/// # Errors
///
/// Negative, or more than a year.
pub fn idle_minutes(minutes: i64) -> Result<u32, FieldError> {
    match u32::try_from(minutes) {
        Ok(minutes) if minutes <= MAX_IDLE_MINUTES => Ok(minutes),
        _ => Err(FieldError::new("hibernation_idle_minutes", format!("must be from 0 to {MAX_IDLE_MINUTES}"))),
    }
}

/// A position on the canvas.
///
/// # Errors
///
/// A coordinate that is not a number, or further than 1e9 from the origin.
pub fn canvas(x: f64, y: f64) -> Result<(f64, f64), FieldError> {
    let on_canvas = |value: f64| value.is_finite() && value.abs() <= MAX_COORDINATE;
    if on_canvas(x) && on_canvas(y) {
        Ok((storable(x), storable(y)))
    } else {
        Err(FieldError::new("canvas", "x and y must be numbers from -1e9 to 1e9"))
    }
}

/// A workspace's budget in cents.
///
/// # Errors
///
/// Less than 0.
pub fn budget_limit(cents: i64) -> Result<i64, FieldError> {
    if cents < 0 {
        return Err(FieldError::new("budget_limit", "must not be negative"));
    }
    Ok(cents)
}

/// A rate that an agent reports, brought into 0 to 1.
///
/// # Errors
///
/// Not a number.
pub fn finite_rate(rate: f64) -> Result<f64, FieldError> {
    if rate.is_nan() {
        return Err(FieldError::new("error_rate", "must be a number from 0 to 1"));
    }
    Ok(storable(rate.clamp(0.0, 1.0)))
}

/// What is too close to 0 for DynamoDB's numbers, which end at 1e-130, is 0; and so is -0.
fn storable(value: f64) -> f64 {
    if value.abs() < 1e-100 { 0.0 } else { value }
}

/// The beginning of `text` that fits in `max_bytes`, cut between characters, without control characters other than
/// newline and tab. For what agents say of themselves (`sample_error`, `current_task`), which is shown, not judged.
pub fn capped(text: &str, max_bytes: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(max_bytes));
    for c in text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')) {
        if kept.len() + c.len_utf8() > max_bytes {
            break;
        }
        kept.push(c);
    }
    kept
}

fn line(field: &'static str, text: &str, max_bytes: usize) -> Result<String, FieldError> {
    if text.len() > max_bytes {
        return Err(FieldError::new(field, format!("must not be longer than {max_bytes} bytes")));
    }
    // The last two are no control characters, yet end a line in YAML and JavaScript.
    if text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        let problem = "must be one line without control characters";
        return Err(FieldError::new(field, problem));
    }
    Ok(text.to_owned())
}

fn plain(field: &'static str, text: &str) -> Result<String, FieldError> {
    if text.contains(SPECIAL) {
        return Err(FieldError::new(field, "must not contain any of { } [ ] | > * & !"));
    }
    Ok(text.to_owned())
}
