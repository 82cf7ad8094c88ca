//! The SDK's HTTP client under a test's control: requests are counted, ordered by a seeded scheduler, and made to fail.
//!
//! A race is a set of futures of which exactly one may have a request in flight. Whenever all that still run wait at the
//! gate, the scheduler lets one of them through, chosen by the seed; so every interleaving of requests is possible, and
//! a seed gives the same one again. Some seeds change racers at every request, others let one run on for longer, so that a
//! racer of many requests is also interrupted late.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::oneshot;

use crate::cost::Usage;

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It never reaches the service, and the caller waits until its timeout.
    Timeout,
    /// The service says that it has no capacity.
    Throttle,
    /// The service fails before doing anything.
    ServerError,
    /// The service does it, and the answer is lost.
    LostAnswer,
    /// A transaction holds the item just now.
    Conflict,
}

/// Decides, from the operation's name and its number among all requests, whether a request fails.
pub type Plan = Box<dyn FnMut(&str, usize) -> Option<Fault> + Send>;

#[derive(Default)]
struct State {
    operations: Vec<String>,
    usage: Usage,
    race: Option<Race>,
    plan: Option<Plan>,
}

struct Race {
    rng: StdRng,
    /// How likely the racer that ran last runs on.
    run_on: f64,
    begun: bool,
    live: usize,
    /// In the order of arrival: the last one is the racer that ran last.
    waiting: Vec<oneshot::Sender<()>>,
}

/// By seed, how likely a racer runs on.
const RUN_ON: [f64; 4] = [0.0, 0.5, 0.8, 0.95];

/// The control over all SDK requests of one world.
#[derive(Clone, Default)]
pub struct Gate(Arc<Mutex<State>>);

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The operations requested since the last call, in order, SDK retries included.
    pub fn take_operations(&self) -> Vec<String> {
        std::mem::take(&mut self.state().operations)
    }

    /// What the requests since the last call are billed.
    pub fn take_usage(&self) -> Usage {
        std::mem::take(&mut self.state().usage)
    }

    /// From now on, `plan` may make requests fail.
    pub fn inject(&self, plan: impl FnMut(&str, usize) -> Option<Fault> + Send + 'static) {
        let mut state = self.state();
        state.operations.clear();
        state.plan = Some(Box::new(plan));
    }

    /// No more faults.
    pub fn heal(&self) {
        self.state().plan = None;
    }

    /// Runs the futures together, their requests interleaved by `seed`.
    pub async fn race<'a, T>(&self, seed: u64, racers: Vec<Pin<Box<dyn Future<Output = T> + 'a>>>) -> Vec<T> {
        {
            let run_on = RUN_ON[usize::try_from(seed % RUN_ON.len() as u64).unwrap_or(0)];
            let rng = StdRng::seed_from_u64(seed);
            let race = Race { rng, run_on, begun: false, live: racers.len(), waiting: Vec::new() };
            self.state().race = Some(race);
        }
        let done = futures::future::join_all(racers.into_iter().map(|racer| async move {
            let result = racer.await;
            if let Some(race) = &mut self.state().race {
                race.live -= 1;
                race.release();
            }
            result
        }))
        .await;
        self.state().race = None;
        done
    }

    /// Waits, during a race, until the scheduler lets this racer through.
    pub async fn turn(&self) {
        let mine = {
            let mut state = self.state();
            let Some(race) = &mut state.race else { return };
            let (sender, mine) = oneshot::channel();
            race.waiting.push(sender);
            race.release();
            mine
        };
        // A dropped sender means that the race is over.
        mine.await.ok();
    }
}

impl Race {
    fn release(&mut self) {
        // A request that its client gave up waits no more.
        self.waiting.retain(|waiting| !waiting.is_closed());
        let count = self.waiting.len();
        if count == 0 || count < self.live {
            return;
        }
        let runs_on = self.begun && self.rng.random_bool(self.run_on);
        let chosen = if runs_on { count - 1 } else { self.rng.random_range(0..count) };
        self.begun = true;
        self.waiting.remove(chosen).send(()).ok();
    }
}

/// An HTTP client whose requests pass through a [`Gate`].
#[derive(Debug, Clone)]
pub struct GatedClient {
    /// Does the requests.
    pub inner: SharedHttpClient,
    /// Controls them.
    pub gate: Gate,
}

impl HttpClient for GatedClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, parts);
        SharedHttpConnector::new(GatedConnector { inner, gate: self.gate.clone() })
    }
}

#[derive(Debug, Clone)]
struct GatedConnector {
    inner: SharedHttpConnector,
    gate: Gate,
}

impl HttpConnector for GatedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, gate) = (self.inner.clone(), self.gate.clone());
        HttpConnectorFuture::new(async move {
            gate.turn().await;
            crate::privileges::note(&request);
            let operation = request.headers().get("x-amz-target").unwrap_or_default();
            let operation = operation.rsplit_once('.').map_or(operation, |(_, name)| name).to_owned();
            let fault = {
                let mut state = gate.state();
                state.operations.push(operation.clone());
                state.usage = state.usage.and(Usage::of(&request));
                let number = state.operations.len();
                state.plan.as_mut().and_then(|plan| plan(&operation, number))
            };
            match fault {
                None => inner.call(request).await,
                Some(Fault::Timeout) => Err(timeout()),
                Some(Fault::LostAnswer) => {
                    inner.call(request).await?;
                    Err(timeout())
                }
                Some(Fault::Throttle) => Ok(refusal(
                    400,
                    r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"injected"}"#,
                )),
                Some(Fault::Conflict) => Ok(refusal(
                    400,
                    r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException","message":"injected"}"#,
                )),
                Some(Fault::ServerError) => {
                    Ok(refusal(500, r#"{"__type":"InternalServerError","message":"injected"}"#))
                }
            }
        })
    }
}

fn timeout() -> ConnectorError {
    ConnectorError::timeout("injected timeout".into())
}

fn refusal(status: u16, body: &'static str) -> HttpResponse {
    let status = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::new(status.into(), SdkBody::from(body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

/// The shortest backoff that the SDK takes, so that injected faults do not slow a test down.
pub const QUICK: Duration = Duration::from_millis(1);
