//! What a message says: everything about it that is fixed when it is sent.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::error::{Error, ErrorCode, Result};
use super::message_attribute::{self, MessageAttributes};

/// The most that a message may hold, body and attributes together, and also a batch: 1 MiB.
pub const MAX_MESSAGE_BYTES: usize = 1_048_576;
const MAX_ID_LENGTH: usize = 128;

/// A message as its sender gives it. Making one computes its digests, so make it before the engine is locked.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) content: Content,
    pub(super) group: Option<Arc<str>>,
    pub(super) dedup_id: Option<String>,
    pub(super) delay_s: Option<u32>,
}

/// Body and attributes of a message, shared by all its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The body.
    pub body: String,
    /// MD5 of the body, in hexadecimal.
    pub body_md5: String,
    /// The sender's own attributes.
    pub attributes: MessageAttributes,
    /// MD5 of the attributes in SQS's encoding; absent without attributes.
    pub attributes_md5: Option<String>,
    /// The X-Ray header, the one system attribute that a sender may set.
    pub trace_header: Option<String>,
}

impl Draft {
    /// A message with this body.
    pub fn new(body: impl Into<String>) -> Self {
        let body = body.into();
        let body_md5 = format!("{:x}", md5::compute(body.as_bytes()));
        let content =
            Content { body, body_md5, attributes: MessageAttributes::new(), attributes_md5: None, trace_header: None };
        Self { content, group: None, dedup_id: None, delay_s: None }
    }

    /// In this message group.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.into());
        self
    }

    /// With this de-duplication id.
    #[must_use]
    pub fn dedup_id(mut self, id: impl Into<String>) -> Self {
        self.dedup_id = Some(id.into());
        self
    }

    /// Not visible before this many seconds have gone.
    #[must_use]
    pub fn delay_s(mut self, seconds: u32) -> Self {
        self.delay_s = Some(seconds);
        self
    }

    /// With these attributes.
    #[must_use]
    pub fn attributes(mut self, attributes: MessageAttributes) -> Self {
        self.content.attributes_md5 = message_attribute::attributes_md5(&attributes);
        self.content.attributes = attributes;
        self
    }

    /// With this X-Ray header.
    #[must_use]
    pub fn trace_header(mut self, header: impl Into<String>) -> Self {
        self.content.trace_header = Some(header.into());
        self
    }

    /// What counts against the limits of size, in bytes.
    pub fn size(&self) -> usize {
        self.content.body.len() + message_attribute::size(&self.content.attributes)
    }

    /// Refuses what no queue would take, and what is larger than this queue takes.
    pub(super) fn check(&self, max_bytes: usize) -> Result<()> {
        if self.content.body.is_empty() {
            return Err(Error::missing("MessageBody"));
        }
        if self.size() > max_bytes {
            return Err(Error::new(
                ErrorCode::InvalidParameterValue,
                format!("One or more parameters are invalid. Reason: Message must be shorter than {max_bytes} bytes."),
            ));
        }
        check_characters(&self.content.body)?;
        message_attribute::check(&self.content.attributes)?;
        for (parameter, id) in
            [("MessageGroupId", self.group.as_deref()), ("MessageDeduplicationId", self.dedup_id.as_deref())]
        {
            if let Some(id) = id
                && (id.is_empty() || id.len() > MAX_ID_LENGTH || !id.bytes().all(|byte| byte.is_ascii_graphic()))
            {
                let reason = "It can only include alphanumeric and punctuation characters, 1 to 128 in length";
                return Err(Error::parameter(parameter, id, reason));
            }
        }
        Ok(())
    }

    /// The de-duplication id that a queue with content-based de-duplication gives the message.
    pub(super) fn content_dedup_id(&self) -> String {
        format!("{:x}", Sha256::digest(self.content.body.as_bytes()))
    }
}

/// Refuses text with characters that SQS does not carry: control characters other than tab, line feed and carriage
/// return, and the two non-characters of the basic plane.
pub(super) fn check_characters(text: &str) -> Result<()> {
    let carried = |character| match character {
        '\t' | '\n' | '\r' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        _ => character >= ' ',
    };
    match text.chars().find(|character| !carried(*character)) {
        None => Ok(()),
        Some(character) => Err(Error::new(
            ErrorCode::InvalidMessageContents,
            format!("The message contains a character outside the allowed set: U+{:04X}.", u32::from(character)),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters() {
        for (text, accepted) in [
            ("plain\t\r\n ü 漢 \u{1F600}", true),
            ("\u{FFFD}", true),
            ("\u{0}", false),
            ("\u{8}", false),
            ("\u{B}", false),
            ("\u{1F}", false),
            ("\u{FFFE}", false),
            ("\u{FFFF}", false),
        ] {
            assert_eq!(check_characters(text).is_ok(), accepted, "{text:?}");
        }
    }

    #[test]
    fn size_counts_body_and_attributes() {
        assert!(Draft::new("x".repeat(MAX_MESSAGE_BYTES)).check(MAX_MESSAGE_BYTES).is_ok());
        assert!(Draft::new("x".repeat(MAX_MESSAGE_BYTES + 1)).check(MAX_MESSAGE_BYTES).is_err());
        assert!(Draft::new("").check(MAX_MESSAGE_BYTES).is_err());
    }

    #[test]
    fn ids_have_1_to_128_visible_ascii_characters() {
        for (id, accepted) in [
            ("a", true),
            ("!~", true),
            ("", false),
            ("a b", false),
            ("ü", false),
            (&*"x".repeat(128), true),
            (&*"x".repeat(129), false),
        ] {
            assert_eq!(Draft::new("b").group(id).check(1024).is_ok(), accepted, "{id}");
            assert_eq!(Draft::new("b").dedup_id(id).check(1024).is_ok(), accepted, "{id}");
        }
    }
}
