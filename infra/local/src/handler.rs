//! The function's side of an invocation: bytes of a Lambda event in, bytes of the answer out, as the Lambda runtime does it.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent, Request, Response, Service, service_fn};
use platform::http::{Answered, LiveBody};
use platform::{Platform, Router};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One invocation, from the event's JSON to the answer's; `true` says that the answer may go out piece by piece.
pub type Invoke =
    Arc<dyn Fn(Platform, Vec<u8>, bool) -> BoxFuture<'static, Result<Outcome, serde_json::Error>> + Send + Sync>;

/// What an invocation answers.
#[derive(Debug)]
pub enum Outcome {
    /// JSON.
    Json(Vec<u8>),
    /// A response that streams, as a Function URL would pass it on.
    Live(Response<LiveBody>),
}

impl Outcome {
    /// The JSON; none of a response that streams.
    pub fn into_json(self) -> Vec<u8> {
        match self {
            Self::Json(json) => json,
            Self::Live(_) => b"null".to_vec(),
        }
    }
}

/// The handler of a function, and the kind of events that it takes.
#[derive(Clone)]
pub enum Handler {
    /// API Gateway's requests.
    Http {
        /// The routes that it knows.
        keys: Vec<&'static str>,
        /// Runs it.
        invoke: Invoke,
    },
    /// Batches of SQS messages.
    Queue(Invoke),
    /// EventBridge's scheduled events.
    Schedule(Invoke),
    /// Batches of a table's stream.
    Stream(Invoke),
    /// Events of AWS's services that a pattern picks.
    Event(Invoke),
}

impl Handler {
    /// A function behind the API.
    pub fn http(router: Router) -> Self {
        let keys = router.keys().to_vec();
        let router = Arc::new(router);
        let invoke: Invoke =
            Arc::new(move |platform, event, live| respond(Arc::clone(&router), platform, event, live).boxed());
        Self::Http { keys, invoke }
    }

    /// A function that consumes a queue.
    pub fn queue<E, R, F>(handle: impl Fn(Platform, E) -> F + Send + Sync + 'static) -> Self
    where
        E: DeserializeOwned + 'static,
        R: Serialize + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        Self::Queue(typed(handle))
    }

    /// A function that a schedule starts.
    pub fn schedule<E, R, F>(handle: impl Fn(Platform, E) -> F + Send + Sync + 'static) -> Self
    where
        E: DeserializeOwned + 'static,
        R: Serialize + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        Self::Schedule(typed(handle))
    }

    /// A function that follows the stream of a table.
    pub fn stream<E, R, F>(handle: impl Fn(Platform, E) -> F + Send + Sync + 'static) -> Self
    where
        E: DeserializeOwned + 'static,
        R: Serialize + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        Self::Stream(typed(handle))
    }

    /// A function that an event pattern starts.
    pub fn event<E, R, F>(handle: impl Fn(Platform, E) -> F + Send + Sync + 'static) -> Self
    where
        E: DeserializeOwned + 'static,
        R: Serialize + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        Self::Event(typed(handle))
    }

    /// Runs it.
    pub fn invoke(&self) -> &Invoke {
        match self {
            Self::Http { invoke, .. }
            | Self::Queue(invoke)
            | Self::Schedule(invoke)
            | Self::Stream(invoke)
            | Self::Event(invoke) => invoke,
        }
    }
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http { keys, .. } => f.debug_tuple("Http").field(keys).finish(),
            Self::Queue(_) => f.write_str("Queue"),
            Self::Schedule(_) => f.write_str("Schedule"),
            Self::Stream(_) => f.write_str("Stream"),
            Self::Event(_) => f.write_str("Event"),
        }
    }
}

/// As `lambda_http::run` does it between two calls of the Runtime API. A response that streams goes around the adapter,
/// which knows whole ones only.
async fn respond(
    router: Arc<Router>,
    platform: Platform,
    event: Vec<u8>,
    live: bool,
) -> Result<Outcome, serde_json::Error> {
    let event: LambdaRequest = serde_json::from_slice(&event)?;
    let (router, platform, streaming) = (&router, &platform, &Mutex::new(None));
    let service = service_fn(move |request: Request| async move {
        Ok::<_, Infallible>(match router.answer(platform, request, live).await {
            Answered::Whole(response) => response,
            Answered::Live(response) => {
                *streaming.lock().unwrap_or_else(PoisonError::into_inner) = Some(response);
                Response::default()
            }
        })
    });
    let answer = match Adapter::from(service).call(LambdaEvent::new(event, Context::default())).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    match streaming.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(response) => Ok(Outcome::Live(response)),
        None => serde_json::to_vec(&answer).map(Outcome::Json),
    }
}

/// As `lambda_runtime::run` does it.
fn typed<E, R, F, H>(handle: H) -> Invoke
where
    E: DeserializeOwned,
    R: Serialize,
    F: Future<Output = R> + Send + 'static,
    H: Fn(Platform, E) -> F + Send + Sync + 'static,
{
    let handle = Arc::new(handle);
    Arc::new(move |platform, event, _| {
        let handle = Arc::clone(&handle);
        async move {
            let handled = handle(platform, serde_json::from_slice(&event)?);
            serde_json::to_vec(&handled.await).map(Outcome::Json)
        }
        .boxed()
    })
}
