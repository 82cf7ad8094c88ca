//! Answers that the hub gives itself, in the form of JSON-RPC.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct Answer<'a> {
    jsonrpc: &'static str,
    id: &'a RawValue,
    error: RpcError<'a>,
}

#[derive(Serialize)]
struct RpcError<'a> {
    code: i64,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

/// A JSON-RPC error. `rpc_id_json` is the JSON of the request's id, as [`Envelope::rpc_id`](super::Envelope::rpc_id)
/// has it; what is not a string or number becomes `null`.
pub fn rpc_error(rpc_id_json: &str, code: i64, message: &str, data: Option<Value>) -> Vec<u8> {
    let id = answerable(rpc_id_json).and_then(|id| serde_json::from_str(id).ok()).unwrap_or(RawValue::NULL);
    let answer = Answer { jsonrpc: "2.0", id, error: RpcError { code, message, data } };
    // Strings, a number and parsed JSON: there is nothing in it that could fail to serialise.
    serde_json::to_vec(&answer).unwrap_or_default()
}

/// A JSON-RPC result; the id as in [`rpc_error`].
pub fn rpc_result(rpc_id_json: &str, result: &Value) -> Vec<u8> {
    #[derive(Serialize)]
    struct Answer<'a> {
        jsonrpc: &'static str,
        id: &'a RawValue,
        result: &'a Value,
    }
    let id = answerable(rpc_id_json).and_then(|id| serde_json::from_str(id).ok()).unwrap_or(RawValue::NULL);
    serde_json::to_vec(&Answer { jsonrpc: "2.0", id, result }).unwrap_or_default()
}

/// `json` if JSON-RPC allows it as an id that can be answered to: a string or a number.
pub(super) fn answerable(json: &str) -> Option<&str> {
    json.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit()).then_some(json)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_answers_to_the_id_of_its_request() {
        let table = [
            ("7", "7"),
            ("-1", "-1"),
            ("98765432109876543210", "98765432109876543210"),
            (r#""a\"b""#, r#""a\"b""#),
            ("null", "null"),
            ("", "null"),
            ("{\"a\":1}", "null"),
            ("[1]", "null"),
            ("true", "null"),
            ("7,\"x\":1", "null"),
            ("\"open", "null"),
        ];
        for (id, answered) in table {
            let answer = String::from_utf8(rpc_error(id, -32001, "no \"such\" task", None)).unwrap();
            let error = r#"{"code":-32001,"message":"no \"such\" task"}"#;
            assert_eq!(answer, format!(r#"{{"jsonrpc":"2.0","id":{answered},"error":{error}}}"#));
        }
        let data = json!([{ "reason": "TASK_NOT_FOUND" }]);
        let answer: Value = serde_json::from_slice(&rpc_error("1", -32001, "gone", Some(data.clone()))).unwrap();
        assert_eq!(answer["error"]["data"], data);
    }
}
