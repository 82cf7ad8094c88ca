//! What must hold of a workspace, whatever happened to it. Read from the table, not from the API.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use platform::store::{Look, StoredEvent};
use rules::credential::TokenKind;
use rules::event::EventType;
use rules::lease::Lease;
use rules::message::{Message, State};
use rules::slots::Slots;
use rules::workspace::Workspace;
use rules::{MessageId, Status, WorkspaceId};
use serde_json::Value;

use crate::world::World;

/// A workspace with all that the invariants look at.
#[derive(Debug)]
pub struct Seen {
    /// The record.
    pub record: Workspace,
    /// Its lease.
    pub lease: Option<Lease>,
    /// Its slots.
    pub slots: Slots,
    /// Its events, oldest first.
    pub events: Vec<StoredEvent>,
    /// Its messages, oldest first.
    pub messages: Vec<Message>,
}

impl Seen {
    /// How many events of this type there are.
    pub fn count(&self, kind: EventType) -> usize {
        self.events.iter().filter(|event| event.event_type == kind).count()
    }

    /// The status that readers see.
    pub fn status(&self, world: &World) -> Status {
        rules::liveness::effective(&self.record, self.lease.as_ref(), world.platform.now()).status
    }
}

impl World {
    /// Reads a workspace and checks every invariant on it.
    pub async fn sound(&self, id: &str) -> Seen {
        let id: WorkspaceId = id.parse().unwrap();
        let store = &self.platform.store;
        let snapshot = store.look(id, &Look::record().lease().slots()).await.unwrap();
        let mut events = store.events_of(id, 500, self.platform.now()).await.unwrap();
        events.reverse();
        let mut messages = Vec::new();
        for message in self.messages_of(id).await {
            messages.push(store.message(id, message).await.unwrap().unwrap());
        }
        let record = snapshot.workspace.expect("a record");
        let seen = Seen { record, lease: snapshot.lease, slots: snapshot.slots, events, messages };
        seen.lease_fits(self);
        seen.history_fits();
        seen.messages_fit(self);
        self.tokens_fit(&seen).await;
        assert_eq!(
            store.open(id).await.unwrap().iter().map(|open| open.id).collect::<Vec<_>>(),
            seen.messages.iter().filter(|one| !one.state.is_terminal()).map(|one| one.id).collect::<Vec<_>>(),
            "the index of open messages is that of the records"
        );
        seen
    }

    async fn messages_of(&self, id: WorkspaceId) -> Vec<MessageId> {
        let store = &self.platform.store;
        let query = store.client().query().table_name(store.table()).consistent_read(true);
        let query = query.key_condition_expression("pk = :p AND begins_with(sk, :k)");
        let query = query.expression_attribute_values(":p", AttributeValue::S(format!("WS#{id}")));
        let found = query.expression_attribute_values(":k", AttributeValue::S("MSG#".to_owned())).send().await.unwrap();
        let sort_keys = found.items.unwrap_or_default().into_iter().map(|item| item["sk"].as_s().unwrap().clone());
        sort_keys.map(|key| key.strip_prefix("MSG#").unwrap().parse().unwrap()).collect()
    }

    /// Live tokens and only they may renew; their number is that of the events.
    async fn tokens_fit(&self, seen: &Seen) {
        let id = seen.record.id;
        let store = &self.platform.store;
        for digest in seen.lease.iter().flat_map(|lease| lease.digests.keys()) {
            let token = store.token(digest).await.unwrap().expect("the token of a digest on the lease");
            assert!(token.is_live() && token.belongs_to(id) && token.kind == TokenKind::Instance, "{token:?}");
        }
        let live = store.tokens_of(id).await.unwrap();
        for token in &live {
            let by_digest = store.token(&token.digest).await.unwrap().expect("its row by digest");
            assert!(by_digest.is_live() && by_digest.id == token.id, "both rows of a token: {by_digest:?}");
        }
        assert!(live.is_empty() || !seen.record.bootstrap_open, "the bootstrap closes with the first token");
        if seen.record.status != Status::Removed {
            let first = usize::from(seen.record.is_external());
            let issued = seen.count(EventType::TokenIssued) + first;
            assert_eq!(issued - seen.count(EventType::TokenRevoked), live.len(), "one event for each change of tokens");
        }
    }
}

impl Seen {
    fn lease_fits(&self, world: &World) {
        let (record, now) = (&self.record, world.platform.now());
        let Some(lease) = &self.lease else {
            assert!(!self.status(world).is_live(), "live without a lease");
            return;
        };
        assert_ne!(record.status, Status::Removed, "a removed workspace has a lease");
        assert!(!lease.open || record.bootstrap_open, "the lease is open to those without a token, the record is not");
        if record.status.is_live() {
            assert_eq!((lease.status, lease.generation), (record.status, record.generation), "{lease:?}");
            assert!(lease.control || !record.wants_control(), "nothing tells the next heartbeat to look at the record");
        } else {
            assert!(!lease.is_live(now), "{} under a live lease", record.status);
        }
    }

    /// Each event of a status tells a change from the one before, and the last one is the record's.
    fn history_fits(&self) {
        let mut status: Option<Status> = None;
        for event in &self.events {
            let payload: Value = serde_json::from_str(&event.payload).unwrap();
            let was: Option<Status> = serde_json::from_value(payload["recovered_from"].clone()).unwrap_or_default();
            let before = status.unwrap_or(Status::AwaitingAgent);
            let told = match event.event_type {
                EventType::WorkspaceProvisioning => Status::Provisioning,
                EventType::WorkspaceAwaitingAgent => Status::AwaitingAgent,
                EventType::WorkspaceOnline => follows(before, was, Status::Online),
                EventType::WorkspaceDegraded => follows(before, was.or(Some(Status::Online)), Status::Degraded),
                EventType::WorkspaceOffline => {
                    assert!(before.is_live(), "offline after {before}");
                    Status::Offline
                }
                EventType::WorkspaceProvisionFailed => {
                    assert_eq!(before, Status::Provisioning);
                    Status::Failed
                }
                EventType::WorkspaceRemoved => {
                    assert_ne!(before, Status::Removed, "removed twice");
                    Status::Removed
                }
                EventType::MessageDropped | EventType::MessageFailed | EventType::MessageExpired => before,
                other => {
                    assert_ne!(before, Status::Removed, "{other:?} after the removal");
                    before
                }
            };
            status = Some(told);
        }
        assert_eq!(status, Some(self.record.status), "the events tell the status: {:?}", self.events);
    }

    fn messages_fit(&self, world: &World) {
        let now = world.platform.now();
        let live = self.slots.slots.values().filter(|slot| slot.until > now).count();
        assert!(live <= self.record.max_concurrent_tasks as usize, "{live} live slots");
        let mut ended: BTreeMap<String, usize> = BTreeMap::new();
        for event in &self.events {
            let kind = event.event_type;
            let ends = [EventType::MessageDropped, EventType::MessageFailed, EventType::MessageExpired];
            if kind == EventType::MessageReplayed {
                let payload: Value = serde_json::from_str(&event.payload).unwrap();
                let told = ended.remove(payload["queue_id"].as_str().unwrap());
                assert_eq!(told, Some(1), "only what ended is replayed");
            }
            if ends.contains(&kind) || kind == EventType::MessageCancelled {
                let payload: Value = serde_json::from_str(&event.payload).unwrap();
                *ended.entry(payload["queue_id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        for message in &self.messages {
            let told = ended.remove(&message.id.to_string()).unwrap_or(0);
            let unanswered = message.state.is_terminal() && message.state != State::Completed;
            assert_eq!(told, usize::from(unanswered), "events of the end of {message:?}");
            assert!(!unanswered || message.reason.is_some(), "an end without a reason: {message:?}");
            assert_eq!(message.answer.is_some(), message.state == State::Completed, "{message:?}");
            if matches!(message.state, State::Dispatched | State::Delivered) {
                let slot = message.slot.as_ref().and_then(|slot| self.slots.slots.get(slot));
                assert_eq!(
                    slot.and_then(|slot| slot.message),
                    Some(message.id),
                    "a delivery holds its slot: {message:?}"
                );
            }
        }
        assert!(ended.is_empty(), "events of messages that do not exist: {ended:?}");
    }
}

/// The status told, if it is a change from what was told before or from a lease that ran out unswept.
fn follows(before: Status, was: Option<Status>, told: Status) -> Status {
    assert_ne!(was, Some(told), "no change, no event");
    let unswept = before.is_live() && was == Some(Status::Offline);
    assert!(unswept || was == Some(before), "{told} from {was:?} after {before}");
    told
}
