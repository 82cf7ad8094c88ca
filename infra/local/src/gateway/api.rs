//! The way of one request.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::header::HOST;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use platform::Platform;
use platform::http::LiveBody;
use uuid::Uuid;

use super::cors::Cors;
use super::event::{self, Circumstances};
use super::metrics::RouteMetrics;
use super::refusal::Refusal;
use super::{Routes, answer, body};
use crate::function::Failure;
use crate::handler::Outcome;
use crate::template;

/// The routes, and what their functions run on.
#[derive(Debug)]
pub struct Api {
    routes: Routes,
    cors: Cors,
    platform: Platform,
}

impl Api {
    /// The API of a platform.
    pub fn new(routes: Routes, cors: &template::Cors, platform: Platform) -> Self {
        let cors = Cors::new(cors, &platform.config.cors_origins);
        Self { routes, cors, platform }
    }

    /// Answers a request; every failure is an answer too.
    pub(super) async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<LiveBody> {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let mut metrics = &self.routes.unmatched;
        let mut response = match self.cors.preflight(&parts.method, &parts.headers) {
            Some(response) => response,
            None => self.invoke(&parts, body, peer, &mut metrics).await.unwrap_or_else(|refusal| {
                if let Refusal::Function(failure) = &refusal {
                    tracing::error!(method = %parts.method, path = parts.uri.path(), %failure, "no answer");
                }
                refusal.into_response()
            }),
        };
        self.cors.decorate(&parts.headers, response.headers_mut());
        report(&parts, &response, metrics, started.elapsed());
        response
    }

    async fn invoke<'a>(
        &'a self,
        parts: &Parts,
        body: Incoming,
        peer: SocketAddr,
        metrics: &mut &'a RouteMetrics,
    ) -> Result<Response<LiveBody>, Refusal> {
        body::check_head(parts)?;
        let (path, params) = self.routes.at(parts.uri.path()).ok_or(Refusal::NoRoute)?;
        let endpoint = path.endpoint(&parts.method).ok_or_else(|| Refusal::MethodNotAllowed(path.allow.clone()))?;
        *metrics = &endpoint.metrics;
        check_host(parts)?;
        let body = body::read(body).await?;
        let mut buffer = Uuid::encode_buffer();
        let request_id: &str = Uuid::new_v4().hyphenated().encode_lower(&mut buffer);
        let now = self.platform.now();
        let of = Circumstances { route_key: &endpoint.key, params: &params, peer, request_id, now };
        let event =
            event::write(parts, &body, of).map_err(|error| Refusal::Function(Failure::Payload(error.to_string())))?;
        drop(body);
        let outcome = endpoint.function.call_live(self.platform.clone(), event).await.map_err(Refusal::Function)?;
        let mut response = match outcome {
            Outcome::Json(json) => answer::read(&json).map_err(Refusal::Function)?.map(BodyExt::boxed_unsync),
            Outcome::Live(response) => response,
        };
        if let Ok(id) = HeaderValue::from_str(request_id) {
            response.headers_mut().insert("apigw-requestid", id);
        }
        Ok(response)
    }
}

/// API Gateway lets no malformed host through, and functions rely on that.
fn check_host(parts: &Parts) -> Result<(), Refusal> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else { return Ok(()) };
    let text = host.to_str().map_err(|_| Refusal::InvalidHost)?;
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    if hosts.next().is_some() || !plain || url::Url::parse(&format!("http://{text}/")).is_err() {
        return Err(Refusal::InvalidHost);
    }
    Ok(())
}

fn report(parts: &Parts, response: &Response<LiveBody>, metrics: &RouteMetrics, took: Duration) {
    let status = response.status().as_u16();
    metrics.count(status, took);
    // The path without its query, which may hold what does not belong into a log.
    tracing::info!(
        target: "http",
        "{} {} {status} {:.1}ms", parts.method, parts.uri.path(), took.as_secs_f64() * 1_000.0
    );
}
