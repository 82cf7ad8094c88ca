//! What a request needs to know of one workspace and of its caller, in one strongly consistent read.

use rules::credential::{BootCredential, Presented, Token};
use rules::lease::Lease;
use rules::slots::Slots;
use rules::workspace::Workspace;
use rules::{MessageId, ScheduleId, WorkspaceId};

use super::item::readable;
use super::{Item, Key, Store, StoreError, leases, messages, schedules, slots, tokens, workspaces};

/// What to read beside the workspace itself.
#[derive(Debug, Clone, Default)]
pub struct Look {
    lease: bool,
    slots: bool,
    bearer: Option<String>,
    boot: bool,
    other: Option<WorkspaceId>,
    message: Option<MessageId>,
    schedule: Option<ScheduleId>,
}

impl Look {
    /// The record alone.
    pub fn record() -> Self {
        Self::default()
    }

    /// And its lease.
    #[must_use]
    pub fn lease(mut self) -> Self {
        self.lease = true;
        self
    }

    /// And its delivery slots.
    #[must_use]
    pub fn slots(mut self) -> Self {
        self.slots = true;
        self
    }

    /// And the token with this digest.
    #[must_use]
    pub fn bearer(mut self, digest: Option<&str>) -> Self {
        self.bearer = digest.map(str::to_owned);
        self
    }

    /// And the boot credential with the same digest.
    #[must_use]
    pub fn or_boot(mut self) -> Self {
        self.boot = true;
        self
    }

    /// And another workspace's record.
    #[must_use]
    pub fn other(mut self, id: Option<WorkspaceId>) -> Self {
        self.other = id;
        self
    }

    /// And one of its messages.
    #[must_use]
    pub fn message(mut self, id: MessageId) -> Self {
        self.message = Some(id);
        self
    }

    /// And one of its schedules.
    #[must_use]
    pub fn schedule(mut self, id: Option<ScheduleId>) -> Self {
        self.schedule = id;
        self
    }
}

/// What was read, at one instant per item.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The workspace, removed ones included.
    pub workspace: Option<Workspace>,
    /// Its lease.
    pub lease: Option<Lease>,
    /// Its slots.
    pub slots: Slots,
    /// The caller's token.
    pub token: Option<Token>,
    /// The caller's boot credential.
    pub boot: Option<BootCredential>,
    /// The other workspace.
    pub other: Option<Workspace>,
    /// The message.
    pub message: Option<rules::message::Message>,
    /// The schedule.
    pub schedule: Option<rules::schedule::Schedule>,
    shown: bool,
}

impl Snapshot {
    /// What the caller presented.
    pub fn presented(&self) -> Presented<'_> {
        match (&self.token, &self.boot) {
            (Some(token), _) => Presented::Token(token),
            (None, Some(boot)) => Presented::Boot(boot),
            (None, None) if self.shown => Presented::Unknown,
            (None, None) => Presented::Nothing,
        }
    }
}

/// Many workspaces.
#[derive(Debug)]
pub struct Many {
    /// Their records with their leases.
    pub found: Vec<(Workspace, Option<Lease>)>,
    /// Those whose records are there and cannot be read: one of them is no reason to show none.
    pub unreadable: Vec<WorkspaceId>,
}

impl Many {
    /// All of them, where none may be left out.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn all(self) -> Result<Vec<(Workspace, Option<Lease>)>, StoreError> {
        match self.unreadable.first() {
            Some(id) => Err(StoreError::Corrupt(format!("the record of workspace {id}"))),
            None => Ok(self.found),
        }
    }
}

impl Store {
    /// Reads it all in one request.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn look(&self, id: WorkspaceId, look: &Look) -> Result<Snapshot, StoreError> {
        let mut keys = vec![Key::Workspace(id)];
        let mut want = |wanted: Option<Key>| {
            wanted.map(|key| {
                let index = keys.iter().position(|known| *known == key);
                index.unwrap_or_else(|| {
                    keys.push(key);
                    keys.len() - 1
                })
            })
        };
        let lease = want(look.lease.then_some(Key::Lease(id)));
        let slots = want(look.slots.then_some(Key::Slots(id)));
        let token = want(look.bearer.clone().map(Key::Token));
        let boot = want(look.bearer.clone().filter(|_| look.boot).map(Key::Boot));
        let other = want(look.other.map(Key::Workspace));
        let message = want(look.message.map(|message| Key::Message(id, message)));
        let schedule = want(look.schedule.map(|schedule| Key::Schedule(id, schedule)));
        let items = self.get_many(&keys).await?;
        let item = |index: Option<usize>| -> Option<Item> { index.and_then(|index| items[index].clone()) };
        Ok(Snapshot {
            workspace: item(Some(0)).map(workspaces::read).transpose()?,
            lease: item(lease).map(leases::read).transpose()?,
            slots: item(slots).map(slots::read).transpose()?.unwrap_or_default(),
            token: item(token).map(tokens::read).transpose()?,
            boot: item(boot).map(tokens::read_boot).transpose()?,
            other: item(other).map(workspaces::read).transpose()?,
            message: readable(item(message), messages::read).next(),
            schedule: item(schedule).map(schedules::read).transpose()?,
            shown: look.bearer.is_some(),
        })
    }

    /// Records with leases of many workspaces, in the order of `ids`; gone ones are left out.
    ///
    /// # Errors
    /// The datastore does not answer.
    pub async fn look_many(&self, ids: &[WorkspaceId]) -> Result<Many, StoreError> {
        let mut all = Many { found: Vec::with_capacity(ids.len()), unreadable: Vec::new() };
        for chunk in ids.chunks(50) {
            let keys: Vec<Key> = chunk.iter().flat_map(|id| [Key::Workspace(*id), Key::Lease(*id)]).collect();
            let mut items = self.get_many(&keys).await?.into_iter();
            for id in chunk {
                let (Some(Some(record)), lease) = (items.next(), items.next().flatten()) else { continue };
                match workspaces::read(record).and_then(|record| Ok((record, lease.map(leases::read).transpose()?))) {
                    Ok(found) => all.found.push(found),
                    Err(error) => {
                        tracing::error!(%error, workspace = %id, "a record that cannot be read is left out");
                        all.unreadable.push(*id);
                    }
                }
            }
        }
        Ok(all)
    }
}
