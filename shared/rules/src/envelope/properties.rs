use proptest::prelude::*;
use serde_json::{Map, Value};

use super::object::depth;
use super::tests::{FRESH, FRESH_RPC};
use super::*;

/// JSON values, with the keys of an envelope as likely as others.
fn json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    let known = "jsonrpc id method params message messageId contextId taskId metadata priority deadline \
                 configuration blocking returnImmediately parts text kind";
    prop_oneof![
        3 => prop::sample::select(known.split_whitespace().collect::<Vec<_>>()).prop_map(str::to_owned),
        1 => ".{0,6}",
    ]
}

/// Calls as they come: with and without wrapper, params and message.
fn call() -> impl Strategy<Value = Value> {
    let method = prop::sample::select(vec!["message/send", "SendMessage", "tasks/get", "no/such"]);
    let message_id = prop::option::of("[a-z0-9]{0,12}");
    (any::<[bool; 4]>(), method, message_id, json(), json()).prop_map(
        |([jsonrpc, has_method, in_params, has_message], method, message_id, part, other)| {
            let mut message = Map::from_iter([("parts".to_owned(), Value::from(vec![part]))]);
            message.extend(message_id.map(|id| ("messageId".to_owned(), id.into())));
            let mut params = Map::from_iter([("other".to_owned(), other.clone())]);
            if has_message {
                params.insert("message".into(), message.into());
            }
            let mut call = if in_params {
                Map::from_iter([("params".to_owned(), params.into()), ("id".to_owned(), other)])
            } else {
                params
            };
            if jsonrpc {
                call.insert("jsonrpc".into(), "2.0".into());
            }
            if has_method {
                call.insert("method".into(), method.into());
            }
            call.into()
        },
    )
}

fn any_body() -> impl Strategy<Value = String> {
    prop_oneof![call(), json()].prop_map(|value| value.to_string())
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(body in any_body()) {
        if let Ok(once) = normalise(body.as_bytes(), FRESH, FRESH_RPC) {
            // With the same fresh ids nothing changes at all; with others no byte does.
            prop_assert_eq!(&normalise(&once.bytes, FRESH, FRESH_RPC).unwrap(), &once);
            prop_assert_eq!(normalise(&once.bytes, "other", "other").unwrap().bytes, once.bytes);
        }
    }

    #[test]
    fn the_result_is_a_json_rpc_call_within_the_limits(body in any_body()) {
        if let Ok(envelope) = normalise(body.as_bytes(), FRESH, FRESH_RPC) {
            let call: Value = serde_json::from_slice(&envelope.bytes).unwrap();
            prop_assert!(call.get("jsonrpc").is_some());
            if let Some(message) = call["params"]["message"].as_object() {
                prop_assert_eq!(message["messageId"].as_str(), Some(envelope.message_id.as_str()));
            }
            prop_assert!(!envelope.message_id.is_empty());
            prop_assert!(envelope.bytes.len() <= MAX_BODY_BYTES && depth(&envelope.bytes) <= MAX_DEPTH);
            serde_json::from_slice::<Value>(&rpc_error(&envelope.rpc_id, -32603, &body, None)).unwrap();
        }
    }

    #[test]
    fn ids_and_numbers_survive(
        id in "[1-9][0-9]{0,40}",
        number in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,30})?(e[+-]?[0-9]{1,4})?",
        message_id in prop::option::of("[a-z0-9-]{1,40}"),
        spaces in "[ \n\t]{0,3}",
    ) {
        let given = message_id.as_ref().map(|id| format!(r#","messageId":"{id}""#)).unwrap_or_default();
        let body = format!(
            r#"{{"id":{id},"jsonrpc":"2.0","method":"message/send","params":{{"n":{number},{spaces}"message":{{"n":[{number}]{given}}}}}}}"#
        );
        let envelope = normalise(body.as_bytes(), FRESH, FRESH_RPC).unwrap();
        prop_assert_eq!(&envelope.rpc_id, &id);
        prop_assert_eq!(&envelope.message_id, message_id.as_deref().unwrap_or(FRESH));
        let delivered = String::from_utf8(envelope.bytes).unwrap();
        prop_assert_eq!(delivered == body, message_id.is_some());
        let expected = format!(
            r#"{{"id":{id},"jsonrpc":"2.0","method":"message/send","params":{{"n":{number},"message":{{"n":[{number}],"messageId":"{}"}}}}}}"#,
            envelope.message_id
        );
        prop_assert_eq!(delivered.replace(&spaces, ""), expected.replace(&spaces, ""));
    }

    #[test]
    fn the_text_is_what_the_parts_say(texts in prop::collection::vec(".{0,12}", 0..5), style in any::<u8>()) {
        let part = |(place, text): (usize, &String)| match (place + usize::from(style)) % 3 {
            0 => serde_json::json!({ "kind": "text", "text": text }),
            1 => serde_json::json!({ "type": "text", "text": text }),
            _ => serde_json::json!({ "text": text }),
        };
        let parts: Vec<_> = texts.iter().enumerate().map(part).collect();
        let body = serde_json::json!({ "message": { "parts": parts } }).to_string();
        prop_assert_eq!(normalise(body.as_bytes(), FRESH, FRESH_RPC).unwrap().text_of(), texts.join("\n"));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = normalise(&bytes, FRESH, FRESH_RPC);
    }

    #[test]
    fn no_almost_json_makes_it_panic(body in any_body(), cut in any::<prop::sample::Index>(), put in any::<u8>()) {
        let mut bytes = body.into_bytes();
        let place = cut.index(bytes.len());
        bytes[place] = put;
        if let Ok(envelope) = normalise(&bytes, FRESH, FRESH_RPC) {
            let _ = envelope.text_of();
        }
        let _ = normalise(&bytes[..place], FRESH, FRESH_RPC);
    }
}
