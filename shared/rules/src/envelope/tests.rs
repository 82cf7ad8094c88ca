use serde_json::{Value, json};

use super::*;

pub(super) const FRESH: &str = "11111111-1111-4111-8111-111111111111";
pub(super) const FRESH_RPC: &str = "22222222-2222-4222-8222-222222222222";

pub(super) fn normalised(body: &str) -> Envelope {
    normalise(body.as_bytes(), FRESH, FRESH_RPC).unwrap_or_else(|error| panic!("{body}: {error}"))
}

fn bytes(body: &str) -> String {
    String::from_utf8(normalised(body).bytes).unwrap()
}

fn refused(body: &str) -> EnvelopeError {
    normalise(body.as_bytes(), FRESH, FRESH_RPC).expect_err(body)
}

#[test]
fn a_complete_envelope_keeps_its_bytes() {
    let bodies = [
        r#"{"jsonrpc":"2.0","id":7,"method":"message/send","params":{"message":{"messageId":"m"}}}"#,
        " {\n \"id\" : \"x\", \"jsonrpc\":\"2.0\",\"method\":\"SendMessage\",\
         \"params\":{ \"message\":{\"messageId\":\"m\",\"n\":1.10} } }\n",
        r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"id":"t"}}"#,
        r#"{"jsonrpc":"2.0","method":"no/such","params":[1,2]}"#,
        r#"{"jsonrpc":"1.0","method":5,"id":{"odd":true}}"#,
        r#"{"jsonrpc":"2.0","method":"message/send","params":null}"#,
    ];
    for body in bodies {
        assert_eq!(bytes(body), body);
    }
}

#[test]
fn a_bare_call_is_wrapped() {
    let head = format!(r#"{{"jsonrpc":"2.0","id":"{FRESH_RPC}","method":"#);
    let table = [
        // The method and the params are kept, the rest is dropped, a caller's own id too.
        (r#"{"method":"tasks/get","params":{"id":"t"},"id":"mine","extra":1}"#, r#""tasks/get","params":{"id":"t"}}"#),
        (r#"{"params":{"message":{"messageId":"m"}}}"#, r#""message/send","params":{"message":{"messageId":"m"}}}"#),
        // Neither method nor params, but a message: the body is the params.
        (
            r#" {"message":{"messageId":"m"},"configuration":{"blocking":false}} "#,
            r#""message/send","params":{"message":{"messageId":"m"},"configuration":{"blocking":false}}}"#,
        ),
        (r#"{"method":"tasks/list"}"#, r#""tasks/list"}"#),
        (r#"{"params":null}"#, r#""message/send","params":null}"#),
        ("{}", r#""message/send"}"#),
    ];
    for (body, tail) in table {
        assert_eq!(bytes(body), format!("{head}{tail}"), "{body}");
        assert_eq!(normalised(body).rpc_id, format!("\"{FRESH_RPC}\""));
    }
}

#[test]
fn a_message_without_id_gets_one_and_all_else_survives() {
    let table = [
        (r#"{"role":"user"}"#, format!(r#"{{"role":"user","messageId":"{FRESH}"}}"#)),
        ("{}", format!(r#"{{"messageId":"{FRESH}"}}"#)),
        // Empty and null are none, and are filled where they stand.
        (r#"{"messageId":"","z":1,"a":2}"#, format!(r#"{{"messageId":"{FRESH}","z":1,"a":2}}"#)),
        (r#"{"z":1,"messageId":null}"#, format!(r#"{{"z":1,"messageId":"{FRESH}"}}"#)),
        // Numbers that no machine type holds, the spelling of others, escapes, white space, order.
        (
            r#"{"z":12345678901234567890123,"a":1e400,"y":1.10,"s":"\u00e9\ud83d\/","o":{ "b":[1 , 2] }}"#,
            format!(
                r#"{{"z":12345678901234567890123,"a":1e400,"y":1.10,"s":"\u00e9\ud83d\/","o":{{ "b":[1 , 2] }},"messageId":"{FRESH}"}}"#
            ),
        ),
    ];
    for (message, expected) in table {
        let call = |message: &str| {
            format!(
                r#"{{"id":98765432109876543210,"jsonrpc":"2.0","method":"SendMessage","params":{{"z":0,"message":{message},"a":0}}}}"#
            )
        };
        assert_eq!(bytes(&call(message)), call(&expected));
        let envelope = normalised(&call(message));
        assert_eq!((envelope.message_id.as_str(), envelope.rpc_id.as_str()), (FRESH, "98765432109876543210"));
    }
}

#[test]
fn of_a_repeated_key_the_last_value_counts_and_no_other_is_delivered() {
    let body = r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tasks/get","method":"message/send",
        "params":{"message":{"messageId":"first","contextId":"c","messageId":"last"},"x":1,"x":2}}"#;
    let envelope = normalised(body);
    assert_eq!((envelope.message_id.as_str(), envelope.rpc_id.as_str()), ("last", "2"));
    assert_eq!(
        String::from_utf8(envelope.bytes).unwrap(),
        r#"{"jsonrpc":"2.0","id":2,"method":"message/send","params":{"message":{"messageId":"last","contextId":"c"},"x":2}}"#
    );
}

#[test]
fn what_the_hub_needs_is_read_from_message_and_params() {
    let v03 = normalised(
        r#"{"jsonrpc":"2.0","id":"a\"b","method":"message/send","params":{
            "message":{"messageId":"m","contextId":"c","taskId":"t","metadata":{"priority":"critical"}},
            "metadata":{"priority":"info","deadline":1700000000123},"configuration":{"blocking":false}}}"#,
    );
    assert_eq!(v03.message_id, "m");
    assert_eq!(v03.context_id.as_deref(), Some("c"));
    assert_eq!(v03.task_id.as_deref(), Some("t"));
    assert_eq!(v03.priority.as_deref(), Some("critical"));
    assert_eq!(v03.deadline.as_deref(), Some("1700000000123"));
    assert_eq!((v03.blocking, v03.return_immediately), (Some(false), None));
    assert_eq!(v03.rpc_id, r#""a\"b""#);

    let v10 = normalised(
        r#"{"jsonrpc":"2.0","method":"SendMessage","params":{
            "message":{"messageId":"m","contextId":"","taskId":null,"metadata":{"priority":{},"deadline":true}},
            "configuration":{"returnImmediately":true,"blocking":"yes"}}}"#,
    );
    assert_eq!((v10.context_id, v10.task_id, v10.priority, v10.deadline), (None, None, None, None));
    assert_eq!((v10.blocking, v10.return_immediately), (None, Some(true)));
    assert_eq!(v10.rpc_id, "null");

    for (params, task) in [
        (r#"{"id":"t"}"#, Some("t")),
        (r#"{"taskId":"t","id":"config"}"#, Some("t")),
        (r#"{"id":""}"#, None),
        (r#"{"id":7}"#, None),
        (r#"["t"]"#, None),
        ("null", None),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{params}}}"#);
        let envelope = normalised(&body);
        assert_eq!(envelope.task_id.as_deref(), task, "{params}");
        assert_eq!((envelope.message_id, envelope.context_id), (FRESH.to_owned(), None));
    }
}

#[test]
fn only_one_json_object_is_a_call() {
    let table =
        ["", " ", "null", "7", "\"x\"", "[]", "[{\"jsonrpc\":\"2.0\"}]", "{", "{}{}", "{} x", "{'a':1}", "{\"a\":}"];
    for body in table {
        assert_eq!(refused(body), EnvelopeError::InvalidJson, "{body}");
    }
    for body in [&b"{\"a\":\"\xff\"}"[..], b"\xef\xbb\xbf{}", b"{\"a\":\"\n\"}", b"{\"a\":01}"] {
        let error = normalise(body, FRESH, FRESH_RPC).unwrap_err();
        assert_eq!(error.code(), "invalid_json", "{body:?}");
        assert!(error.to_string().starts_with("invalid JSON"), "{error}");
    }
}

#[test]
fn ids_are_short_strings() {
    let with = |key: &str, value: Value| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": "message/send", "params": { "message": { key: value } } })
            .to_string()
    };
    let table =
        [("messageId", "message_id_too_long"), ("contextId", "context_id_too_long"), ("taskId", "task_id_too_long")];
    for (key, code) in table {
        assert!(normalise(with(key, "é".repeat(128).into()).as_bytes(), FRESH, FRESH_RPC).is_ok());
        assert_eq!(refused(&with(key, "x".repeat(257).into())).code(), code);
        for wrong in [json!(7), json!({}), json!(["m"]), json!(true)] {
            let error = refused(&with(key, wrong));
            assert_eq!(error.code(), "invalid_id");
            assert_eq!(error.to_string(), format!("params.message.{key} must be a string"));
        }
    }
    let long = "x".repeat(257);
    let body = json!({ "jsonrpc": "2.0", "method": "tasks/get", "params": { "id": long } });
    assert_eq!(refused(&body.to_string()).code(), "task_id_too_long");
}

#[test]
fn size_and_depth_have_limits_before_and_after() {
    let sized = |bytes: usize| {
        let frame = r#"{"jsonrpc":"2.0","x":""}"#.len();
        format!(r#"{{"jsonrpc":"2.0","x":"{}"}}"#, "y".repeat(bytes - frame))
    };
    assert_eq!(bytes(&sized(MAX_BODY_BYTES)).len(), MAX_BODY_BYTES);
    assert_eq!(refused(&sized(MAX_BODY_BYTES + 1)).code(), "too_large");
    // Fits, but not with the id that it lacks.
    let frame = r#"{"message":{"x":""}}"#.len();
    let message = format!(r#"{{"message":{{"x":"{}"}}}}"#, "y".repeat(MAX_BODY_BYTES - frame));
    assert_eq!(refused(&message), EnvelopeError::TooLarge);

    let nested = |key: &str, depth: usize| {
        let inner = depth - 1;
        format!(r#"{{{key}{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
    };
    let enveloped = r#""jsonrpc":"2.0","x":"#;
    assert_eq!(bytes(&nested(enveloped, MAX_DEPTH)), nested(enveloped, MAX_DEPTH));
    assert_eq!(refused(&nested(enveloped, MAX_DEPTH + 1)).code(), "too_deep");
    // The wrapper around bare params is a level more.
    let bare = |depth| nested(r#""message":1,"x":"#, depth);
    assert!(normalise(bare(MAX_DEPTH - 1).as_bytes(), FRESH, FRESH_RPC).is_ok());
    assert_eq!(refused(&bare(MAX_DEPTH)), EnvelopeError::TooDeep);
    // Brackets in strings nest nothing.
    let text = format!(r#"{{"jsonrpc":"2.0","x":"\"{}\\"}}"#, "[{".repeat(500));
    assert_eq!(bytes(&text), text);
    // As deep as a body can be: refused without recursion.
    assert_eq!(refused(&"[".repeat(MAX_BODY_BYTES)), EnvelopeError::TooDeep);
}
