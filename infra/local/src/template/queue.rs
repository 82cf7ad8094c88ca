//! One queue of the template.

use std::collections::BTreeMap;

use serde_yaml_ng::Value;

use super::TemplateError;
use super::values::{Values, target};

/// A queue that exists as long as the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Attributes as CreateQueue takes them, without the redrive policy.
    pub attributes: BTreeMap<String, String>,
    /// Logical id of the queue of its dead letters, and after how many receives a message goes there.
    pub dead_letters: Option<(String, u64)>,
}

impl Queue {
    pub(super) fn read(id: &str, properties: &Value, values: &Values) -> Result<Self, TemplateError> {
        let mut queue = Self { name: String::new(), attributes: BTreeMap::new(), dead_letters: None };
        for (name, value) in properties.as_mapping().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            match name {
                "QueueName" => queue.name = values.text(value).unwrap_or_default(),
                "RedrivePolicy" => {
                    let dead_letters = target(&value["deadLetterTargetArn"]).map(str::to_owned);
                    queue.dead_letters = dead_letters.zip(values.number(&value["maxReceiveCount"]));
                    if queue.dead_letters.is_none() {
                        return Err(TemplateError::new(id, "has a RedrivePolicy without a queue or a maxReceiveCount"));
                    }
                }
                "Tags" => {}
                _ => {
                    let text = values.text(value);
                    let text =
                        text.ok_or_else(|| TemplateError::new(id, format!("has a {name} that cannot be read")))?;
                    queue.attributes.insert(name.to_owned(), text);
                }
            }
        }
        if queue.name.is_empty() {
            return Err(TemplateError::new(id, "has no QueueName"));
        }
        Ok(queue)
    }
}
