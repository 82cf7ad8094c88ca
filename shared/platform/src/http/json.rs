//! Reading JSON bodies. What is wrong is told by its place and by what belongs there; the value itself is never repeated,
//! it may be a secret.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;

use crate::problem::{Problem, Result};

/// A record that is an object in the JSON. Without this, a record may also be an array of its fields' values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// The record in a body.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map(|Object(record)| record).map_err(|error| refused(&error))
}

fn refused(error: &serde_json::Error) -> Problem {
    let place = format!("line {} column {}", error.line(), error.column());
    if error.classify() != Category::Data {
        return Problem::bad_request("invalid_json", format!("the body is not valid JSON; correct it at {place}"));
    }
    let text = error.to_string();
    let fault = text.rsplit_once(" at line ").map_or(text.as_str(), |(fault, _)| fault);
    Problem::bad_request(
        "invalid_body",
        format!("the body does not have the expected fields: {}, at {place}", told(fault)),
    )
}

/// A fault without the value that has it, in the words of JSON.
fn told(fault: &str) -> String {
    let Some((_, expected)) = fault.rsplit_once(", expected ") else {
        // Names of fields, which are the API's own.
        let named = fault.starts_with("missing field `") || fault.starts_with("duplicate field `");
        return if named { fault.to_owned() } else { "a value of the wrong form".to_owned() };
    };
    let expected = match expected {
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative nor too large",
        "f32" | "f64" => "a number",
        "a map" => "an object",
        "a sequence" => "an array",
        other => other,
    };
    format!("expected {expected}")
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only the reading counts")]
    struct Body {
        name: String,
        #[serde(default)]
        count: Option<u16>,
        #[serde(default)]
        inner: Option<Object<Inner>>,
        #[serde(default)]
        access: rules::field::WorkspaceAccess,
        #[serde(default)]
        id: Option<rules::WorkspaceId>,
        #[serde(default)]
        raw: Option<Box<RawValue>>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only the reading counts")]
    struct Inner {
        x: f64,
    }

    #[test]
    fn a_fault_is_told_by_place_and_never_by_its_value() {
        for (body, code, told) in [
            ("", "invalid_json", "line 1 column 0"),
            ("{", "invalid_json", "line 1 column 1"),
            ("nil", "invalid_json", "line 1 column 2"),
            ("null", "invalid_body", "expected an object, at line 1 column 4"),
            (r#"["n"]"#, "invalid_body", "expected an object"),
            ("{}", "invalid_body", "missing field `name`, at line 1 column 2"),
            (r#"{"name":"a","name":"b"}"#, "invalid_body", "duplicate field `name`"),
            (r#"{"name":5}"#, "invalid_body", "expected a string, at line 1 column 9"),
            (r#"{"name":"n","count":"secret, expected i64"}"#, "invalid_body", "expected a whole number that"),
            (r#"{"name":"n","count":-1}"#, "invalid_body", "expected a whole number that"),
            (r#"{"name":"n","inner":[1.5]}"#, "invalid_body", "expected an object"),
            (r#"{"name":"n","inner":{"x":"secret"}}"#, "invalid_body", "expected a number"),
            (r#"{"name":"n","access":"secret"}"#, "invalid_body", "expected one of `none`, `read_only`, `read_write`"),
            (r#"{"name":"n","id":"secret"}"#, "invalid_body", "a value of the wrong form"),
        ] {
            let problem = read::<Body>(body.as_bytes()).unwrap_err();
            assert_eq!(problem.code, code, "{body}: {}", problem.message);
            assert!(problem.message.contains(told), "{body}: {}", problem.message);
            assert!(!problem.message.contains("secret"), "{body}: {}", problem.message);
        }
    }

    #[test]
    fn an_object_is_read_with_what_is_left_as_text() {
        let body = br#" {"name":"n","inner":{"x":1,"more":[]},"raw":{"b": 1.50, "a":2},"more":{}} "#;
        let body: Body = read(body).unwrap();
        assert_eq!(body.raw.unwrap().get(), r#"{"b": 1.50, "a":2}"#);
    }
}
