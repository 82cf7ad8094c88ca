//! One operation under every fault of every one of its requests, once and from there on.

use tests::{Answer, Fault, World};

use super::{FAULTS, from, once, unavailable};

/// A call that changes something.
pub(crate) trait Operation {
    /// What it is done to, fresh for each case.
    type Subject;

    /// The answer without faults.
    const OK: u16;
    /// Answers to the same request after it took effect.
    const AGAIN: &[u16];

    /// Makes one.
    async fn subject(&self, world: &World) -> Self::Subject;
    /// Does it.
    async fn run(&self, world: &World, subject: &Self::Subject) -> Answer;
    /// Each trace that it leaves, whether it is there; reads all of it, checking the invariants.
    async fn traces(&self, world: &World, subject: &Self::Subject) -> Vec<bool>;
    /// Checks what an answer of success promises beyond the traces.
    async fn promised(&self, _world: &World, _subject: &Self::Subject) {}
}

/// One effect, or none.
#[track_caller]
fn whole(traces: &[bool], told: &str) -> bool {
    assert!(traces.iter().all(|there| *there == traces[0]), "{told}: half done: {traces:?}");
    traces[0]
}

/// Whether a request may write.
fn writes(operation: &str) -> bool {
    ["TransactWriteItems", "UpdateItem", "PutItem", "DeleteItem"].contains(&operation)
}

/// Runs the operation under every fault.
pub(crate) async fn whole_or_not_at_all<O: Operation>(operation: O) {
    let world = World::new().await;
    let subject = operation.subject(&world).await;
    world.gate.take_operations();
    operation.run(&world, &subject).await.expect(O::OK);
    let requests = world.gate.take_operations();
    assert!(whole(&operation.traces(&world, &subject).await, "without faults"));
    let write = requests.iter().position(|request| writes(request)).expect("a write") + 1;
    for n in 1..=requests.len() {
        for fault in FAULTS {
            survives_one(&operation, &world, n, fault).await;
            is_whole_under_many(&operation, &world, n, fault, write).await;
        }
    }
}

/// The SDK sends the request again, and that is all.
async fn survives_one<O: Operation>(operation: &O, world: &World, n: usize, fault: Fault) {
    let told = format!("{fault:?} at {n}");
    let subject = operation.subject(world).await;
    assert!(!whole(&operation.traces(world, &subject).await, &told));
    world.gate.inject(once(n, fault));
    let answer = operation.run(world, &subject).await;
    world.gate.heal();
    assert_eq!(answer.status, O::OK, "{told}: {}", answer.body);
    assert!(whole(&operation.traces(world, &subject).await, &told), "{told}: no effect");
    operation.promised(world, &subject).await;
}

/// 503 and all of it or nothing; and then it can be done again.
async fn is_whole_under_many<O: Operation>(operation: &O, world: &World, n: usize, fault: Fault, write: usize) {
    let told = format!("{fault:?} from {n}");
    let subject = operation.subject(world).await;
    world.gate.inject(from(n, fault));
    let answer = operation.run(world, &subject).await;
    world.gate.heal();
    let done = whole(&operation.traces(world, &subject).await, &told);
    if answer.status == O::OK {
        assert!(done, "{told}: answered without effect");
        operation.promised(world, &subject).await;
    } else {
        unavailable(&answer, &told);
        let before = n < write || (n == write && fault != Fault::LostAnswer);
        assert!(!done || !before, "{told}: an effect of a write that never was");
        let again = operation.run(world, &subject).await;
        assert!(again.status == O::OK || (done && O::AGAIN.contains(&again.status)), "{told}: {}", again.body);
        assert!(whole(&operation.traces(world, &subject).await, &told), "{told}: no effect of the second call");
        operation.promised(world, &subject).await;
    }
}
