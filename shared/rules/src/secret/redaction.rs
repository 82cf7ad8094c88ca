//! Known values taken out of a text before it is kept: a container's last log lines, for one.

use std::borrow::Cow;

/// Shorter values are left alone: they are words of any text, and little of a secret.
const SHORTEST: usize = 6;

/// The text with each known value of at least 6 bytes replaced by `[REDACTED:<KEY>]`. Where values overlap, all that they
/// cover goes, under the key of the longest. Of a value of several lines each line counts by itself too, as logs break
/// there; and it counts as JSON writes it. Other encodings of a value are not known.
pub fn redact<'a>(text: &str, values: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut found: Vec<Found<'a>> = Vec::new();
    for (key, value) in values {
        for part in forms(value) {
            found.extend(places(text, &part).map(|start| Found {
                start,
                end: start + part.len(),
                key,
                weight: part.len(),
            }));
        }
    }
    found.sort_by_key(|one| (one.start, std::cmp::Reverse(one.end)));
    let mut covered: Vec<Found<'a>> = Vec::new();
    for next in found {
        match covered.last_mut().filter(|last| next.start < last.end) {
            Some(last) => {
                last.end = last.end.max(next.end);
                if next.weight > last.weight {
                    (last.key, last.weight) = (next.key, next.weight);
                }
            }
            None => covered.push(next),
        }
    }
    let (mut kept, mut at) = (String::with_capacity(text.len()), 0);
    for one in covered {
        kept.push_str(&text[at..one.start]);
        kept.push_str("[REDACTED:");
        kept.push_str(one.key);
        kept.push(']');
        at = one.end;
    }
    kept.push_str(&text[at..]);
    kept
}

/// As [`redact`], for the end of a longer text: where the cut went through a value, its rest goes too.
pub fn redact_end<'a>(text: &str, values: impl IntoIterator<Item = (&'a str, &'a str)> + Clone) -> String {
    // What is left of a character that was cut through.
    let text = text.trim_start_matches(char::REPLACEMENT_CHARACTER);
    let rests = values.clone().into_iter().flat_map(|(key, value)| {
        forms(value).into_iter().filter_map(move |form| Some((rest(text, &form)?, key))).collect::<Vec<_>>()
    });
    match rests.max() {
        Some((length, key)) => format!("[REDACTED:{key}]{}", redact(&text[length..], values)),
        None => redact(text, values),
    }
}

/// How much of the beginning of `text` is the rest of a value: all of it, if the text lies within the value.
fn rest(text: &str, value: &str) -> Option<usize> {
    if text.len() >= SHORTEST && value.contains(text) {
        return Some(text.len());
    }
    let rests = value.char_indices().skip(1).map(|(at, _)| &value[at..]).take_while(|rest| rest.len() >= SHORTEST);
    rests.filter(|rest| text.starts_with(rest)).map(str::len).next()
}

/// How a value may stand in a text: as it is, each of its lines, and as a JSON string has it.
fn forms(value: &str) -> Vec<Cow<'_, str>> {
    let lines = value.lines().map(str::trim).filter(|line| *line != value);
    let mut forms: Vec<Cow<'_, str>> = std::iter::once(value).chain(lines).map(Cow::Borrowed).collect();
    if let Ok(quoted) = serde_json::to_string(value)
        && let Some(inner) = quoted.get(1..quoted.len() - 1).filter(|inner| *inner != value)
    {
        forms.push(Cow::Owned(inner.to_owned()));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// A value's place in the text.
struct Found<'a> {
    start: usize,
    end: usize,
    key: &'a str,
    weight: usize,
}

/// Where `part` begins in `text`, also within itself.
fn places<'t>(text: &'t str, part: &'t str) -> impl Iterator<Item = usize> + 't {
    let step = part.chars().next().map_or(1, char::len_utf8);
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text.get(from..)?.find(part)?;
        from = start + step;
        Some(start)
    })
}
