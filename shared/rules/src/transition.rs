//! The one table of status transitions. Who may trigger one, and what it is conditional on, stands beside each row; the
//! heartbeat's choice between degraded and online is in [`crate::heartbeat`].

use std::time::Duration;

use crate::status::Status;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// What happens to a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// T1: a managed workspace is created.
    CreateManaged,
    /// T2 and T3: an external one is created; it claims nothing until its agent calls.
    CreateExternal,
    /// T4: a register succeeded.
    Register,
    /// T5 to T8, and T9 to T12: an authenticated heartbeat, and whether it carries a cause to be degraded.
    Heartbeat {
        /// Any cause of degradation holds.
        impaired: bool,
    },
    /// T13 and T15: the lease ran out.
    LeaseExpired,
    /// T14: the engine says for certain that the container is gone.
    ContainerGone,
    /// T16: the agent cannot be reached and the engine says for certain that it does not run.
    ConnectionLost,
    /// T17: the platform restarts it.
    AutoRestart {
        /// Somebody else runs it.
        external: bool,
        /// An ancestor is paused.
        paused_ancestor: bool,
    },
    /// T18: an operator restarts it.
    Restart {
        /// Somebody else runs it.
        external: bool,
        /// An ancestor is paused.
        paused_ancestor: bool,
    },
    /// T19 and T21: its start failed, and whether that start is the current generation's.
    StartFailed {
        /// The failed start is the current one.
        same_generation: bool,
    },
    /// T20: it has been provisioning for `waited`, of at most `limit`.
    ProvisionTimeout {
        /// Time since the status began.
        waited: Duration,
        /// The runtime's limit.
        limit: Duration,
    },
    /// T22: an operator pauses it.
    Pause,
    /// T23: an operator resumes it.
    Resume {
        /// Somebody else runs it.
        external: bool,
        /// An ancestor is paused.
        paused_ancestor: bool,
    },
    /// T24: it is to be stopped for idleness.
    Hibernate {
        /// Somebody else runs it.
        external: bool,
        /// Turns are running.
        busy: bool,
        /// The operator insists.
        force: bool,
    },
    /// T24, second half: the container is stopped.
    HibernateStopped,
    /// T25: the container could not be stopped; back to what it was.
    HibernateStopFailed {
        /// It was degraded before.
        was_degraded: bool,
    },
    /// T26: a message or a fire wakes it.
    Wake,
    /// T27: it is deleted.
    Remove,
}

impl Trigger {
    /// T20 for a workspace at `now`. The time counts from `status_since`: other writes to the record give a start that
    /// hangs no more time, and the age of the record takes none from a fresh one.
    pub fn provision_timeout(workspace: &Workspace, limit: Duration, now: Timestamp) -> Self {
        Self::ProvisionTimeout { waited: now.since(workspace.status_since), limit }
    }
}

/// Why a trigger does nothing, in terms that an API answer can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Removed is terminal.
    #[error("the workspace is removed")]
    Removed,
    /// Stopped on purpose.
    #[error("the workspace is paused or hibernated; resume or wake it first")]
    Stopped,
    /// An ancestor is paused.
    #[error("an ancestor is paused; resume it first")]
    PausedAncestor,
    /// The platform does not run it.
    #[error("the workspace is external; its agent is started and stopped where it runs")]
    External,
    /// Turns are running.
    #[error("the workspace has running tasks; wait or force")]
    Busy,
    /// Another status was expected.
    #[error("the workspace's status does not allow this")]
    WrongStatus,
}

/// The status after `trigger`, `None` when the trigger leaves it as it is, or why it is refused.
pub fn next(from: Option<Status>, trigger: Trigger) -> Result<Option<Status>, Refusal> {
    use Status::{
        AwaitingAgent, Degraded, Failed, Hibernated, Hibernating, Offline, Online, Paused, Provisioning, Removed,
    };
    let Some(from) = from else {
        return match trigger {
            Trigger::CreateManaged => Ok(Some(Provisioning)),
            Trigger::CreateExternal => Ok(Some(AwaitingAgent)),
            _ => Err(Refusal::WrongStatus),
        };
    };
    if from == Removed {
        return if trigger == Trigger::Remove { Ok(None) } else { Err(Refusal::Removed) };
    }
    let to = match trigger {
        Trigger::CreateManaged | Trigger::CreateExternal => return Err(Refusal::WrongStatus),
        Trigger::Register if from.is_stopped() => return Err(Refusal::Stopped),
        Trigger::Register => Online,
        Trigger::Heartbeat { .. } if from.is_stopped() => return Err(Refusal::Stopped),
        Trigger::Heartbeat { impaired: true } => Degraded,
        Trigger::Heartbeat { impaired: false } => Online,
        Trigger::LeaseExpired | Trigger::ContainerGone | Trigger::ConnectionLost if from.is_live() => Offline,
        Trigger::LeaseExpired | Trigger::ContainerGone | Trigger::ConnectionLost => return Err(Refusal::WrongStatus),
        Trigger::AutoRestart { external: true, .. }
        | Trigger::Restart { external: true, .. }
        | Trigger::Hibernate { external: true, .. } => return Err(Refusal::External),
        Trigger::AutoRestart { paused_ancestor: true, .. }
        | Trigger::Restart { paused_ancestor: true, .. }
        | Trigger::Resume { paused_ancestor: true, .. } => return Err(Refusal::PausedAncestor),
        Trigger::AutoRestart { .. } if from == Offline => Provisioning,
        Trigger::AutoRestart { .. } => return Err(Refusal::WrongStatus),
        Trigger::Restart { .. } if from == Hibernating => return Err(Refusal::WrongStatus),
        // A restart of a provisioning workspace is a new start: a new generation, and the timeout counts anew.
        Trigger::Restart { .. } => return Ok(Some(Provisioning)),
        Trigger::StartFailed { same_generation } if from == Provisioning && same_generation => Failed,
        Trigger::StartFailed { .. } => return Err(Refusal::WrongStatus),
        Trigger::ProvisionTimeout { waited, limit } if from == Provisioning && waited >= limit => Failed,
        Trigger::ProvisionTimeout { .. } => return Err(Refusal::WrongStatus),
        Trigger::Pause => Paused,
        Trigger::Resume { .. } if from != Paused => return Err(Refusal::WrongStatus),
        Trigger::Resume { external: true, .. } => AwaitingAgent,
        Trigger::Resume { .. } => Provisioning,
        Trigger::Hibernate { .. } if !from.is_live() => return Err(Refusal::WrongStatus),
        Trigger::Hibernate { busy: true, force: false, .. } => return Err(Refusal::Busy),
        Trigger::Hibernate { .. } => Hibernating,
        Trigger::HibernateStopped if from == Hibernating => Hibernated,
        Trigger::HibernateStopFailed { was_degraded } if from == Hibernating => {
            if was_degraded {
                Degraded
            } else {
                Online
            }
        }
        Trigger::HibernateStopped | Trigger::HibernateStopFailed { .. } => return Err(Refusal::WrongStatus),
        Trigger::Wake if from == Hibernated => Provisioning,
        Trigger::Wake => return Err(Refusal::WrongStatus),
        Trigger::Remove => Removed,
    };
    Ok((to != from).then_some(to))
}

#[cfg(test)]
mod tests;
