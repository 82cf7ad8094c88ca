//! Finding memories by their words.

use super::Memory;

/// The memories that match, best first, then newest. Of a text of one character, each that contains it; else each that has
/// all of its words, more often first. Without a text all of them, newest first.
pub fn found(mut memories: Vec<Memory>, text: Option<&str>) -> Vec<Memory> {
    memories.sort_by_key(|memory| std::cmp::Reverse((memory.created_at, memory.id)));
    let text = text.unwrap_or_default().trim().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return memories;
    }
    let mut ranked: Vec<(usize, Memory)> = memories
        .into_iter()
        .filter_map(|memory| {
            let content = memory.content.to_lowercase();
            let counts = words.iter().map(|word| content.matches(word).count());
            let rank = counts.clone().sum();
            counts.clone().all(|count| count > 0).then_some((rank, memory))
        })
        .collect();
    // Stable: of the same rank the newest stays first.
    ranked.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    ranked.into_iter().map(|(_, memory)| memory).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::fixtures::{ID, ago};
    use crate::id::MemoryId;
    use crate::memory::{NAMESPACE, Scope};

    fn memory(number: u64, content: &str) -> Memory {
        Memory {
            id: MemoryId::new(Uuid::from_u128(number.into())),
            workspace_id: ID,
            content: content.to_owned(),
            scope: Scope::Team,
            namespace: NAMESPACE.to_owned(),
            created_at: ago(1000 - number),
        }
    }

    #[test]
    fn all_words_must_be_there_and_more_of_them_come_first() {
        let all =
            || vec![memory(1, "Deploy, then deploy again"), memory(2, "never deploy on Friday"), memory(3, "lunch")];
        for (text, expected) in [
            (None, vec![3, 2, 1]),
            (Some("  "), vec![3, 2, 1]),
            (Some("DEPLOY"), vec![1, 2]),
            (Some("friday deploy"), vec![2]),
            (Some("f"), vec![2]),
            (Some("dinner"), vec![]),
        ] {
            let ids: Vec<u128> = found(all(), text).iter().map(|memory| memory.id.uuid().as_u128()).collect();
            assert_eq!(ids, expected, "{text:?}");
        }
    }
}
