//! Starting a function on Lambda: settings and clients once, then the event loop.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use lambda_http::service_fn;
use lambda_runtime::{Error, LambdaEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::provisioner::ByHand;
use crate::{Platform, Router, aws, telemetry};

/// The platform of this process's environment.
///
/// # Errors
/// A variable that cannot be used.
pub async fn platform() -> Result<Platform, Error> {
    telemetry::init();
    let config = Config::from_env()?;
    let sdk = aws::sdk_config().await;
    Ok(Platform::new(
        config,
        aws_sdk_dynamodb::Client::new(&sdk),
        aws_sdk_sqs::Client::new(&sdk),
        Arc::new(SystemClock),
        Entropy::system(),
        Arc::new(ByHand),
    ))
}

/// Serves the routes of one function.
///
/// # Errors
/// A bad environment, or the end of the Runtime API.
pub async fn serve(router: Router) -> Result<(), Error> {
    let platform = platform().await?;
    let (router, platform) = (&router, &platform);
    lambda_http::run(service_fn(move |request| async move {
        Ok::<_, std::convert::Infallible>(router.handle(platform, request).await)
    }))
    .await
}

/// Serves the routes of one function behind a Function URL with `InvokeMode: RESPONSE_STREAM`: answers may go out piece by
/// piece.
///
/// # Errors
/// A bad environment, or the end of the Runtime API.
pub async fn serve_live(router: Router) -> Result<(), Error> {
    let platform = platform().await?;
    let (router, platform) = (&router, &platform);
    lambda_http::run_with_streaming_response(service_fn(move |request| async move {
        Ok::<_, std::convert::Infallible>(router.handle_live(platform, request).await)
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
    let platform = platform().await?;
    let (handler, platform) = (&handler, &platform);
    lambda_runtime::run(lambda_runtime::service_fn(move |event: LambdaEvent<E>| async move {
        // Boxed as a trait object, so that the compiler need not lay out the whole handler inside the runtime's future.
        let handled: Pin<Box<dyn Future<Output = R>>> = Box::pin(handler(platform.clone(), event.payload));
        Ok::<_, Error>(handled.await)
    }))
    .await
}
