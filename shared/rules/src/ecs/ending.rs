//! How a task ended.

use super::{CONTAINER, Task};
use crate::engine::{Exit, MAX_TEXT};

/// From the runtime's container, its reason and the task's. ECS writes both reasons in words that begin with an error's name.
pub(super) fn exit(task: &Task) -> Exit {
    let named = task.containers.iter().find(|container| container.name == CONTAINER);
    let container = named.or_else(|| task.containers.first());
    let reason = container.and_then(|container| container.reason.as_deref()).unwrap_or_default().trim();
    let stopped = task.stopped_reason.as_deref().unwrap_or_default().trim();
    let message = match (reason.is_empty(), stopped.is_empty()) {
        (false, false) if !stopped.contains(reason) => format!("{reason}; {stopped}"),
        (false, true) => reason.to_owned(),
        (_, false) => stopped.to_owned(),
        (true, true) => task.stop_code.clone().unwrap_or_default(),
    };
    Exit {
        code: container.and_then(|container| container.exit_code),
        stopped: false,
        out_of_memory: [reason, stopped].iter().any(|text| text.starts_with("OutOfMemory")),
        message: crate::field::capped(&message, MAX_TEXT / 2),
        log_tail: String::new(),
    }
}
