//! The template's queues, made where there are none, as CloudFormation would.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::create_queue::CreateQueueError;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;

use crate::aws::explain;
use crate::template::{Queue, Template};

/// A queue that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its URL.
    pub url: String,
    /// Its ARN, for events and redrive policies.
    pub arn: String,
}

/// Makes the template's queues; any number of times. Dead-letter queues come first, as the others name them.
///
/// # Errors
/// SQS does not answer, or refuses; in words.
pub async fn create(client: &Client, template: &Template) -> Result<BTreeMap<String, Made>, String> {
    let mut made: BTreeMap<String, Made> = BTreeMap::new();
    let (last, first): (Vec<_>, Vec<_>) = template.queues.iter().partition(|(_, queue)| queue.dead_letters.is_some());
    for (id, queue) in first.into_iter().chain(last) {
        let mut attributes: HashMap<_, _> = queue
            .attributes
            .iter()
            .map(|(name, value)| (QueueAttributeName::from(name.as_str()), value.clone()))
            .collect();
        if let Some((target, most)) = &queue.dead_letters {
            let arn = made.get(target).map(|queue| queue.arn.clone()).unwrap_or_default();
            let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": most });
            attributes.insert(QueueAttributeName::RedrivePolicy, policy.to_string());
        }
        made.insert(id.clone(), make(client, queue, attributes).await?);
    }
    Ok(made)
}

async fn make(client: &Client, queue: &Queue, attributes: HashMap<QueueAttributeName, String>) -> Result<Made, String> {
    let request = client.create_queue().queue_name(&queue.name).set_attributes(Some(attributes.clone()));
    let url = match request.send().await {
        Ok(created) => created.queue_url,
        // Made by an older template: the queue stays, its attributes follow.
        Err(error) if matches!(error.as_service_error(), Some(CreateQueueError::QueueNameExists(_))) => {
            let found = client.get_queue_url().queue_name(&queue.name).send().await.map_err(|error| explain(&error))?;
            client
                .set_queue_attributes()
                .set_queue_url(found.queue_url.clone())
                .set_attributes(Some(attributes))
                .send()
                .await
                .map_err(|error| explain(&error))?;
            found.queue_url
        }
        Err(error) => return Err(explain(&error)),
    };
    let url = url.ok_or("gave a queue without a URL")?;
    let described = client
        .get_queue_attributes()
        .queue_url(&url)
        .attribute_names(QueueAttributeName::QueueArn)
        .send()
        .await
        .map_err(|error| explain(&error))?;
    let arn = described.attributes.and_then(|mut all| all.remove(&QueueAttributeName::QueueArn));
    Ok(Made { url, arn: arn.ok_or("gave a queue without an ARN")? })
}
