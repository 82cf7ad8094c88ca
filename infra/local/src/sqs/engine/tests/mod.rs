//! The engine on a clock of the test's own.

mod fifo;
mod flight;
mod histories;
mod queues;
mod redrive;
mod scale;
mod sending;
mod time;

use std::collections::BTreeMap;

use super::{Delivery, Draft, Engine, Receive};

/// The queue of most tests.
const QUEUE: &str = "queue.fifo";
/// A standard queue.
const STANDARD: &str = "queue";

fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// An engine with a FIFO queue that takes its messages by content, and a standard queue.
fn engine() -> Engine {
    with(&[])
}

/// The same, the FIFO queue with more attributes.
fn with(more: &[(&str, &str)]) -> Engine {
    let mut engine = Engine::new(1);
    let mut fifo = attributes(&[("FifoQueue", "true"), ("ContentBasedDeduplication", "true")]);
    fifo.extend(attributes(more));
    engine.create_queue(QUEUE, &fifo, &BTreeMap::new(), 0).unwrap();
    engine.create_queue(STANDARD, &BTreeMap::new(), &BTreeMap::new(), 0).unwrap();
    engine
}

fn send(engine: &mut Engine, group: &str, body: &str, now_ms: i64) {
    engine.send(QUEUE, Draft::new(body).group(group), now_ms).unwrap();
}

fn receive(engine: &mut Engine, queue: &str, max: u32, now_ms: i64) -> Vec<Delivery> {
    engine.receive(queue, &Receive { max: Some(max), ..Receive::default() }, now_ms).unwrap()
}

fn bodies(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.content.body.as_str()).collect()
}

fn receive_bodies(engine: &mut Engine, queue: &str, max: u32, now_ms: i64) -> Vec<String> {
    receive(engine, queue, max, now_ms).iter().map(|delivery| delivery.content.body.clone()).collect()
}

/// A count of a queue, by the last part of the attribute's name after `ApproximateNumberOfMessages`.
fn count(engine: &mut Engine, queue: &str, which: &str, now_ms: i64) -> String {
    let name = format!("ApproximateNumberOfMessages{which}");
    engine.queue_attributes(queue, std::slice::from_ref(&name), now_ms).unwrap()[&name].clone()
}
