//! The engine of a Lambda function.

use std::sync::Arc;

use lambda_runtime::Error;

use super::{NoEngine, Provisioner};
use crate::config::{Backend, Config};

/// The engine that `PROVISIONER` names, as far as a Lambda function can have it.
///
/// # Errors
/// A variable that cannot be used, an engine that needs the machine it runs on, or one that this function was not built with.
pub async fn from_environment() -> Result<Arc<dyn Provisioner>, Error> {
    let Config { development, engine: settings, .. } = Config::from_env()?;
    match settings.backend {
        // Beside a local run, which has the engine.
        Backend::Process | Backend::Docker if development => Ok(Arc::new(NoEngine)),
        Backend::None => Ok(Arc::new(NoEngine)),
        #[cfg(feature = "ecs")]
        Backend::Ecs => Ok(Arc::new(ecs(&settings).await?)),
        other => Err(format!("PROVISIONER: {other:?} cannot be had in this Lambda function; set ecs or none").into()),
    }
}

#[cfg(feature = "ecs")]
async fn ecs(settings: &crate::config::EngineSettings) -> Result<super::EcsEngine, Error> {
    let ecs = settings.ecs.clone().ok_or("PROVISIONER is ecs without its settings")?;
    let sdk = crate::aws::sdk_config().await;
    let scope = super::Scope {
        stack: std::env::var("QUEUE_PREFIX").unwrap_or_else(|_| "molecule".to_owned()),
        region: sdk.region().map(ToString::to_string).unwrap_or_default(),
        allow_privileged_tiers: settings.allow_privileged_tiers,
    };
    Ok(super::EcsEngine::new(aws_sdk_ecs::Client::new(&sdk), aws_sdk_cloudwatchlogs::Client::new(&sdk), ecs, scope))
}
