//! Secrets that an agent wrote down by mistake, taken out before anything is stored.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What a secret looks like, and what stands in its place. In this order: a later one sees what an earlier one left.
static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"(?i)[a-z0-9_-]*api_key\s*[=:]\s*\S+", "API_KEY"),
        (r"(?i)[a-z0-9_-]*_token\s*[=:]\s*\S+", "TOKEN"),
        (r"(?i)[a-z0-9_-]*_secret\s*[=:]\s*\S+", "SECRET"),
        (r"(?i)bearer\s+[a-z0-9._~+/=-]{8,}", "BEARER_TOKEN"),
        (r"sk-[A-Za-z0-9_-]{16,}", "SK_TOKEN"),
        (r"ctx7_[A-Za-z0-9_-]+", "CTX7_TOKEN"),
    ]
    .into_iter()
    .filter_map(|(pattern, label)| Some((Regex::new(pattern).ok()?, label)))
    .collect()
});

/// A long run of base64, of either alphabet.
static BLOB: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/_-]{33,}={0,2}").ok());

/// The text without what looks like a secret; each is replaced by `[REDACTED:<label>]`.
pub fn redacted(text: &str) -> String {
    let mut text = Cow::Borrowed(text);
    for (pattern, label) in PATTERNS.iter() {
        if pattern.is_match(&text) {
            text = Cow::Owned(pattern.replace_all(&text, format!("[REDACTED:{label}]")).into_owned());
        }
    }
    match BLOB.as_ref() {
        Some(blob) => blob.replace_all(&text, |run: &Captures<'_>| blob_or_not(&run[0])).into_owned(),
        None => text.into_owned(),
    }
}

/// Paths, hashes, ids and long words are no secrets: those have letters of both cases and digits.
fn blob_or_not(run: &str) -> String {
    let has = |kind: fn(&u8) -> bool| run.as_bytes().iter().any(kind);
    let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    if mixed { "[REDACTED:BASE64_BLOB]".to_owned() } else { run.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_taken_out_and_the_rest_stays() {
        for (text, expected) in [
            ("OPENAI_API_KEY=abc def", "[REDACTED:API_KEY] def"),
            ("my_Api_Key = abc", "[REDACTED:API_KEY]"),
            ("GITHUB_TOKEN=ghp_1 and AWS_SECRET=x", "[REDACTED:TOKEN] and [REDACTED:SECRET]"),
            ("Authorization: Bearer abc.def-123", "Authorization: [REDACTED:BEARER_TOKEN]"),
            ("the bearer of news", "the bearer of news"),
            ("use sk-abcdefghijklmnop!", "use [REDACTED:SK_TOKEN]!"),
            ("sk-short", "sk-short"),
            ("ctx7_x9", "[REDACTED:CTX7_TOKEN]"),
            ("QWxhZGRpbjpvcGVuIHNlc2FtZTEyMzQ1Njc4OTA=", "[REDACTED:BASE64_BLOB]"),
            ("/srv/agents/workspaces/reports/quarterly/summary", "/srv/agents/workspaces/reports/quarterly/summary"),
            ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("0a0b0c0d-1111-4222-8333-444455556666", "0a0b0c0d-1111-4222-8333-444455556666"),
            ("deploy on Fridays only after 5 pm", "deploy on Fridays only after 5 pm"),
        ] {
            assert_eq!(redacted(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn redacting_twice_changes_nothing_more(text in ".{0,200}") {
            let once = redacted(&text);
            prop_assert_eq!(redacted(&once), once);
        }

        #[test]
        fn no_key_survives(before in "[a-z ]{0,20}", key in "sk-[A-Za-z0-9]{16,40}", after in "[ .,!]{0,5}") {
            let text = format!("{} {}{}", before, key, after);
            prop_assert!(!redacted(&text).contains(&key));
        }
    }
}
