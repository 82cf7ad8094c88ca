//! What a message says in words.

use serde_json::value::RawValue;

use super::Envelope;
use super::object::RawObject;

impl Envelope {
    /// The text parts of the message, a line break between them; empty if it has none. Senders write them as
    /// `{"kind":"text","text":…}`, as `{"type":"text","text":…}` and, in 1.0, as `{"text":…}`.
    pub fn text_of(&self) -> String {
        std::str::from_utf8(&self.bytes)
            .ok()
            .and_then(RawObject::parse)
            .and_then(|call| call.object("params"))
            .and_then(|params| params.object("message"))
            .and_then(|message| message.get("parts"))
            .and_then(|parts| serde_json::from_str::<Vec<&RawValue>>(parts).ok())
            .into_iter()
            .flatten()
            .filter_map(|part| text_part(part.get()))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn text_part(json: &str) -> Option<String> {
    let part = RawObject::parse(json)?;
    let is_text = ["kind", "type"].into_iter().find_map(|key| part.string(key)).is_none_or(|kind| kind == "text");
    if is_text { part.string("text") } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::normalised;

    #[test]
    fn text_is_read_from_each_way_of_writing_a_text_part() {
        let table = [
            (json!([{ "kind": "text", "text": "a" }]), "a"),
            (json!([{ "type": "text", "text": "a" }]), "a"),
            (json!([{ "text": "a" }, { "text": "b\n" }, { "text": "c" }]), "a\nb\n\nc"),
            (json!([{ "kind": "file", "file": { "uri": "workspace:/a" } }, { "kind": "text", "text": "a" }]), "a"),
            (json!([{ "kind": "file", "text": "caption" }]), ""),
            (json!([{ "data": { "text": "inner" } }]), ""),
            (json!([7, null, "x", { "text": 7 }, { "text": "grüß" }]), "grüß"),
            (json!([]), ""),
            (json!({ "text": "a" }), ""),
            (json!(null), ""),
        ];
        for (parts, expected) in table {
            let envelope = normalised(&json!({ "message": { "parts": parts } }).to_string());
            assert_eq!(envelope.text_of(), expected, "{parts}");
        }
        assert_eq!(normalised(r#"{"method":"tasks/get"}"#).text_of(), "");
    }
}
