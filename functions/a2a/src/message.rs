//! From a request to a message record.

use std::time::Duration;

use platform::entropy::digest;
use platform::{Call, Platform, Problem, Result};
use rules::envelope::{Envelope, EnvelopeError, normalise};
use rules::message::{MAX_LIFE, Message, Priority, State};
use rules::{MessageId, Timestamp};

use crate::caller::Permitted;

/// A message that can be stored.
pub(crate) struct Draft {
    pub(crate) message: Message,
    /// The normalised envelope, as the agent gets it.
    pub(crate) body: Vec<u8>,
    /// Key of its idempotency row.
    pub(crate) idempotency: String,
    /// How long the sender wants to wait at most.
    pub(crate) wait: Duration,
}

/// Normalises the envelope and settles priority, deadline and idempotency.
pub(crate) fn draft(platform: &Platform, call: &Call, permitted: &Permitted) -> Result<Draft> {
    let (fresh, rpc) = (platform.entropy.uuid().to_string(), platform.entropy.uuid().to_string());
    let envelope = normalise(&call.body, &fresh, &rpc).map_err(|error| refused(&error))?;
    let now = platform.now();
    let priority = priority(call, &envelope)?;
    let deadline = deadline(call, &envelope, priority, now)?;
    let key = call.header("idempotency-key").filter(|key| !key.is_empty()).unwrap_or(&envelope.message_id);
    if key.len() > 256 {
        return Err(Problem::bad_request("invalid_header", "Idempotency-Key may have at most 256 bytes"));
    }
    let idempotency = digest(&format!("{}\0{key}", permitted.caller.key()));
    let mut message = Message {
        id: MessageId::new(platform.entropy.ordered_uuid(now)),
        target: permitted.target,
        caller: permitted.caller.clone(),
        method: envelope.method,
        message_id: envelope.message_id,
        context_id: envelope.context_id,
        a2a_version: version(call)?,
        priority,
        state: State::Queued,
        version: 1,
        // The body as it came: what is filled in here differs between two sendings of one message.
        body_digest: platform::entropy::digest_bytes(&call.body),
        attempts: 0,
        send_epoch: 1,
        sent_at: Some(now),
        slot: None,
        slot_epoch: 0,
        generation: permitted.workspace.generation,
        accepted_at: now,
        dispatched_at: None,
        finished_at: None,
        deadline,
        not_before: None,
        reason: None,
        receipt: None,
        answer: None,
        timeline: Vec::new(),
    };
    message.note(now, "accepted", "");
    Ok(Draft { message, body: envelope.bytes, idempotency, wait: wait(platform, call)? })
}

fn refused(error: &EnvelopeError) -> Problem {
    match error.code() {
        "too_large" => Problem::too_large(platform::http::MAX_BODY),
        code => Problem::bad_request(code, error.to_string()),
    }
}

fn priority(call: &Call, envelope: &Envelope) -> Result<Priority> {
    let Some(text) = call.header("x-priority").or(envelope.priority.as_deref()) else { return Ok(Priority::default()) };
    Priority::parse(text).ok_or_else(|| {
        Problem::bad_request("invalid_priority", "priority must be critical (100), task (50) or info (10)")
    })
}

fn deadline(call: &Call, envelope: &Envelope, priority: Priority, now: Timestamp) -> Result<Timestamp> {
    let Some(text) = call.header("x-deadline").or(envelope.deadline.as_deref()) else {
        return Ok(now + priority.default_life());
    };
    let deadline = Timestamp::parse_rfc3339(text).ok_or_else(|| {
        Problem::bad_request("invalid_deadline", "the deadline must be a time like 2030-01-31T12:00:00Z")
    })?;
    if deadline <= now {
        return Err(Problem::unprocessable("deadline_passed", "the deadline has passed already; nothing was queued"));
    }
    Ok(deadline.min(now + MAX_LIFE))
}

fn version(call: &Call) -> Result<Option<String>> {
    let version = call.header("a2a-version").filter(|version| !version.is_empty());
    match version {
        Some(version) if version.len() > 16 => Err(Problem::bad_request("invalid_header", "A2A-Version is too long")),
        version => Ok(version.map(str::to_owned)),
    }
}

/// `X-Timeout` in seconds shortens the wait.
fn wait(platform: &Platform, call: &Call) -> Result<Duration> {
    let longest = platform.config.sync_wait;
    match call.header("x-timeout").filter(|text| !text.is_empty()) {
        None => Ok(longest),
        Some(text) => match text.parse::<u64>() {
            Ok(0) => Ok(longest),
            Ok(seconds) => Ok(Duration::from_secs(seconds).min(longest)),
            Err(_) => Err(Problem::bad_request("invalid_header", "X-Timeout must be whole seconds")),
        },
    }
}
