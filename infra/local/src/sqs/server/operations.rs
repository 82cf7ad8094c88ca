//! The operations of the SQS API: from the JSON of a request to one call of the engine to the JSON of the answer.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::super::engine::{Engine, Error, ErrorCode, Result};
use super::answers::{self, Done, SentMessage};
use super::poll;
use super::protocol::malformed;
use super::requests::{
    Addressed, Batch, CreateQueue, GetQueueAttributes, ListQueues, NoParameters, QueueName, Receipt, ReceiveMessage,
    SendMessage, SetQueueAttributes, TagQueue, UntagQueue, unsigned,
};
use super::shared::Shared;

/// Performs the operation of that name with a request's body.
pub(super) async fn perform(shared: &Shared, operation: &str, body: &[u8]) -> Result<Bytes> {
    match operation {
        "SendMessage" => send_message(shared, body),
        "SendMessageBatch" => send_message_batch(shared, body),
        "ReceiveMessage" => receive_message(shared, body).await,
        "DeleteMessage" => on_queue(shared, body, |engine, queue, now_ms, request: Receipt| {
            engine.delete(queue, &request.receipt_handle, now_ms).map(|()| Done {})
        }),
        "DeleteMessageBatch" => on_queue(shared, body, |engine, queue, now_ms, request: Batch<Receipt>| {
            let entries = request.try_map(|entry| Ok(entry.receipt_handle))?;
            Ok(answers::batch(engine.delete_batch(queue, entries, now_ms)?, |()| Done {}))
        }),
        "ChangeMessageVisibility" => on_queue(shared, body, |engine, queue, now_ms, request: Receipt| {
            let (handle, seconds) = visibility(request)?;
            engine.change_visibility(queue, &handle, seconds, now_ms).map(|()| Done {})
        }),
        "ChangeMessageVisibilityBatch" => on_queue(shared, body, |engine, queue, now_ms, request: Batch<Receipt>| {
            let entries = request.try_map(visibility)?;
            Ok(answers::batch(engine.change_visibility_batch(queue, entries, now_ms)?, |()| Done {}))
        }),
        "CreateQueue" => create_queue(shared, body),
        "GetQueueUrl" => get_queue_url(shared, body),
        "ListQueues" => list_queues(shared, body),
        "DeleteQueue" => {
            on_queue(shared, body, |engine, queue, _, NoParameters {}| engine.delete_queue(queue).map(|()| Done {}))
        }
        "PurgeQueue" => on_queue(shared, body, |engine, queue, now_ms, NoParameters {}| {
            engine.purge_queue(queue, now_ms).map(|()| Done {})
        }),
        "GetQueueAttributes" => on_queue(shared, body, |engine, queue, now_ms, request: GetQueueAttributes| {
            let attributes = engine.queue_attributes(queue, &request.attribute_names, now_ms)?;
            Ok(json!({ "Attributes": attributes }))
        }),
        "SetQueueAttributes" => on_queue(shared, body, |engine, queue, now_ms, request: SetQueueAttributes| {
            engine.set_queue_attributes(queue, &request.attributes, now_ms).map(|()| Done {})
        }),
        "TagQueue" => on_queue(shared, body, |engine, queue, _, request: TagQueue| {
            engine.tag_queue(queue, &request.tags).map(|()| Done {})
        }),
        "UntagQueue" => on_queue(shared, body, |engine, queue, _, request: UntagQueue| {
            engine.untag_queue(queue, &request.tag_keys).map(|()| Done {})
        }),
        "ListQueueTags" => on_queue(shared, body, |engine, queue, _, NoParameters {}| {
            engine.queue_tags(queue).map(|tags| json!({ "Tags": tags }))
        }),
        _ => Err(Error::new(
            ErrorCode::UnsupportedOperation,
            format!("The embedded SQS has no operation {operation}; it has those that the platform uses."),
        )),
    }
}

fn send_message(shared: &Shared, body: &[u8]) -> Result<Bytes> {
    let request: Addressed<SendMessage> = parse(body)?;
    // The draft's digests are computed here, before the engine is locked.
    let queue = request.queue().to_owned();
    let draft = request.parameters.into_draft()?;
    print(&SentMessage::from(shared.operate(|engine, now_ms| engine.send(&queue, draft, now_ms))?))
}

fn send_message_batch(shared: &Shared, body: &[u8]) -> Result<Bytes> {
    let request: Addressed<Batch<SendMessage>> = parse(body)?;
    let queue = request.queue().to_owned();
    let drafts = request.parameters.try_map(SendMessage::into_draft)?;
    let outcomes = shared.operate(|engine, now_ms| engine.send_batch(&queue, drafts, now_ms))?;
    print(&answers::batch(outcomes, SentMessage::from))
}

async fn receive_message(shared: &Shared, body: &[u8]) -> Result<Bytes> {
    let request: Addressed<ReceiveMessage> = parse(body)?;
    let (receive, wait_s) = request.parameters.parameters()?;
    let deliveries = poll::receive(shared, request.queue(), &receive, wait_s).await?;
    let system_names = request.parameters.system_attribute_names();
    let names = &request.parameters.message_attribute_names;
    let messages: Vec<_> =
        deliveries.into_iter().map(|delivery| answers::message(delivery, &system_names, names)).collect();
    // As AWS does: without messages there is no list.
    if messages.is_empty() { print(&json!({})) } else { print(&answers::Messages { messages }) }
}

fn visibility(request: Receipt) -> Result<(String, u32)> {
    let seconds = unsigned("VisibilityTimeout", request.visibility_timeout)?.ok_or_else(|| {
        Error::new(ErrorCode::MissingParameter, "The request must contain the parameter VisibilityTimeout.")
    })?;
    Ok((request.receipt_handle, seconds))
}

fn create_queue(shared: &Shared, body: &[u8]) -> Result<Bytes> {
    let request: CreateQueue = parse(body)?;
    let name = request.queue_name;
    shared.operate(|engine, now_ms| engine.create_queue(&name, &request.attributes, &request.tags, now_ms))?;
    print(&json!({ "QueueUrl": shared.queue_url(&name) }))
}

fn get_queue_url(shared: &Shared, body: &[u8]) -> Result<Bytes> {
    let QueueName { queue_name } = parse(body)?;
    shared.operate(|engine, _| engine.find_queue(&queue_name))?;
    print(&json!({ "QueueUrl": shared.queue_url(&queue_name) }))
}

fn list_queues(shared: &Shared, body: &[u8]) -> Result<Bytes> {
    let request: ListQueues = parse(body)?;
    let max = unsigned("MaxResults", request.max_results)?.map(|max| max as usize);
    let page = shared
        .operate(|engine, _| engine.list_queues(&request.queue_name_prefix, max, request.next_token.as_deref()))?;
    let urls: Vec<_> = page.names.iter().map(|name| shared.queue_url(name)).collect();
    match page.next_token {
        Some(token) => print(&json!({ "QueueUrls": urls, "NextToken": token })),
        None => print(&json!({ "QueueUrls": urls })),
    }
}

/// One call of the engine for the queue that the request names.
fn on_queue<P: DeserializeOwned, A: Serialize>(
    shared: &Shared,
    body: &[u8],
    act: impl FnOnce(&mut Engine, &str, i64, P) -> Result<A>,
) -> Result<Bytes> {
    let request: Addressed<P> = parse(body)?;
    let queue = request.queue().to_owned();
    print(&shared.operate(|engine, now_ms| act(engine, &queue, now_ms, request.parameters))?)
}

fn parse<P: DeserializeOwned>(body: &[u8]) -> Result<P> {
    serde_json::from_slice(body).map_err(|error| malformed(format!("The request is not what it should be: {error}.")))
}

fn print(answer: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(answer)
        .map(Bytes::from)
        .map_err(|error| malformed(format!("The answer cannot be written: {error}.")))
}
