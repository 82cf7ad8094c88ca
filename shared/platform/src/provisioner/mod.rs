//! What runs the runtimes of managed workspaces. One trait, and a backend per engine: `process` (a local child), `docker`
//! (the Engine API) and `ecs` (RunTask), chosen by `PROVISIONER`. `none` runs nothing: whoever runs the agents starts them.
//!
//! A backend does what it is told and says what it sees. It keeps no state of its own, decides nothing about status, and
//! restarts nothing by itself: that is the `provision` function's, which asks the record. So every operation may be
//! repeated, and a start that was done is found done.

mod backend;
mod begin;
mod boot;
mod config_changed;
mod context;
#[cfg(feature = "docker")]
pub mod docker;
#[cfg(feature = "ecs")]
mod ecs;
mod launch;
mod none;
#[cfg(feature = "process")]
pub mod process;
mod rest;
mod seen;
mod wake;

use std::fmt::Debug;

use futures::future::BoxFuture;
use rules::WorkspaceId;
use rules::engine::{Exit, StartFailure};

pub use backend::from_environment;
pub use boot::boot_secret;
#[cfg(feature = "ecs")]
pub use ecs::{EcsEngine, Scope};
pub use launch::Launch;
pub use none::NoEngine;

/// Starts, stops and watches what runs workspaces.
pub trait Provisioner: Debug + Send + Sync {
    /// Starts a workspace's generation. What runs of it already is found, not started twice. An older generation is
    /// stopped before: the caller has done it.
    ///
    /// # Errors
    /// Why not, in words without secrets; nothing is left behind that a repeat would trip over.
    fn start<'a>(&'a self, launch: &'a Launch) -> BoxFuture<'a, Result<Started, StartFailure>>;

    /// Stops what runs of a workspace; nothing running counts as stopped.
    ///
    /// # Errors
    /// The engine does not answer or refuses: something may still run.
    fn stop<'a>(&'a self, id: WorkspaceId, what: Stop) -> BoxFuture<'a, Result<(), EngineError>>;

    /// Whether a generation of a workspace runs. [`Running::No`] only when the engine says so for certain.
    ///
    /// # Errors
    /// The engine does not answer: whoever asked must take the workspace for alive.
    fn is_running<'a>(&'a self, id: WorkspaceId, generation: u64) -> BoxFuture<'a, Result<Running, EngineError>>;

    /// The last `tail` lines that a workspace's newest runtime wrote, stdout and stderr together, oldest first. Empty
    /// when there is nothing to read.
    ///
    /// # Errors
    /// The engine does not answer.
    fn logs<'a>(&'a self, id: WorkspaceId, tail: usize) -> BoxFuture<'a, Result<String, EngineError>>;

    /// Everything of this platform's that the engine has, running or ended.
    ///
    /// # Errors
    /// The engine does not answer.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Instance>, EngineError>>;
}

/// A start that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The engine's own name for it: a container's id, a task's ARN, a process's id.
    pub instance: String,
    /// Where the platform reaches it, if that is known already.
    pub url: Option<String>,
}

/// What is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// What is older than this generation: zombies.
    OlderThan(u64),
    /// All that runs; what it has stored stays, for the next start.
    All,
    /// All that runs, and all that it has stored: volumes, networks, definitions.
    AndRemove,
    /// As [`Stop::All`], and what it has stored of its sessions is dropped.
    AndReset,
}

/// What the engine says about a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Running {
    /// It runs, or is about to.
    Yes {
        /// Where the platform reaches it, if the engine knows.
        url: Option<String>,
    },
    /// It does not, for certain.
    No(Exit),
}

/// Something that the engine has for this platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The engine's own name for it.
    pub instance: String,
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Of which generation.
    pub generation: u64,
    /// What the engine says about it.
    pub running: Running,
}

/// The engine did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// It does not answer.
    #[error("the engine does not answer: {0}")]
    Unreachable(String),
    /// It refuses.
    #[error("the engine refuses: {0}")]
    Refused(String),
}
