//! Routes of one function, keyed as in the template: `GET /workspaces/{id}`.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use rules::trace::Trace;
use tracing::Instrument;

use super::reply::{Answered, LiveBody};
use super::{Call, MAX_BODY, Reply};
use crate::platform::Platform;
use crate::problem::{Problem, Result};

/// What a handler's future is, once boxed.
pub type Handled = Pin<Box<dyn Future<Output = Result<Reply>> + Send>>;

/// Path parameters by their names.
type Params = HashMap<String, String>;

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
    handlers: HashMap<&'static str, Handler>,
    /// The paths of the keys, each once.
    paths: matchit::Router<&'static str>,
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
        let (_, path) = key.split_once(' ').expect("METHOD /path");
        if !self.keys.iter().any(|known| known.ends_with(&format!(" {path}"))) {
            self.paths.insert(path, path).expect("distinct paths");
        }
        let run: Run = Box::new(move |platform, call| Box::pin(handler(platform, call)));
        if self.handlers.insert(key, Handler { run, max_body }).is_some() {
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
        let (handler, params) = match self.chosen(&request) {
            Some(chosen) => chosen,
            None => self.at(request.method().as_str(), &path)?,
        };
        let call = Call { live, ..Call::read(request, params) };
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

    /// The route that the API chose. Its path cannot always be told from the one that it hands on: that is decoded, ends at a
    /// `?` that appears so, and begins with what a domain of one's own puts before the routes.
    fn chosen(&self, request: &Request) -> Option<(&Handler, Params)> {
        let RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else { return None };
        let handler = self.handlers.get(context.route_key.as_deref()?)?;
        Some((handler, request.path_parameters_ref().map(|params| owned(params.iter())).unwrap_or_default()))
    }

    /// The route of a path, where no API chose one, as at a Function URL.
    fn at(&self, method: &str, path: &str) -> Result<(&Handler, Params)> {
        let matched = self.paths.at(path).map_err(|_| Problem::no_route())?;
        let handler = self.handlers.get(format!("{method} {}", matched.value).as_str()).ok_or_else(|| {
            Problem::new(http::StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "the route has no such method")
        })?;
        Ok((handler, owned(matched.params.iter())))
    }
}

fn owned<'a>(params: impl Iterator<Item = (&'a str, &'a str)>) -> Params {
    params.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
