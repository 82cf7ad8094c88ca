use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::fixtures::{ID, NOW, OTHER, ago, ahead, any_workspace, workspace};

const STRANGER: Denial = Denial::Invalid { own: false };
const OWN: Denial = Denial::Invalid { own: true };
/// The generation of the fixture's workspace.
const CURRENT: u64 = 3;

fn token(kind: TokenKind, owner: Option<WorkspaceId>, generation: u64, revoked: bool) -> Token {
    Token {
        id: TokenId::new(Uuid::from_u128(9)),
        kind,
        workspace_id: owner,
        org: "default".to_owned(),
        generation,
        digest: "digest".to_owned(),
        prefix: "dige".to_owned(),
        name: None,
        created_by: None,
        created_at: ago(1000),
        last_used_at: None,
        revoked_at: revoked.then(|| ago(10)),
    }
}

fn boot(owner: WorkspaceId, generation: u64) -> BootCredential {
    BootCredential {
        workspace_id: owner,
        generation,
        digest: "boot".to_owned(),
        once: false,
        ends_at: None,
        exchanged_for: None,
    }
}

fn once(generation: u64, used: bool, ends_at: Timestamp) -> BootCredential {
    let exchanged_for = used.then(|| "digest".to_owned());
    BootCredential { once: true, ends_at: Some(ends_at), exchanged_for, ..boot(ID, generation) }
}

/// A credential as a test owns it.
#[derive(Debug, Clone)]
enum Shown {
    Nothing,
    Unknown,
    Token(Token),
    Boot(BootCredential),
}

impl Shown {
    fn presented(&self) -> Presented<'_> {
        match self {
            Self::Nothing => Presented::Nothing,
            Self::Unknown => Presented::Unknown,
            Self::Token(token) => Presented::Token(token),
            Self::Boot(boot) => Presented::Boot(boot),
        }
    }

    /// What the specification takes as proof that a failed register came from the workspace itself.
    fn is_proof(&self) -> bool {
        match self {
            Self::Nothing | Self::Unknown => false,
            Self::Token(token) => {
                token.belongs_to(ID)
                    && token.kind == TokenKind::Instance
                    && token.generation >= CURRENT
                    && !token.is_live()
            }
            Self::Boot(boot) => boot.workspace_id == ID && boot.generation >= CURRENT,
        }
    }
}

/// What register and heartbeat say to one credential.
type Row = (&'static str, Shown, Result<Grant, Denial>, Result<(), Denial>);

/// Every kind of credential, with what register and heartbeat say to it while the bootstrap is closed.
fn rows() -> Vec<Row> {
    use TokenKind::{Api, Instance, Org};
    let own = |kind, generation, revoked| Shown::Token(token(kind, Some(ID), generation, revoked));
    let exchanged = BootCredential { exchanged_for: Some("digest".to_owned()), ..boot(ID, CURRENT) };
    vec![
        ("nothing", Shown::Nothing, Err(Denial::Missing), Err(Denial::Missing)),
        ("a bearer nobody knows", Shown::Unknown, Err(STRANGER), Err(STRANGER)),
        ("its token", own(Instance, CURRENT, false), Ok(Grant::Keep), Ok(())),
        (
            "its token, older generation",
            own(Instance, 2, false),
            Err(Denial::StaleGeneration),
            Err(Denial::StaleGeneration),
        ),
        ("its tombstone", own(Instance, CURRENT, true), Err(OWN), Err(OWN)),
        ("its tombstone, older generation", own(Instance, 2, true), Err(STRANGER), Err(Denial::StaleGeneration)),
        ("its API token", own(Api, CURRENT, false), Err(Denial::NotInstance), Err(Denial::NotInstance)),
        ("its revoked API token", own(Api, CURRENT, true), Err(STRANGER), Err(STRANGER)),
        ("another's token", Shown::Token(token(Instance, Some(OTHER), CURRENT, false)), Err(STRANGER), Err(STRANGER)),
        (
            "another's tombstone",
            Shown::Token(token(Instance, Some(OTHER), CURRENT, true)),
            Err(STRANGER),
            Err(STRANGER),
        ),
        ("an org token", Shown::Token(token(Org, None, 0, false)), Err(STRANGER), Err(STRANGER)),
        ("its boot credential", Shown::Boot(boot(ID, CURRENT)), Ok(Grant::Exchange), Err(STRANGER)),
        ("its boot credential, again", Shown::Boot(exchanged), Ok(Grant::Exchange), Err(STRANGER)),
        (
            "its boot credential, older generation",
            Shown::Boot(boot(ID, 2)),
            Err(Denial::StaleGeneration),
            Err(STRANGER),
        ),
        ("another's boot credential", Shown::Boot(boot(OTHER, CURRENT)), Err(STRANGER), Err(STRANGER)),
        ("one-time credential", Shown::Boot(once(CURRENT, false, ahead(1))), Ok(Grant::Reset), Err(STRANGER)),
        ("one-time credential, used", Shown::Boot(once(CURRENT, true, ahead(1))), Err(OWN), Err(STRANGER)),
        ("one-time credential, expired", Shown::Boot(once(CURRENT, false, NOW)), Err(OWN), Err(STRANGER)),
        (
            "one-time credential, used, older generation",
            Shown::Boot(once(2, true, ahead(1))),
            Err(Denial::StaleGeneration),
            Err(STRANGER),
        ),
    ]
}

#[test]
fn the_table_while_the_bootstrap_is_closed() {
    for status in Status::ALL.into_iter().filter(|status| *status != Status::Removed) {
        let workspace = workspace(status);
        for (name, shown, register, heartbeat) in rows() {
            assert_eq!(may_register(&workspace, shown.presented(), NOW), register, "{status}, register with {name}");
            assert_eq!(may_heartbeat(&workspace, shown.presented()), heartbeat, "{status}, heartbeat with {name}");
        }
    }
}

/// The legacy rule: no token was ever issued, so none is asked for. It is about "no bearer" alone.
#[test]
fn the_open_bootstrap_lets_in_who_shows_nothing_and_nobody_else() {
    let open = Workspace { bootstrap_open: true, ..workspace(Status::AwaitingAgent) };
    for (name, shown, register, heartbeat) in rows() {
        let nothing = matches!(shown, Shown::Nothing);
        let (register, heartbeat) = if nothing { (Ok(Grant::First), Ok(())) } else { (register, heartbeat) };
        assert_eq!(may_register(&open, shown.presented(), NOW), register, "register with {name}");
        assert_eq!(may_heartbeat(&open, shown.presented()), heartbeat, "heartbeat with {name}");
    }
}

#[test]
fn a_removed_workspace_never_gets_anything_and_nothing_counts_against_it() {
    for bootstrap_open in [false, true] {
        let removed = Workspace { bootstrap_open, ..workspace(Status::Removed) };
        for (name, shown, ..) in rows() {
            let denial = if matches!(shown, Shown::Nothing) { Denial::Missing } else { STRANGER };
            assert_eq!(may_register(&removed, shown.presented(), NOW), Err(denial), "register with {name}");
            assert_eq!(may_heartbeat(&removed, shown.presented()), Err(denial), "heartbeat with {name}");
        }
    }
}

fn any_shown() -> impl Strategy<Value = Shown> {
    let kind = proptest::sample::select(vec![TokenKind::Instance, TokenKind::Api, TokenKind::Org]);
    let owner = proptest::sample::select(vec![ID, ID, OTHER]);
    let tokens = (kind, owner, 1_u64..5, any::<bool>()).prop_map(|(kind, owner, generation, revoked)| {
        let owner = (kind != TokenKind::Org).then_some(owner);
        Shown::Token(token(kind, owner, generation, revoked))
    });
    let owner = proptest::sample::select(vec![ID, ID, OTHER]);
    let boots = (owner, 1_u64..5, any::<bool>(), any::<bool>(), -5_i64..5).prop_map(
        |(owner, generation, single, used, ends)| {
            let ends_at = Timestamp::from_millis(NOW.millis() + ends);
            let credential = if single { once(generation, used, ends_at) } else { boot(ID, generation) };
            Shown::Boot(BootCredential { workspace_id: owner, ..credential })
        },
    );
    prop_oneof![1 => Just(Shown::Nothing), 1 => Just(Shown::Unknown), 4 => tokens, 4 => boots]
}

proptest! {
    #[test]
    fn only_proof_counts_against_a_workspace(record in any_workspace(), open in any::<bool>(), shown in any_shown()) {
        let record = Workspace { bootstrap_open: open, ..record };
        if may_register(&record, shown.presented(), NOW) == Err(OWN) {
            prop_assert!(shown.is_proof() && record.status != Status::Removed);
        }
    }

    #[test]
    fn an_older_generation_never_gets_in(record in any_workspace(), shown in any_shown()) {
        let old = match &shown {
            Shown::Token(token) => token.generation < CURRENT,
            Shown::Boot(boot) => boot.generation < CURRENT,
            Shown::Nothing | Shown::Unknown => false,
        };
        if old {
            prop_assert!(may_register(&record, shown.presented(), NOW).is_err());
            prop_assert!(may_heartbeat(&record, shown.presented()).is_err());
        }
    }

    #[test]
    fn who_may_heartbeat_may_register(record in any_workspace(), open in any::<bool>(), shown in any_shown()) {
        let record = Workspace { bootstrap_open: open, ..record };
        if may_heartbeat(&record, shown.presented()).is_ok() {
            prop_assert!(may_register(&record, shown.presented(), NOW).is_ok());
        }
    }
}

#[test]
fn a_first_register_without_a_credential_is_for_development_where_nobody_has_one() {
    for (external, runs_here, development, opens) in [
        (false, false, true, true),
        (false, false, false, false),
        (true, false, true, false),
        (false, true, true, false),
    ] {
        assert_eq!(bootstrap_opens(external, runs_here, development), opens, "{external} {runs_here} {development}");
    }
}
