//! One request.

use std::collections::HashMap;
use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, Method};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt};
use rules::WorkspaceId;
use rules::envelope::{MAX_DEPTH, depth};
use serde::de::DeserializeOwned;

use super::json;
use crate::problem::{Problem, Result};

/// The largest body that a route takes unless it says otherwise, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// Prefixes of callers that exist only inside the platform.
const RESERVED: [&str; 4] = ["webhook:", "system:", "test:", "channel:"];

/// A request, its path parameters settled.
#[derive(Debug, Clone)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Path parameters by the names of the route key.
    pub params: HashMap<String, String>,
    /// Query parameters; of repeated ones the last.
    pub query: HashMap<String, String>,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Who opened the connection, as API Gateway saw it.
    pub source: Option<IpAddr>,
    /// API Gateway's id of the request.
    pub request_id: String,
    /// The answer may go out piece by piece.
    pub live: bool,
}

impl Call {
    /// From a Lambda event, as lambda_http reads it.
    pub(super) fn read(request: Request, params: HashMap<String, String>) -> Self {
        let context = request.request_context_ref();
        let (source, request_id) = match context {
            Some(RequestContext::ApiGatewayV2(v2)) => {
                (v2.http.source_ip.as_deref().and_then(|ip| ip.parse().ok()), v2.request_id.clone().unwrap_or_default())
            }
            _ => (None, String::new()),
        };
        let query = request
            .query_string_parameters_ref()
            .map(|query| query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
            .unwrap_or_default();
        let (parts, body) = request.into_parts();
        let body = match body {
            Body::Empty => Bytes::new(),
            Body::Text(text) => Bytes::from(text),
            Body::Binary(bytes) => Bytes::from(bytes),
            _ => Bytes::new(),
        };
        Self { method: parts.method, params, query, headers: parts.headers, body, source, request_id, live: false }
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
    }

    /// The bearer token: exactly `Bearer `, then the token.
    pub fn bearer(&self) -> Option<&str> {
        let token = self.headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?.trim();
        (!token.is_empty()).then_some(token)
    }

    /// A path parameter.
    pub fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    /// The workspace in the path, `{id}`.
    ///
    /// # Errors
    /// 400 when it is not a UUID.
    pub fn workspace_id(&self) -> Result<WorkspaceId> {
        self.id("id")
    }

    /// A typed id in the path.
    ///
    /// # Errors
    /// 400 when it is not a UUID.
    pub fn id<T: std::str::FromStr>(&self, name: &str) -> Result<T> {
        self.param(name)
            .parse()
            .map_err(|_| Problem::bad_request("invalid_id", format!("the {name} in the path must be a UUID")))
    }

    /// The workspace that `X-Workspace-ID` says is asking.
    ///
    /// # Errors
    /// 403 for a name that exists only inside the platform; 400 for any other that is no UUID.
    pub fn named_workspace(&self) -> Result<Option<WorkspaceId>> {
        let Some(value) = self.headers.get("x-workspace-id") else { return Ok(None) };
        let text = value.to_str().unwrap_or("?").trim();
        if text.is_empty() {
            return Ok(None);
        }
        if RESERVED.iter().any(|prefix| text.starts_with(prefix)) {
            let message = "X-Workspace-ID must be a workspace; names of the platform's own are refused";
            return Err(Problem::forbidden("invalid_caller", message));
        }
        let invalid =
            |_| Problem::bad_request("invalid_caller", "X-Workspace-ID must be the UUID of the workspace that asks");
        text.parse().map(Some).map_err(invalid)
    }

    /// A query flag, true for `true` and `1`.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.query.get(name).map(String::as_str), Some("true" | "1"))
    }

    /// A bounded number in the query.
    ///
    /// # Errors
    /// 400 when it is there and not a number from `min` to `max`.
    pub fn number(&self, name: &'static str, default: u32, min: u32, max: u32) -> Result<u32> {
        let Some(text) = self.query.get(name) else { return Ok(default) };
        text.parse().ok().filter(|number| (min..=max).contains(number)).ok_or_else(|| {
            Problem::bad_request("invalid_query", format!("{name} must be a number from {min} to {max}"))
        })
    }

    /// Refuses an agent's answer that nests deeper than a message may: its sender's parser may have less patience.
    ///
    /// # Errors
    /// 400.
    pub fn shallow(&self) -> Result<()> {
        // The wrapper around the answer adds a level.
        if depth(&self.body) > MAX_DEPTH + 1 {
            let text = format!("the body nests deeper than {MAX_DEPTH} levels; send a flatter one");
            return Err(Problem::bad_request("too_deep", text));
        }
        Ok(())
    }

    /// The body, an object, as JSON.
    ///
    /// # Errors
    /// 400 with the field or place of the fault.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        json::read(&self.body)
    }

    /// The body as JSON, or the default when there is none.
    ///
    /// # Errors
    /// As [`Call::json`].
    pub fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T> {
        if self.body.is_empty() { Ok(T::default()) } else { self.json() }
    }
}
