//! What a permitted register does about tokens, in the transaction of the register.

use platform::Platform;
use platform::decide::Fault;
use platform::store::{Snapshot, Transaction};
use rules::credential::{Grant, Token, TokenKind};
use rules::event::{Event, EventType};
use rules::lease::Lease;
use rules::workspace::Workspace;
use serde_json::json;

/// The tokens after the grant.
pub(crate) struct Settled<'a> {
    pub(crate) transaction: Transaction<'a>,
    /// Shown once, in the answer.
    pub(crate) issued: Option<String>,
    pub(crate) events: Vec<Event>,
}

/// Carries the grant out: the lease ends up with the digests that may renew it, and no revoked one.
pub(crate) async fn carry_out<'a>(
    platform: &'a Platform,
    grant: Grant,
    snapshot: &Snapshot,
    workspace: &Workspace,
    lease: &mut Lease,
    transaction: Transaction<'a>,
) -> Result<Settled<'a>, Fault> {
    if grant == Grant::Keep {
        let Some(token) = &snapshot.token else { return Ok(Settled { transaction, issued: None, events: Vec::new() }) };
        lease.admit(&token.digest, token.generation);
        return Ok(Settled { transaction: transaction.check_token(token), issued: None, events: Vec::new() });
    }
    let revoked = match grant {
        Grant::Exchange => exchanged_before(platform, snapshot).await?,
        Grant::Reset => {
            let tokens = platform.store.tokens_of(workspace.id).await?;
            tokens.into_iter().filter(|token| token.kind == TokenKind::Instance).collect()
        }
        Grant::First | Grant::Keep => Vec::new(),
    };
    let (secret, token) = platform.new_instance_token(workspace, "register");
    let mut transaction = transaction.issue_token(&token);
    let mut events = vec![Event::new(EventType::TokenIssued, json!({ "token_id": token.id, "kind": token.kind }))];
    for old in &revoked {
        lease.digests.remove(&old.digest);
        transaction = transaction.revoke_token(old, platform.now());
        events.push(Event::new(EventType::TokenRevoked, json!({ "token_id": old.id, "kind": old.kind })));
    }
    if let Some(boot) = &snapshot.boot {
        transaction = transaction.exchange_boot(boot, &token.digest);
    }
    lease.admit(&token.digest, token.generation);
    Ok(Settled { transaction, issued: Some(secret), events })
}

/// The token that the boot credential was exchanged for before, if it still lives.
async fn exchanged_before(platform: &Platform, snapshot: &Snapshot) -> Result<Vec<Token>, Fault> {
    let Some(digest) = snapshot.boot.as_ref().and_then(|boot| boot.exchanged_for.as_deref()) else {
        return Ok(Vec::new());
    };
    let before = platform.store.token(digest).await?;
    Ok(before.into_iter().filter(Token::is_live).collect())
}
