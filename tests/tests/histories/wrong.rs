//! Histories with one fault each: a checker that finds nothing in them is worth nothing.

use rules::Timestamp;

use crate::checker::check;
use crate::history::{Done, End, Event, Promise, Seen, Sent};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn send(id: &str) -> Sent {
    Sent {
        message_id: id.to_owned(),
        from: "alice".to_owned(),
        to: "bob".to_owned(),
        context: None,
        priority: "task",
        deadline: Some(at(100)),
        allowed: true,
    }
}

fn answered(id: &str, status: u16, queue_id: &str) -> Event {
    Event::Answered { message_id: id.to_owned(), status, queue_id: Some(queue_id.to_owned()) }
}

fn delivered(id: &str, epoch: u64) -> Event {
    let from = Some("alice".to_owned());
    Event::Delivered { to: "bob".to_owned(), message_id: id.to_owned(), epoch, from, until: at(1000) }
}

fn done(id: &str, epoch: u64, done: Done) -> Event {
    Event::Done { to: "bob".to_owned(), message_id: id.to_owned(), epoch, done }
}

fn end(id: &str, state: &str, reason: Option<&str>) -> End {
    End {
        message_id: id.to_owned(),
        open: state == "queued",
        state: state.to_owned(),
        reason: reason.map(str::to_owned),
        finished_at: (state != "queued").then(|| at(50)),
        steps: 3,
    }
}

/// One second between two events.
fn judge(events: Vec<Event>, ends: &[End]) -> Vec<String> {
    let seen = |(second, event)| Seen { at: at(second), event };
    let history: Vec<Seen> = (0..).zip(events).map(seen).collect();
    check(&history, ends, &[Promise { id: "bob".to_owned(), capacity: 1, again: false }])
}

/// One sound history of two messages.
fn sound() -> Vec<Event> {
    vec![
        Event::Send(send("m1")),
        answered("m1", 202, "q1"),
        Event::Send(send("m2")),
        delivered("m1", 1),
        answered("m2", 202, "q2"),
        done("m1", 1, Done::Refused),
        delivered("m1", 2),
        done("m1", 2, Done::Worked),
        delivered("m2", 3),
        done("m2", 3, Done::Worked),
    ]
}

fn both() -> Vec<End> {
    vec![end("m1", "completed", None), end("m2", "completed", None)]
}

#[test]
fn a_sound_history_passes() {
    assert_eq!(judge(sound(), &both()), Vec::<String>::new());
}

#[test]
fn each_broken_promise_is_found() {
    let without = |place: usize| {
        let mut events = sound();
        events.remove(place);
        events
    };
    let with = |place: usize, event: Event| {
        let mut events = sound();
        events.insert(place, event);
        events
    };
    let changed = |place: usize, event: Event| {
        let mut events = sound();
        events[place] = event;
        events
    };
    let overtaken = {
        let mut events = sound();
        events.splice(3..4, [delivered("m2", 9), done("m2", 9, Done::Failed), delivered("m1", 1)]);
        events
    };
    for (told, events, ends) in [
        ("is gone", sound(), vec![end("m1", "completed", None)]),
        ("without a reason", sound(), vec![end("m1", "queued", None), end("m2", "completed", None)]),
        ("ended failed without", sound(), vec![end("m1", "failed", None), end("m2", "completed", None)]),
        ("no timeline", sound(), vec![End { steps: 0, ..end("m1", "completed", None) }, end("m2", "completed", None)]),
        ("several messages", with(2, answered("m1", 202, "q9")), both()),
        ("two live deliveries", without(5), both()),
        ("at once", without(7), both()),
        ("may have done it before", changed(5, done("m1", 1, Done::Worked)), both()),
        ("after its deadline", changed(0, Event::Send(Sent { deadline: Some(at(2)), ..send("m1") })), both()),
        ("over a forbidden edge", changed(0, Event::Send(Sent { allowed: false, ..send("m1") })), both()),
        ("was sent from", changed(0, Event::Send(Sent { from: "carol".to_owned(), ..send("m1") })), both()),
        ("overtook m1", overtaken, both()),
    ] {
        let found = judge(events, &ends);
        assert!(found.iter().any(|wrong| wrong.contains(told)), "{told}: {found:?}");
    }
}
