//! A2A's JSON-RPC envelope, in its 0.3 and its 1.0 form.

use serde::{Deserialize, Serialize};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use crate::outcome::Outcome;

/// Ids go into the command's environment and into the memory of outcomes, so they are bounded.
const LONGEST_ID: usize = 1024;

/// The form that a call came in and its answer goes out in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `message/send`.
    V03,
    /// `SendMessage`.
    V10,
}

/// A call to send a message.
#[derive(Debug)]
pub struct Call {
    /// The request's id, exactly as it came.
    pub id: Box<RawValue>,
    /// Its form.
    pub dialect: Dialect,
    /// The sender's id of the message.
    pub message_id: Option<String>,
    /// The conversation that the message belongs to.
    pub context_id: Option<String>,
    /// What the sender wants done with it, `metadata.kind`.
    pub kind: Option<String>,
    /// The whole of such a wish: the message's metadata.
    pub request: Value,
    /// Its text parts, one per line.
    pub text: String,
}

/// A call that cannot be answered with a result.
#[derive(Debug)]
pub struct Rejected {
    id: Option<Box<RawValue>>,
    error: RpcError,
}

#[derive(Debug, Serialize)]
struct RpcError {
    code: i32,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

#[derive(Deserialize)]
struct Envelope {
    jsonrpc: Option<String>,
    id: Option<Box<RawValue>>,
    method: String,
    params: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Params {
    message: Message,
    #[serde(default)]
    metadata: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: Option<String>,
    context_id: Option<String>,
    parts: Vec<Value>,
    #[serde(default)]
    metadata: Value,
}

#[derive(Serialize)]
struct Response<'a> {
    jsonrpc: &'static str,
    id: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RpcError>,
}

/// Reads a request's body.
pub fn parse(body: &[u8]) -> Result<Call, Rejected> {
    let Ok(document) = serde_json::from_slice::<&RawValue>(body) else {
        return Err(reject(None, -32700, "the body is not JSON"));
    };
    let Ok(envelope) = serde_json::from_str::<Envelope>(document.get()) else {
        return Err(reject(None, -32600, "the body is not one JSON-RPC request with a method"));
    };
    let id = envelope.id;
    if envelope.jsonrpc.is_some_and(|version| version != "2.0") {
        return Err(reject(id, -32600, "jsonrpc must be \"2.0\""));
    }
    let dialect = match envelope.method.as_str() {
        "message/send" => Dialect::V03,
        "SendMessage" => Dialect::V10,
        _ => {
            return Err(reject(id, -32601, "only message/send and SendMessage are known here"));
        }
    };
    let params = envelope.params.as_deref().map_or("null", RawValue::get);
    let Params { message, metadata } = match serde_json::from_str(params) {
        Ok(params) => params,
        Err(error) => {
            return Err(reject(id, -32602, &format!("params.message is not a message: {error}")));
        }
    };
    let Some(text) = text_of(&message.parts) else {
        return Err(reject(id, -32602, "the message has no text part"));
    };
    let ids = [&message.message_id, &message.context_id];
    if ids.into_iter().flatten().any(|id| id.len() > LONGEST_ID || id.contains('\0')) {
        return Err(reject(id, -32602, "messageId and contextId have at most 1024 bytes and no NUL"));
    }
    let named = |name: &str| [&message.metadata, &metadata].into_iter().find_map(|metadata| metadata[name].as_str());
    let kind = named("kind").map(str::to_owned);
    let request = if message.metadata["kind"].is_string() { message.metadata } else { metadata };
    Ok(Call {
        id: id.unwrap_or_else(|| RawValue::NULL.to_owned()),
        dialect,
        message_id: message.message_id.filter(|id| !id.is_empty()),
        context_id: message.context_id.filter(|id| !id.is_empty()),
        kind,
        request,
        text,
    })
}

/// All text parts; none at all is `None`, an empty one is not.
fn text_of(parts: &[Value]) -> Option<String> {
    let texts: Vec<&str> = parts
        .iter()
        .filter(|part| [&part["kind"], &part["type"]].into_iter().all(|kind| kind.is_null() || kind == "text"))
        .filter_map(|part| part["text"].as_str())
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn reject(id: Option<Box<RawValue>>, code: i32, message: &str) -> Rejected {
    Rejected { id, error: RpcError { code, message: message.to_owned(), data: None } }
}

impl Rejected {
    /// The JSON-RPC response.
    pub fn response(&self) -> Box<RawValue> {
        response(self.id.as_deref(), Err(&self.error))
    }
}

impl Call {
    /// The JSON-RPC response to this call. The same outcome makes the same bytes, whenever it is asked for.
    pub fn response(&self, outcome: &Outcome) -> Box<RawValue> {
        match outcome {
            Outcome::Answer { message_id, text } => {
                let message_id = message_id.to_string();
                response(Some(&self.id), Ok(self.dialect.message(&message_id, self.context_id.as_deref(), text)))
            }
            Outcome::Failure { message, data, .. } => {
                let error = RpcError { code: -32603, message: message.clone(), data: data.clone() };
                response(Some(&self.id), Err(&error))
            }
        }
    }
}

impl Dialect {
    fn message(self, message_id: &str, context_id: Option<&str>, text: &str) -> Value {
        let mut message = match self {
            Self::V03 => serde_json::json!({
                "kind": "message", "role": "agent", "messageId": message_id, "parts": [{"kind": "text", "text": text}],
            }),
            Self::V10 => serde_json::json!({
                "role": "ROLE_AGENT", "messageId": message_id, "parts": [{"text": text}],
            }),
        };
        if let Some(context_id) = context_id {
            message["contextId"] = context_id.into();
        }
        match self {
            Self::V03 => message,
            Self::V10 => serde_json::json!({ "message": message }),
        }
    }
}

fn response(id: Option<&RawValue>, outcome: Result<Value, &RpcError>) -> Box<RawValue> {
    let id = id.unwrap_or(RawValue::NULL);
    let (result, error) = match outcome {
        Ok(result) => (Some(result), None),
        Err(error) => (None, Some(error)),
    };
    #[expect(clippy::expect_used, reason = "strings and JSON values always have a JSON form")]
    to_raw_value(&Response { jsonrpc: "2.0", id, result, error }).expect("serializable")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn code(body: &str) -> i64 {
        let response = parse(body.as_bytes()).unwrap_err().response();
        serde_json::from_str::<Value>(response.get()).unwrap()["error"]["code"].as_i64().unwrap()
    }

    fn with_parts(parts: &Value) -> String {
        json!({"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": {"parts": parts}}})
            .to_string()
    }

    #[test]
    fn each_malformed_request_has_its_code() {
        assert_eq!(code("{"), -32700);
        assert_eq!(code("[]"), -32600);
        assert_eq!(code(r#"{"jsonrpc":"1.0","id":1,"method":"message/send"}"#), -32600);
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get"}"#), -32601);
        assert_eq!(code(r#"{"jsonrpc":"2.0","id":1,"method":"SendMessage"}"#), -32602);
        assert_eq!(code(&with_parts(&json!([{"kind": "data", "data": {}}]))), -32602);
        assert_eq!(code(&with_parts(&json!([]))), -32602);
    }

    #[test]
    fn text_parts_of_each_spelling_are_joined() {
        let parts = json!([{"kind": "text", "text": "a"}, {"type": "text", "text": "b"}, {"text": "c"},
            {"kind": "file", "text": "not this"}]);
        assert_eq!(parse(with_parts(&parts).as_bytes()).unwrap().text, "a\nb\nc");
        assert_eq!(parse(with_parts(&json!([{"text": ""}])).as_bytes()).unwrap().text, "");
    }

    #[test]
    fn the_id_comes_back_as_it_came() {
        for id in ["1.0", "\"\\u0041\"", "123456789012345678901234567890", "null"] {
            let body = format!(r#"{{"id":{id},"method":"nonsense"}}"#);
            let response = parse(body.as_bytes()).unwrap_err().response();
            assert!(response.get().contains(&format!("\"id\":{id},")), "{}", response.get());
        }
    }

    #[test]
    fn one_outcome_makes_the_same_bytes_each_time() {
        let call = parse(with_parts(&json!([{"text": "x"}])).as_bytes()).unwrap();
        let outcome = Outcome::Answer { message_id: Uuid::new_v4(), text: "y".to_owned() };
        assert_eq!(call.response(&outcome).get(), call.response(&outcome).get());
    }
}
