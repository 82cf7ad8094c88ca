//! Who sends, and whether they may talk to the target.

use platform::auth::{Bearer, Principal};
use platform::store::{Look, Snapshot};
use platform::{Call, Platform, Problem, Result};
use rules::access::{Party, can_communicate};
use rules::message::{Caller, Message};
use rules::workspace::Workspace;
use rules::{Status, WorkspaceId};

/// A sender that may talk to the target, and what was read of both.
pub(crate) struct Permitted {
    pub(crate) target: WorkspaceId,
    pub(crate) caller: Caller,
    pub(crate) snapshot: Snapshot,
    pub(crate) workspace: Workspace,
}

impl Permitted {
    /// Its sender, its target and operators may see a message; to anybody else it does not exist. An operator in a
    /// workspace's name sees what that workspace sees.
    pub(crate) fn may_see(&self, message: &Message) -> bool {
        match &self.caller {
            Caller::Workspace(id) => *id == message.target || message.caller == self.caller,
            Caller::Admin | Caller::Org(_) => true,
            Caller::System(_) => false,
        }
    }

    /// Its sender and operators may call it off.
    pub(crate) fn may_change(&self, message: &Message) -> bool {
        matches!(self.caller, Caller::Admin | Caller::Org(_)) || message.caller == self.caller
    }
}

/// Authenticates the sender and applies the access rule. `X-Workspace-ID` names the workspace that sends; its own token
/// must come with it, or an operator's, who then acts for it. Without the header an operator sends as such, and a
/// workspace's token as that workspace.
pub(crate) async fn permit(platform: &Platform, call: &Call) -> Result<Permitted> {
    let bearer = platform.bearer(call);
    if bearer == Bearer::None {
        return Err(Problem::no_credential());
    }
    let (named, target) = match (call.named_workspace(), call.workspace_id()) {
        (Ok(named), Ok(target)) => (named, target),
        (Err(problem), _) | (_, Err(problem)) => return Err(platform.to_callers(call, problem).await),
    };
    let look = Look::record().lease().slots().bearer(bearer.digest()).other(named);
    let mut snapshot = platform.store.look(target, &look).await?;
    let principal = platform.principal(&bearer, snapshot.token.as_ref())?;
    let caller = match (&principal, named) {
        (Principal::Workspace(own), Some(named)) if *own != named => {
            return Err(Problem::unauthorized("invalid_caller", "the bearer token is not that of X-Workspace-ID"));
        }
        (Principal::Workspace(own), _) => Caller::Workspace(*own),
        (_, Some(named)) => Caller::Workspace(named),
        (Principal::Org(token), None) => Caller::Org(token.to_string()),
        (Principal::Admin, None) => Caller::Admin,
    };
    if let (Caller::Workspace(id), None) = (&caller, named) {
        snapshot.other = if *id == target { snapshot.workspace.clone() } else { platform.store.workspace(*id).await? };
    }
    let sender = snapshot.other.as_ref();
    if let Principal::Workspace(_) = principal
        && sender.is_none_or(|sender| sender.status == Status::Removed)
    {
        return Err(Problem::bad_credential());
    }
    if let Caller::Workspace(_) = caller {
        let target = snapshot.workspace.as_ref();
        if !can_communicate(sender.map(party).as_ref(), target.map(party).as_ref()) {
            return Err(Problem::forbidden(
                "access_denied",
                "these workspaces may not talk: only itself, siblings, parent and child may",
            ));
        }
    }
    let workspace = snapshot.workspace.clone().ok_or_else(Problem::no_workspace)?;
    if workspace.status == Status::Removed {
        return Err(Problem::gone());
    }
    Ok(Permitted { target, caller, snapshot, workspace })
}

fn party(workspace: &Workspace) -> Party<'_> {
    Party {
        id: workspace.id,
        org: &workspace.org,
        parent: workspace.parent_id,
        removed: workspace.status == Status::Removed,
    }
}
