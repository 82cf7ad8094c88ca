//! The methods of A2A, in the names of both generations.

/// What a JSON-RPC method asks for, whichever generation it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MethodKind {
    /// Hand over a message and wait for the answer: `message/send`, `SendMessage`.
    Send,
    /// Hand over a message and follow the answer: `message/stream`, `SendStreamingMessage`.
    Stream,
    /// Ask for a task: `tasks/get`, `GetTask`.
    Get,
    /// Cancel a task: `tasks/cancel`, `CancelTask`.
    Cancel,
    /// Ask for one's own tasks: `tasks/list`, `ListTasks`.
    List,
    /// Follow a task again: `tasks/resubscribe`, `SubscribeToTask`.
    Resubscribe,
    /// Any other. The agent answers it, if only with -32601.
    Other,
}

/// A generation of the A2A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generation {
    /// 0.3 and before: `message/send`.
    V03,
    /// 1.0: `SendMessage`.
    V10,
}

/// The methods of 1.0 besides those that have a kind.
const OTHERS_OF_V10: [&str; 5] = [
    "CreateTaskPushNotificationConfig",
    "GetTaskPushNotificationConfig",
    "ListTaskPushNotificationConfigs",
    "DeleteTaskPushNotificationConfig",
    "GetExtendedAgentCard",
];

impl MethodKind {
    /// The kind of a method.
    pub fn of(method: &str) -> Self {
        match method {
            "message/send" | "SendMessage" => Self::Send,
            "message/stream" | "SendStreamingMessage" => Self::Stream,
            "tasks/get" | "GetTask" => Self::Get,
            "tasks/cancel" | "CancelTask" => Self::Cancel,
            "tasks/list" | "ListTasks" => Self::List,
            "tasks/resubscribe" | "SubscribeToTask" => Self::Resubscribe,
            _ => Self::Other,
        }
    }

    /// Whether it carries a message: what is queued, ordered and delivered once.
    pub const fn is_message(self) -> bool {
        matches!(self, Self::Send | Self::Stream)
    }
}

impl Generation {
    /// Its version, as `A2A-Version` and cards have it.
    pub const fn version(self) -> &'static str {
        match self {
            Self::V03 => "0.3",
            Self::V10 => "1.0",
        }
    }

    /// The generation of a version such as `0.3.0` or `1.0`; an empty one means 0.3. None for what is newer or no version.
    pub fn of_version(version: &str) -> Option<Self> {
        match version.trim().split('.').next() {
            Some("" | "0") => Some(Self::V03),
            Some("1") => Some(Self::V10),
            _ => None,
        }
    }

    /// The generation that a method's name belongs to. A name that is of neither counts as 0.3, as does a caller who
    /// names no version.
    pub fn of(method: &str) -> Self {
        let named_in_v10 = match MethodKind::of(method) {
            MethodKind::Other => OTHERS_OF_V10.contains(&method),
            _ => !method.contains('/'),
        };
        if named_in_v10 { Self::V10 } else { Self::V03 }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::normalised;
    use super::*;

    #[test]
    fn a_version_names_its_generation() {
        for (version, generation) in [
            ("", Some(Generation::V03)),
            ("0.2.5", Some(Generation::V03)),
            ("0.3", Some(Generation::V03)),
            ("1.0", Some(Generation::V10)),
            ("1.0.1", Some(Generation::V10)),
            ("1", Some(Generation::V10)),
            ("2.0", None),
            ("10.0", None),
            ("x", None),
        ] {
            assert_eq!(Generation::of_version(version), generation, "{version:?}");
        }
        assert_eq!(Generation::of_version(Generation::V10.version()), Some(Generation::V10));
    }

    #[test]
    fn both_generations_are_known_by_their_names() {
        use Generation::{V03, V10};
        use MethodKind::{Cancel, Get, List, Other, Resubscribe, Send, Stream};

        let table = [
            ("message/send", Send, V03),
            ("SendMessage", Send, V10),
            ("message/stream", Stream, V03),
            ("SendStreamingMessage", Stream, V10),
            ("tasks/get", Get, V03),
            ("GetTask", Get, V10),
            ("tasks/cancel", Cancel, V03),
            ("CancelTask", Cancel, V10),
            ("tasks/resubscribe", Resubscribe, V03),
            ("SubscribeToTask", Resubscribe, V10),
            ("tasks/pushNotificationConfig/set", Other, V03),
            ("CreateTaskPushNotificationConfig", Other, V10),
            ("tasks/list", List, V03),
            ("ListTasks", List, V10),
            ("agent/getAuthenticatedExtendedCard", Other, V03),
            ("GetExtendedAgentCard", Other, V10),
            ("sendmessage", Other, V03),
            ("no/such", Other, V03),
            ("", Other, V03),
        ];
        for (method, kind, generation) in table {
            let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method }).to_string();
            let envelope = normalised(&body);
            assert_eq!((envelope.kind, envelope.generation), (kind, generation), "{method}");
            assert_eq!(envelope.method, method);
            assert_eq!(kind.is_message(), matches!(kind, Send | Stream));
        }
    }
}
