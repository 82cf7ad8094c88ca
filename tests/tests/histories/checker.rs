//! Judges a history. It knows the promises, not the platform.

use std::collections::{BTreeMap, BTreeSet};

use rules::Timestamp;

use crate::history::{Done, End, Event, Promise, Seen, Sent};

/// What is wrong with the history; nothing if it is sound.
pub(crate) fn check(history: &[Seen], ends: &[End], promises: &[Promise]) -> Vec<String> {
    let mut wrong = Vec::new();
    let view = View::of(history);
    wrong.extend(nothing_lost(&view, ends));
    wrong.extend(one_outcome(&view));
    wrong.extend(edges_and_deadlines(&view));
    for promise in promises {
        wrong.extend(hands(history, promise));
    }
    wrong.extend(lanes(&view, ends));
    wrong
}

/// The history by message.
struct View<'a> {
    sent: BTreeMap<&'a str, &'a Sent>,
    /// Where each message was first sent, in the order of the history.
    first_send: BTreeMap<&'a str, usize>,
    /// Where each was first answered with "accepted", and under which queue ids.
    accepted: BTreeMap<&'a str, usize>,
    queue_ids: BTreeMap<&'a str, BTreeSet<&'a str>>,
    deliveries: BTreeMap<&'a str, Vec<(usize, &'a Seen)>>,
    replayed: BTreeMap<&'a str, usize>,
}

impl<'a> View<'a> {
    fn of(history: &'a [Seen]) -> Self {
        let mut view = View {
            sent: BTreeMap::new(),
            first_send: BTreeMap::new(),
            accepted: BTreeMap::new(),
            queue_ids: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            replayed: BTreeMap::new(),
        };
        for (place, seen) in history.iter().enumerate() {
            match &seen.event {
                Event::Send(sent) => {
                    view.sent.insert(&sent.message_id, sent);
                    view.first_send.entry(&sent.message_id).or_insert(place);
                }
                Event::Answered { message_id, status, queue_id } => {
                    if (200..300).contains(status) {
                        view.accepted.entry(message_id).or_insert(place);
                    }
                    if let Some(queue_id) = queue_id {
                        view.queue_ids.entry(message_id).or_default().insert(queue_id);
                    }
                }
                Event::Delivered { message_id, .. } => {
                    view.deliveries.entry(message_id).or_default().push((place, seen));
                }
                Event::Replayed { message_id } => {
                    view.replayed.insert(message_id, place);
                }
                Event::Done { .. } => {}
            }
        }
        view
    }
}

/// Every accepted message can be read, with a history of its own, and has ended with a reason or waits with one.
fn nothing_lost(view: &View<'_>, ends: &[End]) -> Vec<String> {
    let known: BTreeMap<&str, &End> = ends.iter().map(|end| (end.message_id.as_str(), end)).collect();
    let mut wrong = Vec::new();
    for message_id in view.accepted.keys() {
        match known.get(message_id) {
            None => wrong.push(format!("{message_id} was accepted and is gone")),
            Some(end) if end.steps == 0 => wrong.push(format!("{message_id} has no timeline")),
            Some(end) if end.open && end.reason.is_none() => {
                wrong.push(format!("{message_id} is still {} without a reason", end.state));
            }
            Some(end) if !end.open && end.state != "completed" && end.reason.is_none() => {
                wrong.push(format!("{message_id} ended {} without a reason", end.state));
            }
            Some(_) => {}
        }
    }
    wrong
}

/// However often it was sent, a message is one.
fn one_outcome(view: &View<'_>) -> Vec<String> {
    let several = view.queue_ids.iter().filter(|(_, ids)| ids.len() > 1);
    several.map(|(message_id, ids)| format!("{message_id} is several messages: {ids:?}")).collect()
}

fn edges_and_deadlines(view: &View<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (message_id, sent) in &view.sent {
        if !sent.allowed && view.accepted.contains_key(message_id) {
            wrong.push(format!("{message_id} goes over a forbidden edge and was accepted"));
        }
        for (_, seen) in view.deliveries.get(message_id).into_iter().flatten() {
            let Event::Delivered { to, from, .. } = &seen.event else { continue };
            if !sent.allowed {
                wrong.push(format!("{message_id} was delivered over a forbidden edge"));
            }
            if *to != sent.to || from.as_ref().is_some_and(|from| *from != sent.from) {
                wrong.push(format!(
                    "{message_id} went from {from:?} to {to}, and was sent from {} to {}",
                    sent.from, sent.to
                ));
            }
            if sent.deadline.is_some_and(|deadline| seen.at >= deadline) {
                wrong.push(format!("{message_id} was delivered after its deadline"));
            }
        }
    }
    wrong
}

/// What one agent has in its hands: never one message twice, never more than it said, and never again what it has done.
fn hands(history: &[Seen], promise: &Promise) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut held: BTreeMap<(String, u64), Timestamp> = BTreeMap::new();
    let mut begun: BTreeMap<String, usize> = BTreeMap::new();
    for seen in history {
        held.retain(|_, until| *until > seen.at);
        match &seen.event {
            Event::Delivered { to, message_id, epoch, until, .. } if *to == promise.id => {
                if held.keys().any(|(held, _)| held == message_id) {
                    wrong.push(format!("{message_id} has two live deliveries"));
                }
                held.insert((message_id.clone(), *epoch), *until);
                if held.len() > promise.capacity {
                    wrong.push(format!("{} has {} messages at once: {:?}", promise.id, held.len(), held.keys()));
                }
                *begun.entry(message_id.clone()).or_default() += 1;
                if begun[message_id] > 1 && !promise.again {
                    wrong.push(format!("{message_id} was given to an agent that may have done it before"));
                }
            }
            Event::Done { to, message_id, epoch, done } if *to == promise.id => {
                held.remove(&(message_id.clone(), *epoch));
                if matches!(done, Done::Refused | Done::Failed) {
                    begun.entry(message_id.clone()).and_modify(|count| *count -= 1);
                }
            }
            Event::Replayed { message_id } => {
                held.retain(|(held, _), _| held != message_id);
                begun.remove(message_id);
            }
            _ => {}
        }
    }
    wrong
}

/// Of two messages of a lane, the first answered before the second was sent: the second is delivered only when the first
/// is not going to be any more.
fn lanes(view: &View<'_>, ends: &[End]) -> Vec<String> {
    let ends: BTreeMap<&str, &End> = ends.iter().map(|end| (end.message_id.as_str(), end)).collect();
    let mut wrong = Vec::new();
    for (first, accepted) in &view.accepted {
        let one = view.sent[first];
        let later = view.first_send.iter().filter(|(_, sent)| *sent > accepted).map(|(second, _)| view.sent[second]);
        for two in later.filter(|two| (&two.to, &two.context, two.priority) == (&one.to, &one.context, one.priority)) {
            let Some((place, seen)) = view.deliveries.get(two.message_id.as_str()).and_then(|all| all.first()) else {
                continue;
            };
            let replayed = view.replayed.get(first).or(view.replayed.get(two.message_id.as_str()));
            if replayed.is_some_and(|replayed| replayed < place) {
                continue;
            }
            let of_first = view.deliveries.get(first).map(Vec::as_slice).unwrap_or_default();
            let after = of_first.iter().any(|(at, _)| at > place && replayed.is_none_or(|replayed| at < replayed));
            let over = ends.get(first).and_then(|end| end.finished_at).is_some_and(|at| at <= seen.at);
            if after || (of_first.is_empty() && !over) {
                wrong.push(format!("{} overtook {first} in its lane", two.message_id));
            }
        }
    }
    wrong
}
