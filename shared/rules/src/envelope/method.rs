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
const OTHERS_OF_V10: [&str; 6] = [
    "ListTasks",
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
    fn both_generations_are_known_by_their_names() {
        use Generation::{V03, V10};
        use MethodKind::{Cancel, Get, Other, Resubscribe, Send, Stream};

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
            ("ListTasks", Other, V10),
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
