//! What a turn is told of its team's memories.

use sha2::{Digest, Sha256};

use super::Memory;

/// How much of them a turn is given, in bytes; the newest first, and then it is said that older ones are left out.
pub const MOST: usize = 64 * 1024;

/// Over ids and texts in order: another digest, other memories.
pub fn digest(memories: &[Memory]) -> String {
    let mut digest = Sha256::new();
    for memory in memories {
        digest.update(memory.id.uuid().as_bytes());
        digest.update(u64::try_from(memory.content.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(memory.content.as_bytes());
    }
    digest.finalize().iter().take(16).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The memories, newest first, as they stand before a prompt; nothing where there are none. `more` says that there are older
/// ones.
pub fn preface(memories: &[Memory], more: bool) -> String {
    let mut text = String::new();
    let mut told = 0;
    for memory in memories {
        let line = format!("- {}\n", memory.shown());
        if text.len() + line.len() > MOST {
            break;
        }
        text.push_str(&line);
        told += 1;
    }
    match more || told < memories.len() {
        false if told == 0 => String::new(),
        false => format!("[TEAM memories]\n{text}\n"),
        true => format!("[TEAM memories]\n{text}(older ones are left out)\n\n"),
    }
}
