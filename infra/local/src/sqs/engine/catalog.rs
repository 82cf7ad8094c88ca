//! Making, finding, describing and removing queues.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::error::{Error, ErrorCode, Result};
use super::redrive::queue_arn;
use super::settings::Settings;
use super::{Engine, Queue};

const MAX_NAME_LENGTH: usize = 80;
const MAX_TAGS: usize = 50;
const MAX_PAGE: usize = 1000;
/// A queue is not purged twice within this many milliseconds.
const PURGE_INTERVAL_MS: i64 = 60_000;

/// A page of queue names in alphabetical order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuePage {
    /// The names.
    pub names: Vec<Arc<str>>,
    /// Where the next page begins; absent on the last one.
    pub next_token: Option<String>,
}

impl Engine {
    /// CreateQueue. Again with the same attributes, or fewer, is no error; with others it is `QueueNameExists`.
    pub fn create_queue(
        &mut self,
        name: &str,
        attributes: &BTreeMap<String, String>,
        tags: &BTreeMap<String, String>,
        now_ms: i64,
    ) -> Result<()> {
        check_name(name)?;
        if let Some(queue) = self.queues.get(name) {
            return if queue.settings.agree(name, attributes)? {
                Ok(())
            } else {
                let message = format!("A queue named {name} already exists with other attributes.");
                Err(Error::new(ErrorCode::QueueNameExists, message))
            };
        }
        let settings = Settings::create(name, attributes)?;
        self.check_redrive(&settings)?;
        let name: Arc<str> = name.into();
        self.queues_made += 1;
        let mut queue = Queue::new(Arc::clone(&name), self.queues_made, settings, now_ms);
        add_tags(&mut queue.tags, tags)?;
        self.queues.insert(name, queue);
        Ok(())
    }

    /// Whether a queue of that name exists; `QueueDoesNotExist` if not.
    pub fn find_queue(&self, name: &str) -> Result<()> {
        self.queues.get(name).map(|_| ()).ok_or_else(|| Error::no_queue(name))
    }

    /// DeleteQueue, with all its messages. Its name is free at once.
    pub fn delete_queue(&mut self, name: &str) -> Result<()> {
        let queue = self.queues.remove(name).ok_or_else(|| Error::no_queue(name))?;
        if let Some(at) = queue.armed {
            self.alarms.remove(&(at, Arc::clone(&queue.name)));
        }
        self.woken.push(queue.name);
        Ok(())
    }

    /// ListQueues: names with this prefix, at most `max` of them (1 to 1000), from where `token` says.
    pub fn list_queues(&self, prefix: &str, max: Option<usize>, token: Option<&str>) -> Result<QueuePage> {
        let size = max.unwrap_or(MAX_PAGE);
        if size == 0 || size > MAX_PAGE {
            return Err(Error::parameter("MaxResults", size, "must be between 1 and 1000"));
        }
        let from = token.filter(|token| *token >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
        let mut names: Vec<Arc<str>> = self
            .queues
            .range::<str, _>((from, Bound::Unbounded))
            .map(|(name, _)| Arc::clone(name))
            .take_while(|name| name.starts_with(prefix))
            .take(size + 1)
            .collect();
        let more = names.len() > size;
        names.truncate(size);
        let next_token = names.last().filter(|_| more && max.is_some()).map(|name| (**name).to_owned());
        Ok(QueuePage { names, next_token })
    }

    /// GetQueueAttributes: the ones named, or all if `All` is among the names.
    pub fn queue_attributes(&mut self, name: &str, names: &[String], now_ms: i64) -> Result<BTreeMap<String, String>> {
        self.on(name, now_ms, |queue| {
            let mut attributes = queue.settings.print();
            let mut put = |name: &str, value: String| attributes.insert(name.to_owned(), value);
            put("QueueArn", queue_arn(&queue.name));
            put("CreatedTimestamp", (queue.created_at / 1000).to_string());
            put("LastModifiedTimestamp", (queue.modified_at / 1000).to_string());
            put("ApproximateNumberOfMessages", queue.visible().to_string());
            put("ApproximateNumberOfMessagesNotVisible", queue.in_flight.to_string());
            put("ApproximateNumberOfMessagesDelayed", queue.delayed.to_string());
            if !names.iter().any(|name| name == "All") {
                attributes.retain(|attribute, _| names.contains(attribute));
            }
            Ok(attributes)
        })
    }

    /// SetQueueAttributes: all of them, or none if one is refused.
    pub fn set_queue_attributes(
        &mut self,
        name: &str,
        attributes: &BTreeMap<String, String>,
        now_ms: i64,
    ) -> Result<()> {
        let queue = self.queues.get(name).ok_or_else(|| Error::no_queue(name))?;
        let mut settings = queue.settings.clone();
        settings.apply(attributes)?;
        self.check_redrive(&settings)?;
        self.on(name, now_ms, |queue| {
            let delay_changed = settings.delay_s != queue.settings.delay_s;
            queue.settings = settings;
            queue.modified_at = now_ms;
            if queue.settings.fifo && delay_changed {
                queue.delay_again(i64::from(queue.settings.delay_s) * 1000);
            }
            queue.advance(now_ms);
            Ok(())
        })
    }

    /// PurgeQueue, at most once a minute. Messages in flight go too; the de-duplication window stays.
    pub fn purge_queue(&mut self, name: &str, now_ms: i64) -> Result<()> {
        self.on(name, now_ms, |queue| {
            if queue.purged_at.is_some_and(|at| now_ms < at + PURGE_INTERVAL_MS) {
                let message = format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds.");
                return Err(Error::new(ErrorCode::PurgeQueueInProgress, message));
            }
            queue.purged_at = Some(now_ms);
            queue.clear();
            Ok(())
        })
    }

    /// TagQueue: adds tags, at most 50 in all.
    pub fn tag_queue(&mut self, name: &str, tags: &BTreeMap<String, String>) -> Result<()> {
        let queue = self.queues.get_mut(name).ok_or_else(|| Error::no_queue(name))?;
        add_tags(&mut queue.tags, tags)
    }

    /// UntagQueue: removes tags; one that is not there is no error.
    pub fn untag_queue(&mut self, name: &str, keys: &[String]) -> Result<()> {
        let queue = self.queues.get_mut(name).ok_or_else(|| Error::no_queue(name))?;
        queue.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    }

    /// ListQueueTags.
    pub fn queue_tags(&self, name: &str) -> Result<BTreeMap<String, String>> {
        self.queues.get(name).map(|queue| queue.tags.clone()).ok_or_else(|| Error::no_queue(name))
    }

    fn check_redrive(&self, settings: &Settings) -> Result<()> {
        let Some(policy) = &settings.redrive else { return Ok(()) };
        let reason = match self.queues.get(policy.target.as_str()) {
            None => "Dead letter target does not exist",
            Some(target) if target.settings.fifo != settings.fifo => {
                "Dead-letter queue must be same type of queue as the source"
            }
            Some(_) => return Ok(()),
        };
        Err(Error::parameter("RedrivePolicy", policy.print(), reason))
    }
}

fn check_name(name: &str) -> Result<()> {
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    let allowed = stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if stem.is_empty() || name.len() > MAX_NAME_LENGTH || !allowed {
        let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
        return Err(Error::parameter("QueueName", name, reason));
    }
    Ok(())
}

fn add_tags(tags: &mut BTreeMap<String, String>, more: &BTreeMap<String, String>) -> Result<()> {
    let mut all = tags.clone();
    all.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
    if all.len() > MAX_TAGS || all.keys().any(String::is_empty) {
        return Err(Error::parameter(
            "Tags",
            all.len(),
            "A queue has at most 50 tags, with keys of 1 to 128 characters",
        ));
    }
    *tags = all;
    Ok(())
}
