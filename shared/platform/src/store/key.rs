//! Where each kind of item lies.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use rules::memory::Scope;
use rules::{MemoryId, MessageId, ScheduleId, TokenId, WorkspaceId};

use super::fires::FireKey;
use super::item::s;

/// Partitions of the leases: the sweep reads them all each minute.
pub const LEASE_SHARDS: u8 = 16;
/// Partitions of the organisation's events.
pub const EVENT_SHARDS: u8 = 8;
/// Partitions of the organisation's dead messages.
pub const DEAD_SHARDS: u8 = 4;
/// Partitions of each kind of due items.
pub const DUE_SHARDS: u8 = 4;

/// The primary key of one item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the table in the module documentation")]
pub enum Key {
    Workspace(WorkspaceId),
    Lease(WorkspaceId),
    Slots(WorkspaceId),
    /// By digest.
    Token(String),
    /// The list row of a workspace's token.
    TokenOf(WorkspaceId, TokenId),
    /// The list row of an organisation's token.
    OrgToken(String, TokenId),
    /// By digest.
    Boot(String),
    Message(WorkspaceId, MessageId),
    /// Part of a body: message, `request` or `answer`, part number.
    Body(MessageId, &'static str, usize),
    /// Events of a streamed answer: message, slot epoch, number of the first event, part number.
    Stream(MessageId, u64, u32, usize),
    /// Target, digest of caller and messageId.
    Idempotency(WorkspaceId, String),
    /// Target, digest of caller and the agent's task id.
    Task(WorkspaceId, String),
    Event(WorkspaceId, rules::id::EventId),
    /// Source, its id there.
    Delegation(WorkspaceId, String),
    /// Source, digest of the idempotency key.
    DelegationKey(WorkspaceId, String),
    Provisioning(WorkspaceId),
    Schedule(WorkspaceId, ScheduleId),
    /// The text of a schedule's prompt.
    Prompt(WorkspaceId, ScheduleId),
    /// Workspace, digest of the name.
    ScheduleName(WorkspaceId, String),
    Fire(FireKey),
    Memory(WorkspaceId, Scope, MemoryId),
    Activity(WorkspaceId, rules::id::ActivityId),
    /// A workspace's secret, by its key.
    Secret(WorkspaceId, String),
    /// An organisation's secret, by its key.
    OrgSecret(String, String),
    /// Counts the changes of an organisation's secrets.
    OrgSecrets(String),
    Tick(String),
    Schema,
}

impl Key {
    /// The partition.
    pub fn pk(&self) -> String {
        match self {
            Self::Workspace(id)
            | Self::Slots(id)
            | Self::TokenOf(id, _)
            | Self::Message(id, _)
            | Self::Idempotency(id, _)
            | Self::Task(id, _)
            | Self::Event(id, _)
            | Self::Activity(id, _)
            | Self::Delegation(id, _)
            | Self::DelegationKey(id, _)
            | Self::Provisioning(id)
            | Self::Schedule(id, _)
            | Self::Prompt(id, _)
            | Self::ScheduleName(id, _)
            | Self::Memory(id, ..)
            | Self::Secret(id, _) => workspace_pk(*id),
            Self::Fire(fire) => workspace_pk(fire.workspace_id),
            Self::Lease(id) => lease_pk(id.shard(LEASE_SHARDS)),
            Self::Token(digest) => format!("TOKEN#{digest}"),
            Self::OrgToken(org, _) | Self::OrgSecret(org, _) | Self::OrgSecrets(org) => org_pk(org),
            Self::Boot(digest) => format!("BOOT#{digest}"),
            Self::Body(id, _, _) => format!("BODY#{id}"),
            Self::Stream(id, ..) => stream_pk(*id),
            Self::Tick(_) => "SYSTEM".to_owned(),
            Self::Schema => "SCHEMA".to_owned(),
        }
    }

    /// The sort key.
    pub fn sk(&self) -> String {
        match self {
            Self::Workspace(_) => "META".to_owned(),
            Self::Slots(_) => "SLOTS".to_owned(),
            Self::Lease(id) => id.to_string(),
            Self::Token(_) => "TOKEN".to_owned(),
            Self::TokenOf(_, token) | Self::OrgToken(_, token) => format!("TOKEN#{token}"),
            Self::Boot(_) => "BOOT".to_owned(),
            Self::Message(_, id) => format!("MSG#{id}"),
            Self::Body(_, kind, part) => format!("{kind}#{part:03}"),
            Self::Stream(_, epoch, first, part) => format!("{epoch:020}#{first:06}#{part:03}"),
            Self::Idempotency(_, key) => format!("IDEM#{key}"),
            Self::Task(_, key) => format!("TASK#{key}"),
            Self::Event(_, id) => format!("EVENT#{id}"),
            Self::Activity(_, id) => format!("ACT#{id}"),
            Self::Delegation(_, id) => format!("DELEG#{id}"),
            Self::DelegationKey(_, key) => format!("DELEGKEY#{key}"),
            Self::Provisioning(_) => "DUE#provision".to_owned(),
            Self::Schedule(_, id) => format!("SCHED#{id}"),
            Self::Prompt(_, id) => format!("PROMPT#{id}"),
            Self::ScheduleName(_, name) => format!("SCHEDNAME#{name}"),
            Self::Fire(fire) => {
                let manual = fire.manual.map(|id| format!("#{id}")).unwrap_or_default();
                format!("FIRE#{}#{}{manual}", fire.schedule_id, time_key(fire.nominal))
            }
            Self::Memory(_, scope, id) => format!("MEM#{}#{id}", scope.as_str()),
            Self::Secret(_, key) | Self::OrgSecret(_, key) => format!("SECRET#{key}"),
            Self::OrgSecrets(_) => "SECRETS".to_owned(),
            Self::Tick(name) => format!("TICK#{name}"),
            Self::Schema => "VERSION".to_owned(),
        }
    }

    /// Both, as DynamoDB wants them.
    pub fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([("pk".to_owned(), s(self.pk())), ("sk".to_owned(), s(self.sk()))])
    }
}

/// The partition of a workspace's own items.
pub(super) fn workspace_pk(id: WorkspaceId) -> String {
    format!("WS#{id}")
}

/// The partition of an organisation's own items.
pub(super) fn org_pk(org: &str) -> String {
    format!("ORG#{org}")
}

/// The partition of the events of one message's streamed answer.
pub(super) fn stream_pk(id: MessageId) -> String {
    format!("STREAM#{id}")
}

/// The partition of one shard of leases.
pub(super) fn lease_pk(shard: u8) -> String {
    format!("LIVE#{shard:02}")
}

/// The index partition of an organisation's workspaces.
pub(super) fn org_gsi(org: &str) -> String {
    format!("ORG#{org}")
}

/// The index partition of one shard of an organisation's events.
pub(super) fn events_gsi(org: &str, shard: u8) -> String {
    format!("EVENTS#{org}#{shard}")
}

/// The index partition of due items of one kind.
pub(super) fn due_gsi(kind: &str, shard: u8) -> String {
    format!("DUE#{kind}#{shard}")
}

/// The index partition of a workspace's open messages.
pub(super) fn open_gsi(target: WorkspaceId) -> String {
    format!("OPEN#{target}")
}

/// Milliseconds as a sort key that orders as they do.
pub(super) fn time_key(at: rules::Timestamp) -> String {
    format!("{:013}", at.millis().max(0))
}

/// The index partition of one shard of an organisation's dead messages.
pub(super) fn dead_partition(org: &str, shard: u8) -> String {
    format!("DEAD#{org}#{shard}")
}

/// The index partition of a dead message.
pub(super) fn dead_gsi(org: &str, id: MessageId) -> String {
    let shard = id.uuid().as_bytes()[15] % DEAD_SHARDS;
    dead_partition(org, shard)
}
