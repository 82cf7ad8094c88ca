//! The `Prefer` header (RFC 7240): whether a caller would rather have its answer later than wait.

use std::time::Duration;

use axum::http::HeaderMap;

/// How long the caller waits before it would rather have the answer later. `None` if it wants to hold on.
pub fn wait(headers: &HeaderMap) -> Option<Duration> {
    let mut later = false;
    let mut wait = Duration::MAX;
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    for preference in values.flat_map(|value| value.split(',')) {
        let preference = preference.split(';').next().unwrap_or_default();
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "respond-async" => later = true,
            "wait" => wait = value.trim().trim_matches('"').parse().map_or(wait, Duration::from_secs),
            _ => {}
        }
    }
    later.then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("prefer", value.parse().unwrap());
        }
        wait(&headers)
    }

    #[test]
    fn both_spellings_of_a_list_are_read() {
        assert_eq!(of(&["respond-async, wait=10"]), Some(Duration::from_secs(10)));
        assert_eq!(of(&["Respond-Async", "wait=\"3\""]), Some(Duration::from_secs(3)));
        assert_eq!(of(&["respond-async"]), Some(Duration::MAX));
        assert_eq!(of(&["respond-async, wait=soon"]), Some(Duration::MAX));
    }

    #[test]
    fn without_respond_async_the_caller_holds_on() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["wait=10", "return=minimal"]), None);
    }
}
