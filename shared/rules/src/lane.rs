//! Lanes: what must stay in order. One per conversation of a target, and one for all that belongs to none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::id::WorkspaceId;

/// The messages for one target in one conversation. They are delivered one after the other; lanes are independent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    target: WorkspaceId,
    context: Option<String>,
}

impl Lane {
    /// The lane of a target and a message's `contextId`. An empty `contextId` is none.
    pub fn new(target: WorkspaceId, context: Option<&str>) -> Self {
        Self { target, context: context.filter(|context| !context.is_empty()).map(str::to_owned) }
    }

    /// Whose lane it is.
    pub const fn target(&self) -> WorkspaceId {
        self.target
    }

    /// The conversation, if it is the lane of one.
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The SQS `MessageGroupId`: 43 characters of unpadded base64url, the SHA-256 of the target and the conversation.
    /// A hash, because a `contextId` is the caller's text: longer than SQS takes, and of characters it refuses.
    pub fn message_group_id(&self) -> String {
        // The id has a fixed length, so what follows it can only be the mark and the text of a conversation.
        let mut digest = Sha256::new().chain_update(self.target.uuid().as_bytes());
        if let Some(context) = &self.context {
            digest.update([1]);
            digest.update(context.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(digest.finalize())
    }

    /// The key in storage: the target and the group id, with a `#` between. At most 80 bytes, and it sorts by target.
    pub fn key(&self) -> String {
        format!("{}#{}", self.target, self.message_group_id())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const ONE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(1));
    const OTHER: WorkspaceId = WorkspaceId::new(Uuid::from_u128(2));

    #[test]
    fn a_lane_is_a_target_and_a_conversation() {
        let lanes = [
            Lane::new(ONE, None),
            Lane::new(ONE, Some("a")),
            Lane::new(ONE, Some("b")),
            Lane::new(ONE, Some("a ")),
            Lane::new(OTHER, None),
            Lane::new(OTHER, Some("a")),
        ];
        let groups: HashSet<_> = lanes.iter().map(Lane::message_group_id).collect();
        let keys: HashSet<_> = lanes.iter().map(Lane::key).collect();
        assert_eq!((groups.len(), keys.len()), (lanes.len(), lanes.len()));
    }

    #[test]
    fn messages_without_conversation_share_one_lane() {
        assert_eq!(Lane::new(ONE, None), Lane::new(ONE, Some("")));
        assert_eq!(Lane::new(ONE, Some("")).context(), None);
        assert_eq!(Lane::new(ONE, Some("c")).context(), Some("c"));
    }

    /// Messages wait for days under the group id of an older release, so it must never change.
    #[test]
    fn the_group_id_is_pinned() {
        assert_eq!(Lane::new(ONE, None).message_group_id(), "fDzNELt-w3tG03kmrmJ0Jn8AejSurxXIgqcVp_MwBSk");
        assert_eq!(Lane::new(ONE, Some("ctx-1")).message_group_id(), "mMoFonOAiBJscDZ9TFbXYIT77zXLPmLyoUsshAxt95U");
        assert_eq!(
            Lane::new(ONE, None).key(),
            "00000000-0000-0000-0000-000000000001#fDzNELt-w3tG03kmrmJ0Jn8AejSurxXIgqcVp_MwBSk"
        );
    }

    proptest! {
        #[test]
        fn sqs_takes_every_group_id(context in prop::option::of("\\PC{0,300}")) {
            let group = Lane::new(ONE, context.as_deref()).message_group_id();
            prop_assert_eq!(group.len(), 43);
            prop_assert!(group.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        }

        #[test]
        fn different_conversations_never_share_a_group(one in ".{0,40}", other in ".{0,40}") {
            let group = |context| Lane::new(ONE, Some(context)).message_group_id();
            prop_assert_eq!(one == other, group(&one) == group(&other));
        }
    }
}
