//! Starting a function on Lambda: settings and clients once, then the event loop.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lambda_http::service_fn;
use lambda_runtime::{Error, LambdaEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;

use aws_config::SdkConfig;

use crate::bus::{Bus, NoBus};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::deadline::Deadline;
use crate::entropy::Entropy;
use crate::provisioner::{NoEngine, Provisioner, from_environment};
use crate::{Platform, Router, Services, aws, measures, sealing, telemetry};

/// The connections that every request of a function needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connections {
    /// None of those that are opened here.
    None,
    Table,
    TableAndQueues,
}

type BusOf = fn(&Config, &SdkConfig) -> Result<Arc<dyn Bus>, Error>;

fn no_bus(_: &Config, _: &SdkConfig) -> Result<Arc<dyn Bus>, Error> {
    Ok(Arc::new(NoBus))
}

/// The platform of this process's environment, for functions that need no engine.
async fn platform(connections: Connections) -> Result<Platform, Error> {
    platform_on(Arc::new(NoEngine), no_bus, connections).await
}

async fn platform_on(
    provisioner: Arc<dyn Provisioner>,
    bus: BusOf,
    connections: Connections,
) -> Result<Platform, Error> {
    telemetry::init();
    let config = Config::from_env()?;
    measures::install(&config.queue_prefix);
    let sdk = aws::sdk_config().await;
    let sealer = sealing::from_environment(&config, &sdk);
    let services = Services { provisioner, sealer, bus: bus(&config, &sdk)? };
    let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(&sdk).retry_classifier(aws::RetriesConflicts);
    let mut sqs = aws_sdk_sqs::config::Builder::from(&sdk);
    if let Some(url) = &config.dynamodb_endpoint_url {
        dynamodb = dynamodb.endpoint_url(url);
    }
    if let Some(url) = &config.sqs_endpoint_url {
        sqs = sqs.endpoint_url(url);
    }
    let platform = Platform::with(
        config,
        aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
        aws_sdk_sqs::Client::from_conf(sqs.build()),
        Arc::new(SystemClock),
        Entropy::system(),
        services,
    );
    connect(&platform, connections).await;
    Ok(platform)
}

/// The longest that a start waits for the table and the queues to answer.
const CONNECT: Duration = Duration::from_secs(1);

/// Opens connections while the start has a whole processor: at 256 MB a handshake would take the first caller hundreds of
/// milliseconds. Without an answer the first request connects.
async fn connect(platform: &Platform, connections: Connections) {
    let table = async { connections == Connections::None || platform.store.greet().await.is_ok() };
    let queues = async { connections != Connections::TableAndQueues || platform.queues.greet().await.is_ok() };
    if tokio::time::timeout(CONNECT, async { tokio::join!(table, queues) }).await != Ok((true, true)) {
        tracing::warn!("the table or the queues did not answer at the start");
    }
}

/// Serves the routes of one function.
///
/// # Errors
/// A bad environment, or the end of the Runtime API.
pub async fn serve(router: Router) -> Result<(), Error> {
    serve_on(platform(Connections::Table).await?, router).await
}

/// As [`serve`], for a function whose requests put messages into queues.
///
/// # Errors
/// As for [`serve`].
pub async fn serve_with_queues(router: Router) -> Result<(), Error> {
    serve_on(platform(Connections::TableAndQueues).await?, router).await
}

/// As [`serve`], for a function that reads what the engine knows.
///
/// # Errors
/// As for [`serve`].
pub async fn serve_with_engine(router: Router) -> Result<(), Error> {
    serve_on(platform_on(from_environment().await?, no_bus, Connections::Table).await?, router).await
}

async fn serve_on(platform: Platform, router: Router) -> Result<(), Error> {
    let (router, platform) = (&router, &platform);
    lambda_http::run(service_fn(move |request| async move {
        let answer = router.handle(platform, request).await;
        measures::flush();
        Ok::<_, std::convert::Infallible>(answer)
    }))
    .await
}

/// Serves the routes of one function behind a Function URL with `InvokeMode: RESPONSE_STREAM`: answers may go out piece by
/// piece.
///
/// # Errors
/// A bad environment, or the end of the Runtime API.
pub async fn serve_live(router: Router) -> Result<(), Error> {
    let platform = platform(Connections::TableAndQueues).await?;
    let (router, platform) = (&router, &platform);
    lambda_http::run_with_streaming_response(service_fn(move |request| async move {
        let answer = router.handle_live(platform, request).await;
        measures::flush();
        Ok::<_, std::convert::Infallible>(answer)
    }))
    .await
}

/// Serves a function that takes one kind of event: an SQS batch, a schedule.
///
/// # Errors
/// A bad environment, or the end of the Runtime API.
pub async fn consume<E, R, F, H>(handler: H) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
    F: Future<Output = R> + 'static,
    H: Fn(Platform, E) -> F,
{
    run_on(platform(Connections::Table).await?, handler).await
}

/// As [`consume`], for a function whose events take messages from queues, and which would go on for longer than an invocation
/// lasts.
///
/// # Errors
/// As for [`consume`].
pub async fn consume_in_time<E, R, F, H>(handler: H) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
    F: Future<Output = R> + 'static,
    H: Fn(Platform, E, Deadline) -> F,
{
    run_in_time(platform(Connections::TableAndQueues).await?, handler).await
}

/// As [`consume`], for a function that starts and stops what runs workspaces.
///
/// # Errors
/// As for [`consume`].
pub async fn consume_with_engine<E, R, F, H>(handler: H) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
    F: Future<Output = R> + 'static,
    H: Fn(Platform, E) -> F,
{
    run_on(platform_on(from_environment().await?, no_bus, Connections::Table).await?, handler).await
}

/// As [`consume`], for the function that publishes events.
///
/// # Errors
/// As for [`consume`]; `EVENT_BUS_NAME` is not set.
#[cfg(feature = "eventbridge")]
pub async fn consume_with_bus<E, R, F, H>(handler: H) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
    F: Future<Output = R> + 'static,
    H: Fn(Platform, E) -> F,
{
    let bus: BusOf = |config, sdk| {
        if config.event_bus_name.is_empty() {
            return Err("EVENT_BUS_NAME: not set; name the bus that events are put on".into());
        }
        let client = aws_sdk_eventbridge::Client::new(sdk);
        Ok(Arc::new(crate::bus::EventBridge::new(client, config.event_bus_name.clone())))
    };
    run_on(platform_on(Arc::new(NoEngine), bus, Connections::None).await?, handler).await
}

async fn run_on<E, R, F, H>(platform: Platform, handler: H) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
    F: Future<Output = R> + 'static,
    H: Fn(Platform, E) -> F,
{
    run_in_time(platform, |platform, event, _| handler(platform, event)).await
}

async fn run_in_time<E, R, F, H>(platform: Platform, handler: H) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
    F: Future<Output = R> + 'static,
    H: Fn(Platform, E, Deadline) -> F,
{
    let (handler, platform) = (&handler, &platform);
    lambda_runtime::run(lambda_runtime::service_fn(move |event: LambdaEvent<E>| async move {
        let ends = Deadline::at(event.context.deadline());
        // Boxed as a trait object, so that the compiler need not lay out the whole handler inside the runtime's future.
        let handled: Pin<Box<dyn Future<Output = R>>> = Box::pin(handler(platform.clone(), event.payload, ends));
        let handled = handled.await;
        measures::flush();
        Ok::<_, Error>(handled)
    }))
    .await
}
