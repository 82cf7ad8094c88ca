//! What a turn is given: the schedule's prompt and the team's memories as they are when the turn begins, not when the fire
//! was due.

use rules::memory::{digest, preface};
use rules::message::{FireOf, Message};
use rules::schedule::{Memories, envelope};

use crate::platform::Platform;
use crate::store::{FireKey, StoreError};

/// The input of a turn, and which revisions it was made of.
#[derive(Debug, Clone)]
pub struct Given {
    /// The envelope.
    pub body: Vec<u8>,
    /// Of the prompt.
    pub prompt_revision: u64,
    /// The memories that it holds.
    pub memories: Option<Memories>,
}

impl Platform {
    /// The input of the turn of a fire, made now. None when the schedule is gone.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn give(&self, message: &Message, of: FireOf) -> Result<Option<Given>, StoreError> {
        let (Some(schedule), Some(fire)) = self.store.schedule_and_fire(FireKey::of_turn(message, of)).await? else {
            return Ok(None);
        };
        let Some(workspace) = self.store.workspace(message.target).await? else { return Ok(None) };
        let Some(prompt) = self.store.prompt(message.target, of.schedule).await? else { return Ok(None) };
        let (known, more) = self.newest_team_memories(&workspace).await?;
        let text = format!("{}{}", preface(&known, more), prompt.text);
        let memories = (!known.is_empty())
            .then(|| Memories { count: u32::try_from(known.len()).unwrap_or(u32::MAX), digest: digest(&known) });
        let body = envelope(&schedule, &fire, message.id, &text);
        Ok(Some(Given { body, prompt_revision: prompt.revision, memories }))
    }
}
