//! How a caller is answered while the agent has not answered yet: in the protocol's terms, or in the hub's own.

use super::{Envelope, Generation};

/// The form of the hub's own answers to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// The caller speaks the protocol: it gets a Task, and never the hub's 202.
    pub protocol: bool,
    /// It does not want to wait.
    pub at_once: bool,
    /// In which generation's form.
    pub generation: Generation,
    /// The JSON of the request's id.
    pub rpc_id: String,
}

impl Form {
    /// Of a call that came with `version` in its `A2A-Version` header. A caller speaks the protocol if it says so with
    /// that header, by the names of 1.0, or by `configuration.blocking`: clients of 0.3 know no header.
    pub fn of(envelope: &Envelope, version: Option<&str>) -> Self {
        let protocol = version.is_some() || envelope.generation == Generation::V10 || envelope.blocking.is_some();
        Self {
            protocol,
            at_once: envelope.blocking == Some(false) || envelope.return_immediately == Some(true),
            generation: envelope.generation,
            rpc_id: envelope.rpc_id.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::normalised;
    use super::*;

    #[test]
    fn who_speaks_the_protocol_and_who_does_not_wait() {
        let none = json!({});
        let table = [
            ("message/send", none.clone(), None::<&str>, (false, false)),
            ("message/send", none.clone(), Some("0.3"), (true, false)),
            ("message/send", json!({ "blocking": true }), None, (true, false)),
            ("message/send", json!({ "blocking": false }), None, (true, true)),
            ("message/send", json!({ "acceptedOutputModes": [] }), None, (false, false)),
            ("SendMessage", none.clone(), None, (true, false)),
            ("SendMessage", json!({ "returnImmediately": true }), None, (true, true)),
            ("SendMessage", json!({ "returnImmediately": false }), Some("1.0"), (true, false)),
            ("tasks/get", none, None, (false, false)),
        ];
        for (method, configuration, version, expected) in table {
            let params = json!({ "message": { "messageId": "m" }, "configuration": configuration });
            let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
            let form = Form::of(&normalised(&call.to_string()), version);
            assert_eq!((form.protocol, form.at_once), expected, "{call} {version:?}");
        }
    }
}
