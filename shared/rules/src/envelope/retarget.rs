//! A message to a task that the hub knows by its queue id, and its agent by an id of its own.

use super::object::{RawObject, quoted};

/// The envelope with the agent's id of the task in its message, and the agent's `contextId` where the message names the
/// one that the hub had made up, `queue_id`. `None` where there is no such message.
pub fn to_agents_task(envelope: &[u8], queue_id: &str, task: &str, context: Option<&str>) -> Option<Vec<u8>> {
    let mut call = RawObject::parse(std::str::from_utf8(envelope).ok()?)?;
    let mut params = call.object("params")?;
    let mut message = params.object("message")?;
    let (task, context) = (quoted(task), context.map(quoted));
    message.set("taskId", &task);
    if let Some(context) = &context
        && message.string("contextId").as_deref() == Some(queue_id)
    {
        message.set("contextId", context);
    }
    let message = message.to_json();
    params.set("message", &message);
    let params = params.to_json();
    call.set("params", &params);
    Some(call.to_json().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_reads_its_own_ids_and_nothing_else_changes() {
        let told = |message: &str, context: Option<&str>| {
            let envelope = format!(r#"{{"id":1,"params":{{"n":1.50,"message":{message}}}}}"#);
            let told = to_agents_task(envelope.as_bytes(), "q", "t\"", context);
            told.map(|bytes| String::from_utf8(bytes).unwrap())
        };
        let with = |message: &str| Some(format!(r#"{{"id":1,"params":{{"n":1.50,"message":{message}}}}}"#));
        for (message, context, expected) in [
            (r#"{"taskId":"q","contextId":"c"}"#, Some("own"), with(r#"{"taskId":"t\"","contextId":"c"}"#)),
            (r#"{"taskId":"q","contextId":"q"}"#, Some("own"), with(r#"{"taskId":"t\"","contextId":"own"}"#)),
            (r#"{"taskId":"q","contextId":"q"}"#, None, with(r#"{"taskId":"t\"","contextId":"q"}"#)),
            (r#"{"taskId":"q"}"#, Some("own"), with(r#"{"taskId":"t\""}"#)),
            ("[]", None, None),
        ] {
            assert_eq!(told(message, context), expected, "{message}");
        }
    }
}
