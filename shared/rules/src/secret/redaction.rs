//! Known values taken out of a text before it is kept: a container's last log lines, for one.

/// Shorter values are left alone: they are words of any text, and little of a secret.
const SHORTEST: usize = 6;

/// The text with each known value of at least 6 bytes replaced by `[REDACTED:<KEY>]`. Where values overlap, all that they
/// cover goes, under the key of the longest. Of a value of several lines each line counts by itself too, as logs break
/// there.
pub fn redact<'a>(text: &str, values: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut found: Vec<Found<'a>> = Vec::new();
    for (key, value) in values {
        let lines = value.lines().map(str::trim).filter(|line| *line != value);
        for part in std::iter::once(value).chain(lines).filter(|part| part.len() >= SHORTEST) {
            found.extend(places(text, part).map(|start| Found {
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
