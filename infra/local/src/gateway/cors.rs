//! CORS as API Gateway does it for an HTTP API: it answers preflight requests itself, whatever the routes, and adds the
//! headers to the answers of functions.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use platform::http::LiveBody;

use crate::template;

/// Which browsers' pages may call, and how.
#[derive(Debug)]
pub(super) struct Cors {
    origins: Vec<HeaderValue>,
    methods: HeaderValue,
    headers: HeaderValue,
    exposed: HeaderValue,
    max_age: HeaderValue,
    credentials: bool,
}

impl Cors {
    /// The template's settings for these origins.
    pub(super) fn new(declared: &template::Cors, origins: &[String]) -> Self {
        let list = |values: &[String]| {
            HeaderValue::from_str(&values.join(",")).unwrap_or_else(|_| HeaderValue::from_static(""))
        };
        Self {
            origins: origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect(),
            methods: list(&declared.methods),
            headers: list(&declared.headers),
            exposed: list(&declared.exposed),
            max_age: HeaderValue::from(declared.max_age),
            credentials: declared.credentials,
        }
    }

    /// The answer to a preflight request; none for any other request.
    pub(super) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<LiveBody>> {
        let asks = headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if method != Method::OPTIONS || !asks {
            return None;
        }
        let mut response = Response::new(Empty::new().boxed_unsync());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if self.allows(headers) {
            let answer = response.headers_mut();
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
            answer.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        }
        Some(response)
    }

    /// Lets the page read the answer, if it may.
    pub(super) fn decorate(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        let Some(origin) = request.get(ORIGIN) else { return };
        answer.append(VARY, HeaderValue::from_static("origin"));
        if self.allows(request) {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            if !self.exposed.is_empty() {
                answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed.clone());
            }
            if self.credentials {
                answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            }
        }
    }

    fn allows(&self, request: &HeaderMap) -> bool {
        request.get(ORIGIN).is_some_and(|origin| self.origins.contains(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors() -> Cors {
        let declared = template::Cors {
            methods: vec!["GET".into(), "POST".into()],
            headers: vec!["Authorization".into()],
            exposed: vec!["Link".into()],
            credentials: true,
            max_age: 600,
        };
        Cors::new(&declared, &["http://localhost:3000".into()])
    }

    fn from(origin: &'static str, preflight: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
        if preflight {
            headers.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
        }
        headers
    }

    #[test]
    fn a_preflight_of_a_known_origin_lists_what_it_may() {
        let answer = cors().preflight(&Method::OPTIONS, &from("http://localhost:3000", true)).unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(answer.headers()[ACCESS_CONTROL_ALLOW_METHODS], "GET,POST");
        assert_eq!(answer.headers()[ACCESS_CONTROL_ALLOW_HEADERS], "Authorization");
        assert_eq!(answer.headers()[ACCESS_CONTROL_MAX_AGE], "600");
    }

    #[test]
    fn a_preflight_of_another_origin_lists_nothing() {
        let answer = cors().preflight(&Method::OPTIONS, &from("http://evil.example", true)).unwrap();
        assert!(answer.headers().is_empty());
    }

    #[test]
    fn only_a_preflight_is_answered_here() {
        assert!(cors().preflight(&Method::OPTIONS, &from("http://localhost:3000", false)).is_none());
        assert!(cors().preflight(&Method::POST, &from("http://localhost:3000", true)).is_none());
    }

    #[test]
    fn an_answer_can_be_read_by_a_known_origin_only() {
        let mut known = HeaderMap::new();
        cors().decorate(&from("http://localhost:3000", false), &mut known);
        assert_eq!(known[ACCESS_CONTROL_ALLOW_ORIGIN], "http://localhost:3000");
        assert_eq!(known[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        let mut other = HeaderMap::new();
        cors().decorate(&from("http://localhost:3001", false), &mut other);
        assert_eq!(other.keys().collect::<Vec<_>>(), [VARY]);
        let mut none = HeaderMap::new();
        cors().decorate(&HeaderMap::new(), &mut none);
        assert!(none.is_empty());
    }
}
