//! The ledger follows the message: each of its changes is told in the same transaction.

use rules::delegation::{Stage, outcome};
use rules::message::Message;
use rules::schedule::Fire;
use rules::workspace::Workspace;

use super::{Given, settled};
use crate::platform::Platform;
use crate::store::{FireKey, StoreError, Transaction};

impl Platform {
    /// Adds to the transaction that changes `message` what the ledger and the schedule are to say. `given` is what its
    /// turn was given, when it begins; `answer` the agent's answer, when it ends.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn follow<'a>(
        &self,
        mut transaction: Transaction<'a>,
        workspace: &Workspace,
        message: &Message,
        answer: Option<&[u8]>,
        given: Option<&Given>,
    ) -> Result<Transaction<'a>, StoreError> {
        let Some(of) = message.fire else { return Ok(transaction) };
        let (schedule, fire) = self.store.schedule_and_fire(FireKey::of_turn(message, of)).await?;
        // One that was revived after its row was settled goes its way without the ledger: a fire has one outcome.
        let Some(mut fire) = fire.filter(|fire| !fire.outcome.is_settled()) else { return Ok(transaction) };
        let result = outcome(message, answer);
        let text = match result.stage {
            Stage::Completed => Ok(result.result.as_deref().unwrap_or_default()),
            _ => Err(result.error.as_deref().unwrap_or_default()),
        };
        fire.follow(message, text, self.now());
        if let Some(given) = given {
            fire.prompt_revision = Some(given.prompt_revision);
            fire.memories.clone_from(&given.memories);
        }
        if let Some(schedule) = &schedule {
            let mut after = schedule.next_version();
            advance(&mut after, message, &fire);
            transaction = transaction.put_schedule(&after);
        }
        let event = fire.outcome.is_settled().then(|| settled(&fire, schedule.as_ref()));
        Ok(self.tell(transaction.put_fire(&fire, self.config.retention), workspace, event))
    }
}

fn advance(schedule: &mut rules::schedule::Schedule, message: &Message, fire: &Fire) {
    match fire.outcome {
        outcome if outcome.is_settled() => schedule.close(message.id, outcome, fire.reason.as_deref()),
        rules::schedule::Outcome::Running => schedule.begin(message.id),
        _ => schedule.wait_again(message.id),
    }
}
