//! From a request to a message record.

use std::time::Duration;

use platform::entropy::digest;
use platform::{Call, Platform, Problem, Result};
use rules::envelope::{Envelope, EnvelopeError, Form, MethodKind, normalise, to_agents_task};
use rules::message::{Accepted, MAX_LIFE, Message, Priority};
use rules::{MessageId, Timestamp};

use crate::caller::Permitted;

/// A message to be accepted, and how its sender waits for the answer.
pub(crate) struct Send {
    pub(crate) draft: platform::accept::Draft,
    /// How long the sender wants to wait at most; none for not at all.
    pub(crate) wait: Option<Duration>,
    /// How the sender is answered meanwhile.
    pub(crate) form: Form,
}

/// The call, normalised.
pub(crate) fn envelope(platform: &Platform, call: &Call) -> Result<Envelope> {
    let (fresh, rpc) = (platform.entropy.uuid().to_string(), platform.entropy.uuid().to_string());
    normalise(&call.body, &fresh, &rpc).map_err(|error| refused(&error))
}

/// Settles priority, deadline and idempotency. `version` is that of the call's `A2A-Version`.
pub(crate) async fn draft(
    platform: &Platform,
    call: &Call,
    version: Option<&str>,
    permitted: &Permitted,
    mut envelope: Envelope,
) -> Result<Send> {
    let now = platform.now();
    let form = Form::of(&envelope, version);
    let streamed = envelope.kind == MethodKind::Stream;
    continue_task(platform, permitted, &mut envelope).await?;
    let priority = priority(call, &envelope)?;
    let not_before = not_before(call, &envelope, now)?;
    let deadline = deadline(call, &envelope, priority, not_before.unwrap_or(now), now)?;
    let key = call.header("idempotency-key").filter(|key| !key.is_empty()).unwrap_or(&envelope.message_id);
    if key.len() > 256 {
        return Err(Problem::bad_request("invalid_header", "Idempotency-Key may have at most 256 bytes"));
    }
    let idempotency = digest(&format!("{}\0{key}", permitted.caller.key()));
    let accepted = Accepted {
        id: MessageId::new(platform.entropy.ordered_uuid(now)),
        org: permitted.workspace.org.clone(),
        target: permitted.target,
        caller: permitted.caller.clone(),
        message_id: envelope.message_id,
        // The body as it came: what is filled in here differs between two sendings of one message.
        body_digest: platform::entropy::digest_bytes(&call.body),
        deadline,
        not_before,
    };
    let message = Message {
        method: envelope.method,
        context_id: envelope.context_id,
        a2a_version: version.map(str::to_owned),
        priority,
        generation: permitted.workspace.generation,
        trace: Some(platform.trace_of(call)),
        ..Message::accepted(accepted, now)
    };
    // One that follows the answer waits for it, whatever it says beside.
    let wait = Some(wait(platform, call)?).filter(|_| !form.at_once || streamed);
    Ok(Send { draft: platform::accept::Draft { message, body: envelope.bytes, idempotency }, wait, form })
}

/// A message to a task that the sender knows by its queue id goes to the agent with the agent's own id of it.
async fn continue_task(platform: &Platform, permitted: &Permitted, envelope: &mut Envelope) -> Result<()> {
    let Some(named) = envelope.task_id.as_deref().filter(|id| id.parse::<MessageId>().is_ok()) else { return Ok(()) };
    let before = platform.store.task(permitted.target, &permitted.caller, named).await?;
    let before = before.filter(|before| before.id.to_string() == *named && permitted.may_see(before));
    if let Some(task) = before.and_then(|before| before.answer?.task)
        && let Some(bytes) = to_agents_task(&envelope.bytes, named, &task.id, task.context_id.as_deref())
    {
        envelope.bytes = bytes;
    }
    Ok(())
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

fn deadline(
    call: &Call,
    envelope: &Envelope,
    priority: Priority,
    begins: Timestamp,
    now: Timestamp,
) -> Result<Timestamp> {
    let Some(text) = call.header("x-deadline").or(envelope.deadline.as_deref()) else {
        return Ok((begins + priority.default_life()).min(now + MAX_LIFE));
    };
    let deadline = Timestamp::parse_rfc3339(text).ok_or_else(|| {
        Problem::bad_request("invalid_deadline", "the deadline must be a time like 2030-01-31T12:00:00Z")
    })?;
    if deadline <= now {
        return Err(Problem::unprocessable("deadline_passed", "the deadline has passed already; nothing was queued"));
    }
    if deadline <= begins {
        return Err(Problem::unprocessable(
            "deadline_passed",
            "the deadline comes before not_before; nothing was queued",
        ));
    }
    Ok(deadline.min(now + MAX_LIFE))
}

/// When it may be handed out at the earliest, if that is still to come.
fn not_before(call: &Call, envelope: &Envelope, now: Timestamp) -> Result<Option<Timestamp>> {
    let Some(text) = call.header("x-not-before").or(envelope.not_before.as_deref()) else { return Ok(None) };
    let at = Timestamp::parse_rfc3339(text).ok_or_else(|| {
        Problem::bad_request("invalid_not_before", "not_before must be a time like 2030-01-31T12:00:00Z")
    })?;
    if at >= now + MAX_LIFE {
        return Err(Problem::unprocessable(
            "not_before_too_late",
            "no message lives longer than 12 days; nothing was queued",
        ));
    }
    Ok(Some(at).filter(|at| *at > now))
}

/// The header, or the query parameter of the same name.
pub(crate) fn version(call: &Call) -> Result<Option<String>> {
    let given = call.header("a2a-version").or_else(|| call.query.get("A2A-Version").map(String::as_str));
    let version = given.filter(|version| !version.is_empty());
    match version {
        Some(version) if version.len() > 16 => Err(Problem::bad_request("invalid_header", "A2A-Version is too long")),
        version => Ok(version.map(str::to_owned)),
    }
}

/// `X-Timeout` in seconds shortens the wait, `Prefer: respond-async` makes it none, with `wait=seconds` as long as that.
fn wait(platform: &Platform, call: &Call) -> Result<Duration> {
    let mut longest = platform.config.sync_wait;
    let preferences = || call.header("prefer").into_iter().flat_map(|text| text.split(',')).map(str::trim);
    if preferences().any(|one| one.eq_ignore_ascii_case("respond-async")) {
        let seconds = preferences().find_map(|one| one.strip_prefix("wait=")?.parse::<u64>().ok());
        longest = Duration::from_secs(seconds.unwrap_or(0)).min(longest);
    }
    match call.header("x-timeout").filter(|text| !text.is_empty()) {
        None => Ok(longest),
        Some(text) => match text.parse::<u64>() {
            Ok(0) => Ok(longest),
            Ok(seconds) => Ok(Duration::from_secs(seconds).min(longest)),
            Err(_) => Err(Problem::bad_request("invalid_header", "X-Timeout must be whole seconds")),
        },
    }
}
