//! The team of a workspace: the sub-workspaces that an operator gave it, which an expand makes and a collapse removes. The
//! record holds which workspace is which member, so that an expand that is repeated, or runs twice at once, makes each
//! member once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::field::FieldError;
use crate::id::WorkspaceId;
use crate::tier::Tier;

/// The largest team.
pub const MAX_MEMBERS: usize = 20;
/// The most bytes of a team as stored: it lies in the record, which every message's way reads.
const MAX_BYTES: usize = 16 * 1024;

/// One sub-workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name, the only one of that name in the team.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Isolation and size; none is that of the workspace above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Which agent software; none is that of the workspace above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// Which model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The command of a turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// How many turns may run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrent_tasks: Option<u32>,
    /// Idle for so many minutes, it is hibernated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hibernation_idle_minutes: Option<u32>,
    /// The workspace that is this member now, or was until it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<WorkspaceId>,
}

/// Checks a team as a whole.
///
/// # Errors
/// Empty, too large, or two members of one name.
pub fn check(team: &[Member]) -> Result<(), FieldError> {
    let refuse = |problem: String| Err(FieldError::new("sub_workspaces", problem));
    if team.is_empty() || team.len() > MAX_MEMBERS {
        return refuse(format!("must name 1 to {MAX_MEMBERS} sub-workspaces"));
    }
    let mut names = BTreeSet::new();
    if !team.iter().all(|member| names.insert(member.name.as_str())) {
        return refuse("two of them have the same name".to_owned());
    }
    if serde_json::to_vec(team).map_or(usize::MAX, |stored| stored.len()) > MAX_BYTES {
        return refuse(format!("must not be longer than {} KiB in all; shorten roles and commands", MAX_BYTES / 1024));
    }
    Ok(())
}

/// A new team in the place of an old one: members of the same name stay who they are.
pub fn renewed(old: &[Member], new: Vec<Member>) -> Vec<Member> {
    let known = |name: &str| old.iter().find(|member| member.name == name).and_then(|member| member.id);
    new.into_iter().map(|member| Member { id: known(&member.name), ..member }).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn member(name: &str) -> Member {
        serde_json::from_value(serde_json::json!({ "name": name })).unwrap()
    }

    #[test]
    fn a_team_has_members_of_different_names_and_a_size() {
        assert!(check(&[member("a"), member("b")]).is_ok());
        for (team, told) in [
            (vec![], "1 to 20"),
            ((0..21).map(|number| member(&number.to_string())).collect(), "1 to 20"),
            (vec![member("a"), member("b"), member("a")], "same name"),
            ((0..5).map(|n| Member { command: Some("x".repeat(4000)), ..member(&n.to_string()) }).collect(), "16 KiB"),
        ] {
            let error = check(&team).unwrap_err().to_string();
            assert!(error.starts_with("sub_workspaces: ") && error.contains(told), "{error}");
        }
    }

    #[test]
    fn members_of_the_same_name_stay_who_they_are() {
        let id = WorkspaceId::new(Uuid::from_u128(7));
        let old = [Member { id: Some(id), ..member("a") }, member("b")];
        let new = Member { role: Some("new".to_owned()), ..member("a") };
        let team = renewed(&old, vec![new, member("c")]);
        assert_eq!(team[0].id, Some(id));
        assert_eq!(team[0].role.as_deref(), Some("new"));
        assert_eq!(team[1].id, None);
    }
}
