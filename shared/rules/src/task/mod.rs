//! A2A tasks: how a message in the queue, and an agent's answer to it, look to a client of the protocol.
//!
//! The hub's record is a Task of its own, whose id is the queue id. An agent may answer with a Task too; then that one
//! counts, for as long as it says more than the record.

mod answer;
mod content;
mod state;
mod stream;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;
mod view;

pub use answer::{AgentTask, Said, agent_task, renewed, said};
pub use content::task_in;
pub use state::{TaskState, is_further};
pub use stream::{Fold, StreamEvent, as_updates};
pub use view::{Asked, View, listed};
