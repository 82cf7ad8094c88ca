//! Thousands of bodies that are nearly right: no answer is a fault, and what was taken can be read again.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};
use tests::api::{Request, bearer};
use tests::{ADMIN, Cast};

use super::refusal::{assert_no_fault, send, with_bodies};

/// Bodies per route. The seed is fixed, so that each run tries the same ones.
const CASES: u32 = 250;

/// One change of a body.
#[derive(Debug, Clone)]
enum Change {
    /// The value at the n-th place becomes another.
    Replace(usize, Value),
    /// The n-th place goes.
    Remove(usize),
    /// The n-th place gets this field, or item.
    Add(usize, String, Value),
    /// The text gets these bytes at this place.
    Insert(usize, Vec<u8>),
    /// The text loses so many bytes at this place.
    Cut(usize, usize),
    /// The byte at this place is another.
    Flip(usize, u8),
    /// This piece of the text comes twice.
    Repeat(usize, usize),
}

fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("\0".to_owned()),
        Just("\u{2028}".to_owned()),
        Just("💥".to_owned()),
        Just("a".repeat(1024)),
        Just("../../etc/passwd".to_owned()),
        Just("00000000-0000-0000-0000-000000000000".to_owned()),
        Just("9999-12-31T23:59:59.999999999Z".to_owned()),
        Just("none".to_owned()),
        "\\PC{0,12}",
        "[a-z_]{1,8}",
    ]
}

fn odd_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![Just(0.0), Just(-0.0), Just(1e-300), Just(f64::MIN_POSITIVE), Just(1e300), Just(0.1 + 0.2)]
            .prop_map(Value::from),
        (-3..200_i64).prop_map(Value::from),
        odd_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(odd_text(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<usize>();
    prop_oneof![
        4 => (place, odd_value()).prop_map(|(place, value)| Change::Replace(place, value)),
        1 => place.prop_map(Change::Remove),
        2 => (place, odd_text(), odd_value()).prop_map(|(place, name, value)| Change::Add(place, name, value)),
        1 => (place, prop::collection::vec(any::<u8>(), 1..6)).prop_map(|(place, bytes)| Change::Insert(place, bytes)),
        1 => (place, 1..20_usize).prop_map(|(place, length)| Change::Cut(place, length)),
        1 => (place, any::<u8>()).prop_map(|(place, byte)| Change::Flip(place, byte)),
        1 => (place, 1..40_usize).prop_map(|(place, length)| Change::Repeat(place, length)),
    ]
}

/// Every place in a value: the value itself, and all in it.
fn places(value: &mut Value) -> usize {
    let mut count = 0;
    visit(value, &mut |_| {
        count += 1;
        false
    });
    count
}

/// Visits all places in order, until one is the right one.
fn visit(value: &mut Value, at: &mut impl FnMut(&mut Value) -> bool) -> bool {
    if at(value) {
        return true;
    }
    match value {
        Value::Array(items) => items.iter_mut().any(|item| visit(item, at)),
        Value::Object(fields) => fields.values_mut().any(|item| visit(item, at)),
        _ => false,
    }
}

fn at(value: &mut Value, place: usize, edit: impl FnOnce(&mut Value)) {
    let mut left = place % places(value);
    let mut edit = Some(edit);
    visit(value, &mut |value| {
        if left > 0 {
            left -= 1;
            return false;
        }
        if let Some(edit) = edit.take() {
            edit(value);
        }
        true
    });
}

fn changed(body: &Value, changes: &[Change]) -> Vec<u8> {
    let mut value = body.clone();
    for change in changes {
        match change.clone() {
            Change::Replace(place, other) => at(&mut value, place, |value| *value = other),
            Change::Remove(place) => at(&mut value, place, |value| match value {
                Value::Object(fields) => drop(fields.pop_first_key()),
                Value::Array(items) => drop(items.pop()),
                other => *other = Value::Null,
            }),
            Change::Add(place, name, other) => at(&mut value, place, |value| match value {
                Value::Object(fields) => drop(fields.insert(name, other)),
                Value::Array(items) => items.push(other),
                scalar => *scalar = json!([scalar.take(), other]),
            }),
            _ => {}
        }
    }
    let mut text = value.to_string().into_bytes();
    for change in changes {
        let length = text.len().max(1);
        match change.clone() {
            Change::Insert(place, bytes) => drop(text.splice(place % length..place % length, bytes)),
            Change::Cut(place, count) => {
                let from = place % length;
                text.drain(from.min(text.len())..(from + count).min(text.len()));
            }
            Change::Flip(place, byte) => {
                if let Some(at) = text.get_mut(place % length) {
                    *at = byte;
                }
            }
            Change::Repeat(place, count) => {
                let from = (place % length).min(text.len());
                let piece = text[from..(from + count).min(text.len())].to_vec();
                text.splice(from..from, piece);
            }
            _ => {}
        }
    }
    text
}

trait PopFirst {
    fn pop_first_key(&mut self) -> Option<Value>;
}

impl PopFirst for Map<String, Value> {
    fn pop_first_key(&mut self) -> Option<Value> {
        let first = self.keys().next()?.clone();
        self.remove(&first)
    }
}

/// Without what would be looked up in the DNS: a text change can make a name of an address.
fn harmless(request: &Request) -> bool {
    !request.body.to_string().contains("://")
}

fn bodies(request: &Request) -> Vec<Vec<u8>> {
    let seed: Vec<u8> = request.key.bytes().cycle().take(32).collect();
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let changes = prop::collection::vec(change(), 1..3);
    let bodies = (0..CASES).map(|_| {
        let changes = changes.new_tree(&mut runner).unwrap().current();
        changed(&request.body, &changes)
    });
    bodies.collect()
}

#[tokio::test]
async fn nearly_right_bodies_are_no_fault_and_leave_nothing_that_cannot_be_read() {
    let cast = Cast::new().await;
    let (mut taken, mut refused) = (0, 0);
    for request in with_bodies(&cast) {
        assert!(harmless(&request), "{}", request.key);
        for body in bodies(&request) {
            let answer = send(&cast, &request, &[], &body).await;
            assert_no_fault(&answer, &format!("{} with {}", request.key, String::from_utf8_lossy(&body)));
            if answer.status < 400 { taken += 1 } else { refused += 1 }
        }
        for reading in cast.requests(&cast.own.id).iter().filter(|reading| reading.method() == "GET") {
            if reading.key.ends_with("test-token") || reading.key == "GET /metrics" || reading.key.ends_with("/inbox") {
                continue;
            }
            // Values go to the workspace itself alone.
            let reader = if reading.key.ends_with("/secrets/values") { &cast.own.token } else { ADMIN };
            let answer = cast.send(reading, Some(&bearer(reader))).await;
            // It may have been moved away from its sibling.
            let moved = reading.key == "GET /registry/discover/{id}" && answer.code() == "access_denied";
            assert!(
                answer.status == reading.served() || moved,
                "{} after {}: {}",
                reading.key,
                request.key,
                answer.text
            );
        }
    }
    assert!(taken > 200 && refused > 1000, "both kinds were tried: {taken} taken, {refused} refused");
}

#[tokio::test]
async fn drains_and_sweeps_get_over_what_was_taken() {
    let cast = Cast::new().await;
    for request in with_bodies(&cast) {
        for body in bodies(&request).iter().take(120) {
            send(&cast, &request, &[], body).await;
        }
    }
    cast.world.settle().await;
    cast.world.sweep().await;
    cast.world.settle().await;
    let answer = cast.world.call("GET", "/workspaces", Some(ADMIN), &Value::Null).await.expect(200);
    assert!(answer.body.as_array().unwrap().len() > 5, "{}", answer.body);
}
