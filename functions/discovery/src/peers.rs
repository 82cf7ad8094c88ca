//! `GET /registry/{id}/peers`: everyone that a workspace may talk to.

use platform::http::{base_url, hub_url};
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::access::{Party, Relation, relation};
use rules::card::hub_card;
use rules::lease::Lease;
use rules::liveness::effective;
use rules::workspace::Workspace;
use rules::{Status, Timestamp};
use serde_json::{Value, json};

use crate::filter::Filter;
use crate::openapi;

/// Takes `?q=`, a part of name or role; answers the workspace itself and operators with 200 and an array, siblings first,
/// then children, then the parent: `[{"id","name","role","tier","status","url","parent_id","active_tasks","agent_card"}]`.
/// `url` is the hub's; `role`, `parent_id` and `agent_card` may be null.
///
/// # Errors
/// 400 a bad id or a `q` of over 200 characters; 401; 403 `not_your_workspace`; 404 unknown, told to operators; 410 removed.
#[utoipa::path(
    get,
    path = "/registry/{id}/peers",
    operation_id = "list_peers",
    params(("q" = Option<String>, Query, description = "A part of name or role", max_length = 200)),
    responses(
        (status = 200, description = "Siblings, children, parent", body = Vec<openapi::Relative>),
        Refusals<400, 401, 403, 404, 410, 503>,
    ),
    security(("operator" = []), ("workspace" = [])),
)]
pub(crate) async fn peers(platform: Platform, call: Call) -> Result<Reply> {
    let (_, _, seen) = platform.operator_or_self(&call, Look::record()).await?;
    let filter = Filter::read(&call)?;
    let own = seen.workspace.ok_or_else(Problem::no_workspace)?;
    if own.status == Status::Removed {
        return Err(Problem::gone());
    }
    let mut found = relatives(&platform, &own).await?;
    found.retain(|(_, peer, _)| filter.matches(&peer.name, peer.role.as_deref()));
    let (base, now) = (base_url(&call, &platform.config), platform.now());
    let shown: Vec<Value> = found.iter().map(|(_, peer, lease)| item(peer, lease.as_ref(), &base, now)).collect();
    Ok(Reply::ok(&shown))
}

type Relative = (Relation, Workspace, Option<Lease>);

/// Siblings, children and parent. The index says where to look; whether they are relatives is the rule's to say, on the
/// records, because the index lags behind moves and deletions.
async fn relatives(platform: &Platform, own: &Workspace) -> Result<Vec<Relative>> {
    let (siblings, children) = tokio::try_join!(
        platform.store.children(&own.org, own.parent_id),
        platform.store.children(&own.org, Some(own.id)),
    )?;
    let mut ids: Vec<_> = siblings.into_iter().chain(children).chain(own.parent_id).collect();
    let mut known = std::collections::HashSet::from([own.id]);
    ids.retain(|id| known.insert(*id));
    let records = platform.store.look_many(&ids).await?.found;
    Ok(related(own, records))
}

fn related(own: &Workspace, records: Vec<(Workspace, Option<Lease>)>) -> Vec<Relative> {
    let me = Party::from(own);
    let mut relatives: Vec<Relative> = records
        .into_iter()
        .filter_map(|(peer, lease)| Some((relation(Some(&me), Some(&Party::from(&peer)))?, peer, lease)))
        .collect();
    relatives.sort_by_key(|(relation, _, _)| match relation {
        Relation::Own | Relation::Sibling => 0,
        Relation::Child => 1,
        Relation::Parent => 2,
    });
    relatives
}

fn item(peer: &Workspace, lease: Option<&Lease>, base: &str, now: Timestamp) -> Value {
    let status = effective(peer, lease, now).status;
    let live = lease.filter(|_| status.is_live());
    let url = hub_url(base, peer.id);
    json!({
        "id": peer.id,
        "name": peer.name,
        "role": peer.role,
        "tier": peer.tier,
        "status": status,
        "url": url,
        "parent_id": peer.parent_id,
        "active_tasks": live.map_or(0, |lease| lease.beat.active_tasks),
        // As `GET …/.well-known/agent-card.json` has it: the agent's own address is nobody's business.
        "agent_card": peer.agent_card.as_ref().map(|_| hub_card(peer, &url)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(id: u8, parent: Option<u8>, status: &str) -> Workspace {
        let uuid = |id: u8| format!("00000000-0000-4000-8000-0000000000{id:02}");
        serde_json::from_value(json!({
            "id": uuid(id), "org": "home", "version": 1, "name": format!("w{id}"), "tier": 2, "status": status,
            "status_since": 0, "parent_id": parent.map(uuid), "runtime": "external",
            "delivery": { "mode": "push", "explicit": false }, "url": "https://secret.example", "max_concurrent_tasks": 1,
            "generation": 0, "inbound_secret": "s", "created_at": 0, "updated_at": 0,
        }))
        .unwrap()
    }

    #[test]
    fn siblings_then_children_then_the_parent_and_nobody_else() {
        let own = workspace(1, Some(9), "online");
        let records = [
            workspace(9, None, "online"),
            workspace(4, Some(1), "offline"),
            workspace(2, Some(9), "online"),
            workspace(5, Some(1), "removed"),
            workspace(3, Some(9), "paused"),
            // The index still had it here after it moved under its sibling.
            workspace(6, Some(2), "online"),
        ];
        let found = related(&own, records.into_iter().map(|record| (record, None)).collect());
        let names: Vec<_> = found.iter().map(|(_, peer, _)| peer.name.as_str()).collect();
        assert_eq!(names, ["w2", "w3", "w4", "w9"]);
    }

    #[test]
    fn an_item_shows_the_hub_and_the_true_status() {
        let peer = workspace(2, None, "online");
        let shown = item(&peer, None, "https://hub.example", Timestamp::from_millis(1));
        let expected = json!({
            "id": peer.id, "name": "w2", "role": null, "tier": 2, "status": "offline",
            "url": format!("https://hub.example/workspaces/{}/a2a", peer.id),
            "parent_id": null, "active_tasks": 0, "agent_card": null,
        });
        assert_eq!(shown, expected);
    }
}
