//! The functions of this workspace and their handlers.

use crate::handler::Handler;

/// Every function by the name of its binary, as in the template's `BuildProperties`.
pub fn all() -> Vec<(&'static str, Handler)> {
    vec![
        ("workspaces", Handler::http(workspaces::router())),
        ("lifecycle", Handler::http(lifecycle::router())),
        ("diagnosis", Handler::http(diagnosis::router())),
        ("register", Handler::http(register::router())),
        ("heartbeat", Handler::http(heartbeat::router())),
        ("discovery", Handler::http(discovery::router())),
        ("tokens", Handler::http(tokens::router())),
        ("a2a", Handler::http(a2a::router())),
        ("a2a-stream", Handler::http(a2a::router())),
        ("inbox", Handler::http(inbox::router())),
        ("queue", Handler::http(queue::router())),
        ("delegations", Handler::http(delegations::router())),
        ("schedules", Handler::http(schedules::router())),
        ("memories", Handler::http(memories::router())),
        ("secrets", Handler::http(secrets::router())),
        ("events", Handler::http(events::router())),
        ("health", Handler::http(health::router())),
        ("dispatch", Handler::queue(dispatch::handle)),
        ("dispatch-vpc", Handler::queue(dispatch::handle)),
        ("provision", Handler::queue(provision::handle)),
        ("timers", Handler::queue(timers::handle)),
        ("publish", Handler::stream(publish::handle)),
        ("task-state", Handler::event(task_state::handle)),
        ("tick", Handler::schedule(tick::handle)),
        ("sweep", Handler::schedule(sweep::handle)),
    ]
}
