//! Agent cards: what an agent says it can do. Kept as given, so only form and size are judged.

use serde_json::Value;

use super::FieldError;

/// The most bytes of an agent card, serialised without white space.
pub const MAX_CARD_BYTES: usize = 64 * 1024;
/// The deepest nesting of an agent card; `{}` is 1 deep.
pub const MAX_CARD_DEPTH: usize = 32;

/// Checks an agent card: a JSON object of at most 64 KiB that nests at most 32 deep.
///
/// # Errors
///
/// Anything else.
pub fn agent_card(card: &Value) -> Result<(), FieldError> {
    const FIELD: &str = "agent_card";
    if !card.is_object() {
        return Err(FieldError::new(FIELD, "must be a JSON object"));
    }
    if json_depth(card) > MAX_CARD_DEPTH {
        return Err(FieldError::new(FIELD, format!("must not nest deeper than {MAX_CARD_DEPTH}")));
    }
    if card.to_string().len() > MAX_CARD_BYTES {
        let problem = format!("must not be larger than {MAX_CARD_BYTES} bytes");
        return Err(FieldError::new(FIELD, problem));
    }
    Ok(())
}

/// The text under which a checked card is stored: as its agent wrote it, so that its signatures hold, unless its white
/// space makes it too large.
pub fn card_text(written: &str, card: &Value) -> String {
    let written = written.trim();
    if written.len() <= MAX_CARD_BYTES { written.to_owned() } else { card.to_string() }
}

/// How deep arrays and objects nest: 0 for a scalar, 1 for `{}`.
pub fn json_depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 1)];
    while let Some((value, depth)) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(fields) => open.extend(fields.values().map(|item| (item, depth + 1))),
            _ => continue,
        }
        deepest = deepest.max(depth);
    }
    deepest
}
