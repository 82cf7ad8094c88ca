//! The JSON-RPC envelope of an A2A call, 0.3 or 1.0, brought into the one form that is queued and delivered.
//!
//! The hub passes envelopes on and does not own them: the bytes stay as they came unless something has to be put in (a
//! missing wrapper, a missing `messageId`) or taken out (a repeated key, which two parsers could read differently).
//! Even then every other value keeps its text, so large numbers and the order of keys survive.

mod answer;
mod error;
mod form;
mod method;
mod object;
#[cfg(test)]
mod properties;
mod refusal;
mod retarget;
#[cfg(test)]
mod tests;
mod text;

pub use answer::{rpc_error, rpc_result};
pub use error::EnvelopeError;
pub use form::Form;
pub use method::{Generation, MethodKind};
pub use refusal::Refusal;
pub use retarget::to_agents_task;

pub use object::depth;
use object::{RawObject, quoted, string};

/// The largest body, in bytes, before and after normalising: 1 MiB.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The deepest nesting of a body, before and after normalising.
pub const MAX_DEPTH: usize = 64;
/// The longest `messageId`, `contextId` and `taskId`, in bytes.
pub const MAX_ID_BYTES: usize = 256;

const DEFAULT_METHOD: &str = "message/send";

/// An A2A call, normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The method, empty if the call names none. It is not judged: the agent answers a method that it does not know.
    pub method: String,
    /// What the method asks for.
    pub kind: MethodKind,
    /// The protocol's generation, by the method's name.
    pub generation: Generation,
    /// `params.message.messageId`; for a call without message the fresh id, so that it can be recorded all the same.
    pub message_id: String,
    /// `params.message.contextId`; empty counts as none.
    pub context_id: Option<String>,
    /// `params.message.taskId`, or for a call without message `params.taskId` or `params.id`; empty counts as none.
    pub task_id: Option<String>,
    /// `metadata.priority` of the message, else of the params: a string, or a number's text. A hint, not judged.
    pub priority: Option<String>,
    /// `metadata.deadline`, likewise.
    pub deadline: Option<String>,
    /// `metadata.not_before`, likewise.
    pub not_before: Option<String>,
    /// `params.configuration.blocking` of 0.3.
    pub blocking: Option<bool>,
    /// `params.configuration.returnImmediately` of 1.0.
    pub return_immediately: Option<bool>,
    /// The JSON of the request's id, for the answer. `null` if it has none, or one that JSON-RPC does not allow.
    pub rpc_id: String,
    /// The envelope to deliver.
    pub bytes: Vec<u8>,
}

/// Brings a request's body into the form that is queued and delivered.
///
/// Without a `jsonrpc` key the body is wrapped, with `fresh_rpc_id` as its id and `message/send` as its default method;
/// a body that is neither method nor params but has a `message` is itself the params. With one it is kept, and its id
/// too. A message without `messageId`, or with an empty one, gets `fresh_id`. Normalising the result changes nothing.
///
/// # Errors
///
/// See [`EnvelopeError`].
pub fn normalise(body: &[u8], fresh_id: &str, fresh_rpc_id: &str) -> Result<Envelope, EnvelopeError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(EnvelopeError::TooLarge);
    }
    // Before any parser: what comes after may rely on it.
    if depth(body) > MAX_DEPTH {
        return Err(EnvelopeError::TooDeep);
    }
    let text = std::str::from_utf8(body).map_err(|_| EnvelopeError::InvalidJson)?;
    let received = RawObject::parse(text).ok_or(EnvelopeError::InvalidJson)?;

    let (message_json, params_json);
    let fresh_id_json = quoted(fresh_id);
    let rpc_id_json = quoted(fresh_rpc_id);
    let default_method = quoted(DEFAULT_METHOD);

    let wrapped = received.get("jsonrpc").is_none();
    let mut call = if wrapped { wrap(&received, text, &rpc_id_json, &default_method) } else { received };
    let params = call.object("params");
    let message = params.as_ref().and_then(|params| params.object("message"));
    let (mut envelope, has_id) = read(&call, params.as_ref(), message.as_ref(), fresh_id)?;

    let mut changed = wrapped || call.has_repeated_keys();
    if let Some(mut params) = params {
        let mut params_changed = params.has_repeated_keys();
        if let Some(mut message) = message
            && (!has_id || message.has_repeated_keys())
        {
            if !has_id {
                message.set("messageId", &fresh_id_json);
            }
            message_json = message.to_json();
            params.set("message", &message_json);
            params_changed = true;
        }
        if params_changed {
            params_json = params.to_json();
            call.set("params", &params_json);
            changed = true;
        }
    }
    envelope.bytes = if changed { call.to_json().into_bytes() } else { body.to_vec() };

    // The wrapper adds a level and some bytes; what is queued keeps the limits too.
    if envelope.bytes.len() > MAX_BODY_BYTES {
        return Err(EnvelopeError::TooLarge);
    }
    if wrapped && depth(&envelope.bytes) > MAX_DEPTH {
        return Err(EnvelopeError::TooDeep);
    }
    Ok(envelope)
}

/// The call that a body without `jsonrpc` stands for. Its other keys are dropped, an `id` too: only JSON-RPC gives it a
/// meaning.
fn wrap<'a>(body: &RawObject<'a>, text: &'a str, rpc_id: &'a str, default_method: &'a str) -> RawObject<'a> {
    let (method, mut params) = (body.get("method"), body.get("params"));
    if method.is_none() && params.is_none() && body.get("message").is_some() {
        params = Some(text.trim());
    }
    let mut call = RawObject::default();
    call.set("jsonrpc", "\"2.0\"");
    call.set("id", rpc_id);
    call.set("method", method.unwrap_or(default_method));
    if let Some(params) = params {
        call.set("params", params);
    }
    call
}

/// What the hub knows of a call, still without its bytes, and whether its message names its own id.
fn read(
    call: &RawObject<'_>,
    params: Option<&RawObject<'_>>,
    message: Option<&RawObject<'_>>,
    fresh_id: &str,
) -> Result<(Envelope, bool), EnvelopeError> {
    let method = call.string("method").unwrap_or_default();
    let message_id = id(message, "messageId", EnvelopeError::MessageIdTooLong)?;
    let context_id = id(message, "contextId", EnvelopeError::ContextIdTooLong)?;
    let task_id = match message {
        Some(_) => id(message, "taskId", EnvelopeError::TaskIdTooLong)?,
        None => task_of(params)?,
    };
    let metadata = [message, params].map(|owner| owner.and_then(|owner| owner.object("metadata")));
    let hint = |key: &str| metadata.iter().flatten().find_map(|metadata| hint(metadata, key));
    let configuration = params.and_then(|params| params.object("configuration"));
    let flag = |key: &str| configuration.as_ref().and_then(|flags| flags.boolean(key));

    let has_id = message_id.is_some();
    let envelope = Envelope {
        kind: MethodKind::of(&method),
        generation: Generation::of(&method),
        method,
        message_id: message_id.unwrap_or_else(|| fresh_id.to_owned()),
        context_id,
        task_id,
        priority: hint("priority"),
        deadline: hint("deadline"),
        not_before: hint("not_before"),
        blocking: flag("blocking"),
        return_immediately: flag("returnImmediately"),
        rpc_id: call.get("id").and_then(answer::answerable).unwrap_or("null").to_owned(),
        bytes: Vec::new(),
    };
    Ok((envelope, has_id))
}

/// An id in a message. Absent, `null` and empty are all none.
fn id(
    message: Option<&RawObject<'_>>,
    key: &'static str,
    too_long: EnvelopeError,
) -> Result<Option<String>, EnvelopeError> {
    let Some(json) = message.and_then(|message| message.get(key)).filter(|json| *json != "null") else {
        return Ok(None);
    };
    let id = string(json).ok_or(EnvelopeError::IdNotAString(key))?;
    if id.len() > MAX_ID_BYTES {
        return Err(too_long);
    }
    Ok(Some(id).filter(|id| !id.is_empty()))
}

/// The task that a call without message is about. Lenient: only the agent knows the params of a method.
fn task_of(params: Option<&RawObject<'_>>) -> Result<Option<String>, EnvelopeError> {
    let id =
        params.and_then(|params| params.string("taskId").or_else(|| params.string("id"))).filter(|id| !id.is_empty());
    match id {
        Some(id) if id.len() > MAX_ID_BYTES => Err(EnvelopeError::TaskIdTooLong),
        id => Ok(id),
    }
}

/// A hint in metadata: a string, or the text of a number.
fn hint(metadata: &RawObject<'_>, key: &str) -> Option<String> {
    let json = metadata.get(key)?;
    let is_number = json.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let text = if is_number { Some(json.to_owned()) } else { string(json) };
    text.filter(|text| text.len() <= MAX_ID_BYTES)
}
