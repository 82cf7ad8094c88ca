//! Routes of one function, keyed as in the template: `GET /workspaces/{id}`.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use lambda_http::{Body, Request, RequestExt, Response};
use rules::trace::Trace;
use tracing::Instrument;

use super::reply::{Answered, LiveBody};
use super::{Call, MAX_BODY, Reply};
use crate::platform::Platform;
use crate::problem::{Problem, Result};

/// What a handler's future is, once boxed.
pub type Handled = Pin<Box<dyn Future<Output = Result<Reply>> + Send>>;

type Run = Box<dyn Fn(Platform, Call) -> Handled + Send + Sync>;

/// One route: what it does, and the largest body that it takes.
struct Handler {
    run: Run,
    max_body: usize,
}

/// The routes of one function.
#[derive(Default)]
pub struct Router {
    keys: Vec<&'static str>,
    methods: Vec<HashMap<&'static str, Handler>>,
    paths: matchit::Router<usize>,
    by_path: HashMap<&'static str, usize>,
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.keys).finish()
    }
}

impl Router {
    /// No routes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route. `key` is `METHOD /path/{param}`, as in the template.
    ///
    /// # Panics
    /// When the key is malformed or taken: a mistake in the program, seen by every test.
    #[must_use]
    pub fn route<F, H>(self, key: &'static str, handler: H) -> Self
    where
        H: Fn(Platform, Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply>> + Send + 'static,
    {
        self.route_up_to(MAX_BODY, key, handler)
    }

    /// Adds a route that takes bodies of up to `max_body` bytes.
    ///
    /// # Panics
    /// As [`Router::route`].
    #[must_use]
    #[expect(clippy::expect_used, clippy::panic, reason = "a wrong route table is a wrong program")]
    pub fn route_up_to<F, H>(mut self, max_body: usize, key: &'static str, handler: H) -> Self
    where
        H: Fn(Platform, Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply>> + Send + 'static,
    {
        let (method, path) = key.split_once(' ').expect("METHOD /path");
        let slot = *self.by_path.entry(path).or_insert_with(|| {
            self.methods.push(HashMap::new());
            self.paths.insert(path, self.methods.len() - 1).expect("distinct paths");
            self.methods.len() - 1
        });
        let run: Run = Box::new(move |platform, call| Box::pin(handler(platform, call)));
        if self.methods[slot].insert(method, Handler { run, max_body }).is_some() {
            panic!("route {key} is declared twice");
        }
        self.keys.push(key);
        self
    }

    /// The route keys, as the template must have them.
    pub fn keys(&self) -> &[&'static str] {
        &self.keys
    }

    /// Answers one request. Every error becomes an answer; nothing escapes.
    pub async fn handle(&self, platform: &Platform, request: Request) -> Response<Body> {
        match self.answer(platform, request, false).await {
            Answered::Whole(response) => response,
            // No handler answers so unless the call is live.
            Answered::Live(_) => Response::default(),
        }
    }

    /// As [`Router::handle`], where the answer may go out piece by piece.
    pub async fn handle_live(&self, platform: &Platform, request: Request) -> Response<LiveBody> {
        self.answer(platform, request, true).await.into_live()
    }

    /// Answers one request, piece by piece only if the way back is `live`.
    pub async fn answer(&self, platform: &Platform, request: Request, live: bool) -> Answered {
        self.reply(platform, request, live).await.unwrap_or_else(Reply::from).into_response()
    }

    async fn reply(&self, platform: &Platform, request: Request, live: bool) -> Result<Reply> {
        // The path as it came: that of the URI is put together from headers too, and tidied.
        let path = match request.raw_http_path() {
            "" => request.uri().path().to_owned(),
            raw => raw.to_owned(),
        };
        let matched = self.paths.at(&path).map_err(|_| Problem::no_route())?;
        let handler = self.methods[*matched.value].get(request.method().as_str()).ok_or_else(|| {
            Problem::new(http::StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "the route has no such method")
        })?;
        let params = matched.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let call = Call { live, ..Call::read(request, path.clone(), params) };
        if call.body.len() > handler.max_body {
            return Err(Problem::too_large(handler.max_body));
        }
        let span = tracing::info_span!(
            "request",
            method = %call.method,
            path,
            request_id = call.request_id,
            workspace = call.params.get("id"),
            traceparent = call.header("traceparent").filter(|parent| Trace::read(parent, None).is_some()),
        );
        (handler.run)(platform.clone(), call).instrument(span).await
    }
}
