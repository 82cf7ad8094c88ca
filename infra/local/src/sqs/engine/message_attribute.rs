//! A sender's own attributes: their rules, and the digest by which a client checks that they arrived whole.

use std::collections::BTreeMap;

use super::error::{Error, ErrorCode, Result};

/// The attributes of one message by name.
pub type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// At most this many attributes go with a message.
const MAX_ATTRIBUTES: usize = 10;
const MAX_NAME_LENGTH: usize = 256;

/// The value of a message attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, with an own suffix after a dot if the sender likes.
    pub data_type: String,
    /// The value.
    pub value: AttributeValue,
}

/// A value in one of the two forms that SQS transports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// A string or a number.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl AttributeValue {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    fn transport(&self) -> u8 {
        match self {
            Self::Text(_) => 1,
            Self::Binary(_) => 2,
        }
    }
}

/// What the attributes count against the limit of a message's size, in bytes.
pub(super) fn size(attributes: &MessageAttributes) -> usize {
    attributes.iter().map(|(name, it)| name.len() + it.data_type.len() + it.value.bytes().len()).sum()
}

/// The MD5 of the attributes in SQS's encoding, in hexadecimal: sorted by name, each part with its length before it.
/// `None` without attributes.
pub fn attributes_md5(attributes: &MessageAttributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut encoded = Vec::with_capacity(size(attributes) + attributes.len() * 13);
    let part = |bytes: &[u8], encoded: &mut Vec<u8>| {
        encoded.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        encoded.extend_from_slice(bytes);
    };
    for (name, attribute) in attributes {
        part(name.as_bytes(), &mut encoded);
        part(attribute.data_type.as_bytes(), &mut encoded);
        encoded.push(attribute.value.transport());
        part(attribute.value.bytes(), &mut encoded);
    }
    Some(format!("{:x}", md5::compute(encoded)))
}

/// Refuses attributes that SQS would refuse.
pub(super) fn check(attributes: &MessageAttributes) -> Result<()> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(refusal(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [10].",
            attributes.len()
        )));
    }
    for (name, attribute) in attributes {
        check_name(name)?;
        let kind = attribute.data_type.split('.').next().unwrap_or_default();
        let text = match (&attribute.value, kind) {
            (AttributeValue::Text(text), "String" | "Number") => text,
            (AttributeValue::Binary(bytes), "Binary") if !bytes.is_empty() => continue,
            _ => {
                return Err(refusal(format!(
                    "The type of message attribute '{name}' ({}) does not go with its value.",
                    attribute.data_type
                )));
            }
        };
        if text.is_empty() || (kind == "Number" && text.trim().parse::<f64>().is_err()) {
            return Err(refusal(format!("The value of message attribute '{name}' is not valid for its type.")));
        }
        super::content::check_characters(text)?;
    }
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    let reserved = ["aws.", "amazon."].iter().any(|prefix| name.to_ascii_lowercase().starts_with(prefix));
    let allowed = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    if name.is_empty() || name.len() > MAX_NAME_LENGTH || reserved || !allowed || dots {
        return Err(refusal(format!("The message attribute name '{name}' is not valid.")));
    }
    Ok(())
}

fn refusal(message: String) -> Error {
    Error::new(ErrorCode::InvalidParameterValue, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(data_type: &str, value: &str) -> MessageAttribute {
        MessageAttribute { data_type: data_type.into(), value: AttributeValue::Text(value.into()) }
    }

    #[test]
    fn the_digest_is_the_one_that_clients_compute() {
        // The values were computed with the encoding of the SQS developer guide, independently of this code.
        let one = MessageAttributes::from([("timestamp".to_owned(), text("Number", "1493147359900"))]);
        assert_eq!(attributes_md5(&one).as_deref(), Some("235c5c510d26fb653d073faed50ae77c"));
        assert_eq!(attributes_md5(&MessageAttributes::new()), None);
    }

    #[test]
    fn names_and_values_are_checked() {
        let cases = [
            ("a", text("String", "x"), true),
            ("a.b-c_1", text("String.own", "x"), true),
            ("n", text("Number", "-1.5e3"), true),
            ("n", text("Number", "one"), false),
            ("a", text("String", ""), false),
            ("a", text("Text", "x"), false),
            ("a", text("Binary", "x"), false),
            ("", text("String", "x"), false),
            (".a", text("String", "x"), false),
            ("a..b", text("String", "x"), false),
            ("AWS.a", text("String", "x"), false),
            ("a b", text("String", "x"), false),
            ("a", text("String", "\u{0}"), false),
        ];
        for (name, attribute, accepted) in cases {
            let attributes = MessageAttributes::from([(name.to_owned(), attribute)]);
            assert_eq!(check(&attributes).is_ok(), accepted, "{attributes:?}");
        }
    }
}
