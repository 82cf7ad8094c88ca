//! What an agent is told after a restart, as the first turn of the new generation: when, why, when its last session ended,
//! and the names of what it finds in its environment. Never a value.

use serde_json::json;

use crate::message::{Accepted, Caller, Message, Priority};
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// The sender, as agents know it: `system:restart-context`.
const SENDER: &str = "restart-context";
/// Stands before and after the text, for agents that look for it.
pub const MARKER: &str = "=== WORKSPACE RESTART CONTEXT ===";
/// Names that are told; a longer list would be no use to a model.
const MOST_NAMES: usize = 200;

/// Who tells it.
pub fn caller() -> Caller {
    Caller::System(SENDER.to_owned())
}

/// The text: `after` is the record of the generation that was begun, `names` are those of its environment.
pub fn text<'n>(after: &Workspace, names: impl IntoIterator<Item = &'n str>) -> String {
    let at = after.start.at.unwrap_or(after.updated_at);
    let ended = match &after.last_beat {
        Some(beat) => format!("{} (last heartbeat, {} s before)", beat.at.rfc3339(), at.since(beat.at).as_secs()),
        None => "unknown: no heartbeat is on record".to_owned(),
    };
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(MOST_NAMES);
    names.truncate(MOST_NAMES);
    let listed = match (names.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{}, and {more} more", names.join(", ")),
    };
    format!(
        "{MARKER}\nRestarted at: {}\nCause: {}\nGeneration: {}\nPrevious session ended: {ended}\nEnvironment keys: \
         {listed}\n{MARKER}",
        at.rfc3339(),
        after.start.reason,
        after.generation,
    )
}

/// The A2A `messageId`, one for each generation.
pub fn message_id(after: &Workspace) -> String {
    format!("restart-context-{}-{}", after.id, after.generation)
}

/// The normalised envelope.
pub fn envelope(after: &Workspace, text: &str) -> Vec<u8> {
    let id = message_id(after);
    json!({
        "jsonrpc": "2.0", "id": id, "method": "message/send",
        "params": { "message": {
            "kind": "message", "role": "user", "messageId": id,
            "parts": [{ "kind": "text", "text": text }],
            "metadata": {
                "source": "platform",
                "kind": "restart_context",
                "layer": 1,
                "restart_context": true,
                "generation": after.generation,
            },
        } },
    })
    .to_string()
    .into_bytes()
}

/// The message, ahead of all that waits: an agent should know of it before it goes on.
pub fn message(accepted: Accepted, after: &Workspace, at: Timestamp) -> Message {
    Message { generation: after.generation, priority: Priority::Critical, ..Message::accepted(accepted, at) }
}

/// A restart that is told too late: another start followed, and only the last one is news.
pub fn is_over(message: &Message, workspace: &Workspace) -> bool {
    message.generation < workspace.generation && matches!(&message.caller, Caller::System(name) if name == SENDER)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fixtures::{self, NOW};
    use crate::id::MessageId;
    use crate::lease::Beat;
    use crate::start;
    use crate::status::Status;

    fn restarted() -> Workspace {
        let mut before = fixtures::workspace(Status::Online);
        before.last_beat = Some(Beat { at: NOW - Duration::from_secs(12), ..Beat::default() });
        start::begin(&before, Status::Provisioning, "asked for", "secret".to_owned(), NOW)
    }

    #[test]
    fn the_text_names_when_why_and_what_and_no_value() {
        let after = restarted();
        let text = text(&after, ["ZEBRA", "API_KEY"]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines[0], lines[lines.len() - 1]), (MARKER, MARKER));
        assert_eq!(lines[1], format!("Restarted at: {}", NOW.rfc3339()));
        assert_eq!(lines[2], "Cause: asked for");
        assert_eq!(lines[3], format!("Generation: {}", after.generation));
        assert!(lines[4].ends_with("(last heartbeat, 12 s before)"), "{}", lines[4]);
        assert_eq!(lines[5], "Environment keys: API_KEY, ZEBRA");
        assert!(!text.contains("secret"));
    }

    #[test]
    fn what_is_not_known_is_said_and_long_lists_end() {
        let mut after = restarted();
        after.last_beat = None;
        assert!(text(&after, []).contains("unknown") && text(&after, []).contains("keys: none"));
        let names: Vec<_> = (0..1000).map(|number| format!("NAME_{number:04}")).collect();
        let text = text(&after, names.iter().map(String::as_str));
        assert!(text.contains("NAME_0199, and 800 more") && text.len() < 4096);
    }

    #[test]
    fn the_envelope_is_what_agents_look_for() {
        let after = restarted();
        let read: serde_json::Value = serde_json::from_slice(&envelope(&after, "words")).unwrap();
        let metadata = &read["params"]["message"]["metadata"];
        assert_eq!(metadata["source"], "platform");
        assert_eq!(metadata["kind"], "restart_context");
        assert_eq!(metadata["layer"], 1);
        assert_eq!(metadata["restart_context"], true);
        assert_eq!(read["params"]["message"]["parts"][0]["text"], "words");
    }

    #[test]
    fn only_the_newest_restart_is_news() {
        let after = restarted();
        let accepted = |caller| Accepted {
            id: MessageId::new(uuid::Uuid::from_u128(1)),
            org: after.org.clone(),
            target: after.id,
            caller,
            message_id: message_id(&after),
            body_digest: String::new(),
            deadline: NOW,
            not_before: None,
        };
        let told = message(accepted(caller()), &after, NOW);
        assert!(!is_over(&told, &after));
        let newer = start::begin(&after, Status::Provisioning, "again", String::new(), NOW);
        assert!(is_over(&told, &newer));
        let other = message(accepted(Caller::System("scheduler".to_owned())), &after, NOW);
        assert!(!is_over(&other, &newer), "a fire waits for whatever generation comes");
    }
}
