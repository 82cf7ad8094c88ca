//! No engine: whoever runs the agents starts them.

use futures::future::BoxFuture;
use rules::WorkspaceId;
use rules::engine::{StartCause, StartFailure};

use super::{EngineError, Instance, Launch, Provisioner, Running, Started, Stop};

/// Of a function that needs no engine, and of a platform that has none: there a workspace that is to be started waits in `provisioning` until its agent registers, and one that is to be restarted
/// hears of it by the last rung of the turn ceiling, which its runtime obeys.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEngine;

impl Provisioner for NoEngine {
    fn start<'a>(&'a self, _: &'a Launch) -> BoxFuture<'a, Result<Started, StartFailure>> {
        let failure = StartFailure {
            cause: StartCause::Refused,
            evidence: "no engine is set; start the agent by hand, or set PROVISIONER".to_owned(),
        };
        Box::pin(async { Err(failure) })
    }

    fn stop<'a>(&'a self, _: WorkspaceId, _: Stop) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async { Ok(()) })
    }

    fn is_running<'a>(&'a self, _: WorkspaceId, _: u64) -> BoxFuture<'a, Result<Running, EngineError>> {
        // Nobody knows, so nobody is dead.
        Box::pin(async { Err(EngineError::Refused("no engine is set".to_owned())) })
    }

    fn logs<'a>(&'a self, _: WorkspaceId, _: usize) -> BoxFuture<'a, Result<String, EngineError>> {
        Box::pin(async { Err(EngineError::Refused("no engine is set, so there are no logs here".to_owned())) })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Instance>, EngineError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
