//! The rules that hold for a batch as a whole. Its entries succeed and fail each for itself.

use std::collections::HashSet;

use super::Engine;
use super::content::{Draft, MAX_MESSAGE_BYTES};
use super::error::{Error, ErrorCode, Result};
use super::send::Sent;

/// At most this many entries go into a batch.
pub const MAX_BATCH: usize = 10;
const MAX_ID_LENGTH: usize = 80;

/// The outcome of each entry by the entry's id, in the order of the entries.
pub type Outcomes<T> = Vec<(String, Result<T>)>;

impl Engine {
    /// SendMessageBatch: entries are sent in their order.
    pub fn send_batch(&mut self, queue: &str, entries: Vec<(String, Draft)>, now_ms: i64) -> Result<Outcomes<Sent>> {
        let total: usize = entries.iter().map(|(_, draft)| draft.size()).sum();
        self.batch(queue, entries, total, |engine, draft| engine.send(queue, draft, now_ms))
    }

    /// DeleteMessageBatch: entries are receipt handles.
    pub fn delete_batch(&mut self, queue: &str, entries: Vec<(String, String)>, now_ms: i64) -> Result<Outcomes<()>> {
        self.batch(queue, entries, 0, |engine, handle| engine.delete(queue, &handle, now_ms))
    }

    /// ChangeMessageVisibilityBatch: entries are receipt handles and seconds.
    pub fn change_visibility_batch(
        &mut self,
        queue: &str,
        entries: Vec<(String, (String, u32))>,
        now_ms: i64,
    ) -> Result<Outcomes<()>> {
        self.batch(queue, entries, 0, |engine, (handle, seconds)| {
            engine.change_visibility(queue, &handle, seconds, now_ms)
        })
    }

    fn batch<E, T>(
        &mut self,
        queue: &str,
        entries: Vec<(String, E)>,
        bytes: usize,
        mut act: impl FnMut(&mut Self, E) -> Result<T>,
    ) -> Result<Outcomes<T>> {
        self.find_queue(queue)?;
        check(&entries.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), bytes)?;
        Ok(entries.into_iter().map(|(id, entry)| (id, act(self, entry))).collect())
    }
}

fn check(ids: &[&str], bytes: usize) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let (code, message) = if ids.is_empty() {
        (ErrorCode::EmptyBatchRequest, "There should be at least one entry in the batch.".to_owned())
    } else if ids.len() > MAX_BATCH {
        let message = format!("Maximum number of entries per request are {MAX_BATCH}. You have sent {}.", ids.len());
        (ErrorCode::TooManyEntriesInBatchRequest, message)
    } else if let Some(id) = ids.iter().find(|id| id.is_empty() || id.len() > MAX_ID_LENGTH || !id.bytes().all(allowed))
    {
        let rule =
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores, 1 to 80 of them";
        (ErrorCode::InvalidBatchEntryId, format!("{rule}: \"{id}\"."))
    } else if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
        (ErrorCode::BatchEntryIdsNotDistinct, "Two entries of the batch have the same id.".to_owned())
    } else if bytes > MAX_MESSAGE_BYTES {
        let message = format!("Batch requests cannot be longer than {MAX_MESSAGE_BYTES} bytes. You have sent {bytes}.");
        (ErrorCode::BatchRequestTooLong, message)
    } else {
        return Ok(());
    };
    Err(Error::new(code, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_checked_as_a_whole() {
        let eleven: Vec<String> = (0..11).map(|number| number.to_string()).collect();
        let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
        for (ids, bytes, refused) in [
            (vec!["a", "b"], MAX_MESSAGE_BYTES, None),
            (vec!["a"], MAX_MESSAGE_BYTES + 1, Some(ErrorCode::BatchRequestTooLong)),
            (vec![], 0, Some(ErrorCode::EmptyBatchRequest)),
            (eleven, 0, Some(ErrorCode::TooManyEntriesInBatchRequest)),
            (vec!["a", "a"], 0, Some(ErrorCode::BatchEntryIdsNotDistinct)),
            (vec!["a b"], 0, Some(ErrorCode::InvalidBatchEntryId)),
            (vec![""], 0, Some(ErrorCode::InvalidBatchEntryId)),
        ] {
            assert_eq!(check(&ids, bytes).err().map(|error| error.code), refused, "{ids:?}");
        }
    }
}
