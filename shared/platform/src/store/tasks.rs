//! An agent's own tasks by their ids: `WS#target` / `TASK#digest` leads to the message whose answer the task is.
//!
//! The digest is of the caller and the task's id, so that nobody takes a name away from somebody else by having an agent
//! answer with it; of several messages of one caller to one task, the last that was answered bears its name.

use rules::message::{Caller, Message};
use rules::{MessageId, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::item::{from_item, n, to_item};
use super::messages::read;
use super::{Key, Store, StoreError, Transaction};
use crate::entropy::digest;

#[derive(Serialize, Deserialize)]
struct Name {
    queue_id: MessageId,
}

fn key(target: WorkspaceId, caller: &Caller, task: &str) -> Key {
    Key::Task(target, digest(&format!("{}\0{task}", caller.key())))
}

impl Transaction<'_> {
    /// Lets the sender of a message find it by the id that the agent gave to its task, if it gave one.
    #[must_use]
    pub fn name_task(mut self, message: &Message, keep: std::time::Duration) -> Self {
        let answered = message.answer.as_ref().and_then(|answer| answer.task.as_ref());
        let Some(task) = answered.or(message.streamed.as_ref()) else { return self };
        match to_item(&Name { queue_id: message.id }) {
            Ok(mut item) => {
                item.extend(key(message.target, &message.caller, &task.id).attributes());
                let kept_from = message.finished_at.unwrap_or(message.deadline);
                item.insert("expires_at".into(), n((kept_from + keep).ttl_seconds()));
                self.put(item, None);
            }
            Err(error) => self.fail(error),
        }
        self
    }
}

impl Store {
    /// The message of a task: by its queue id, or by its agent's id of the task if `caller` sent it.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn task(&self, target: WorkspaceId, caller: &Caller, id: &str) -> Result<Option<Message>, StoreError> {
        let mut keys = vec![key(target, caller, id)];
        keys.extend(id.parse().ok().map(|id| Key::Message(target, id)));
        let mut found = self.get_many(&keys).await?.into_iter();
        let name = found.next().flatten().map(from_item::<Name>).transpose()?;
        if let Some(message) = found.next().flatten() {
            return read(message).map(Some);
        }
        match name {
            Some(name) => self.message(target, name.queue_id).await,
            None => Ok(None),
        }
    }
}
