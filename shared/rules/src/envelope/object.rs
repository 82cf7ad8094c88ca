//! JSON objects whose values stay the text they were.
//!
//! Parsing into numbers and maps and back would round large numbers and lose the order of keys. An envelope passes
//! through; only the few fields that the hub reads are ever parsed.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object: its keys in their order, each value as its own text. Of a repeated key the last value counts. Keys are
/// looked up by hash, because 1 MiB holds enough of them to make a list a way of wasting our time.
#[derive(Debug, Default)]
pub(super) struct RawObject<'a> {
    entries: Vec<(String, &'a str)>,
    places: HashMap<String, usize>,
    repeated: bool,
}

impl<'a> RawObject<'a> {
    /// The object that `json` is, or `None` if it is another kind of value or no JSON.
    pub(super) fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The text of a field's value.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        self.places.get(key).map(|place| self.entries[*place].1)
    }

    /// A field that is an object.
    pub(super) fn object(&self, key: &str) -> Option<Self> {
        self.get(key).and_then(Self::parse)
    }

    /// A field that is a string.
    pub(super) fn string(&self, key: &str) -> Option<String> {
        self.get(key).and_then(string)
    }

    /// A field that is a boolean.
    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Whether a key came twice, so that a reader who takes the first value would see another object.
    pub(super) const fn has_repeated_keys(&self) -> bool {
        self.repeated
    }

    /// Gives a field another value, at its place or at the end.
    pub(super) fn set(&mut self, key: &str, json: &'a str) {
        if let Some(place) = self.places.get(key) {
            self.entries[*place].1 = json;
        } else {
            self.places.insert(key.to_owned(), self.entries.len());
            self.entries.push((key.to_owned(), json));
        }
    }

    /// The object as JSON, without white space of its own.
    pub(super) fn to_json(&self) -> String {
        let mut json = String::from("{");
        for (place, (key, value)) in self.entries.iter().enumerate() {
            if place > 0 {
                json.push(',');
            }
            json.push_str(&quoted(key));
            json.push(':');
            json.push_str(value);
        }
        json.push('}');
        json
    }
}

impl<'de> Deserialize<'de> for RawObject<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = RawObject<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut object = RawObject::default();
                while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                    object.repeated |= object.places.contains_key(&key);
                    object.set(&key, value.get());
                }
                Ok(object)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// The string that `json` is, if it is one.
pub(super) fn string(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// The JSON of a string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// How deep the brackets of `json` nest: 1 for `{}`. Counts without recursion, so that it can stand guard before a
/// parser; of text that is not JSON it says some number.
pub fn depth(json: &[u8]) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
