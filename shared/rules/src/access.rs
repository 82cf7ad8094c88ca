//! Who may talk to whom: itself, its siblings, its parent, its children. Nothing else, and not grandparents.

use crate::id::WorkspaceId;
use crate::status::Status;
use crate::workspace::Workspace;

/// What the rule needs to know of one end. The store's row of a workspace gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party<'a> {
    /// The workspace.
    pub id: WorkspaceId,
    /// The org that owns it.
    pub org: &'a str,
    /// Its parent in the tree; a root has none.
    pub parent: Option<WorkspaceId>,
    /// Deleted: the row is still there, the right to talk is not.
    pub removed: bool,
}

impl<'a> From<&'a Workspace> for Party<'a> {
    fn from(workspace: &'a Workspace) -> Self {
        Self {
            id: workspace.id,
            org: &workspace.org,
            parent: workspace.parent_id,
            removed: workspace.status == Status::Removed,
        }
    }
}

/// What the target is to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The caller itself.
    Own,
    /// Has the same parent, or both are roots of one org.
    Sibling,
    /// The caller's parent.
    Parent,
    /// The caller's child.
    Child,
}

/// What `target` is to `caller`, or `None` if they have nothing to do with each other. An end is `None` when no
/// workspace has that id: the unknown may not even talk to itself.
pub fn relation(caller: Option<&Party<'_>>, target: Option<&Party<'_>>) -> Option<Relation> {
    let (caller, target) = (caller?, target?);
    if caller.removed || target.removed || caller.org != target.org {
        return None;
    }
    if caller.id == target.id {
        Some(Relation::Own)
    } else if caller.parent == Some(target.id) {
        Some(Relation::Parent)
    } else if target.parent == Some(caller.id) {
        Some(Relation::Child)
    } else if caller.parent == target.parent {
        Some(Relation::Sibling)
    } else {
        None
    }
}

/// Whether `caller` may send to `target`. Symmetric: whoever may ask may be answered.
pub fn can_communicate(caller: Option<&Party<'_>>, target: Option<&Party<'_>>) -> bool {
    relation(caller, target).is_some()
}

/// What a caller gets to hear of a target that it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sight {
    /// Nothing, not even whether there is one.
    Denied,
    /// That it was deleted: its relatives must learn to stop asking.
    Removed,
    /// Everything that peers hear.
    Seen(Relation),
}

/// What `caller` gets to hear of `target`. A stranger hears the same of the unknown, the deleted and the living.
pub fn sight(caller: Option<&Party<'_>>, target: Option<&Party<'_>>) -> Sight {
    if let Some(relation) = relation(caller, target) {
        return Sight::Seen(relation);
    }
    let before_deletion = target.map(|target| Party { removed: false, ..*target });
    match relation(caller, before_deletion.as_ref()) {
        Some(_) => Sight::Removed,
        None => Sight::Denied,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> WorkspaceId {
        WorkspaceId::new(Uuid::from_u128(number))
    }

    /// Two roots of one org, a tree of four levels under the first, a removed child of A, a root and its child in
    /// another org, and two workspaces that are each other's parent.
    ///
    /// ```text
    /// R1 ─┬─ A ─┬─ A1 ── L        R2        F ── FA        P ⇄ Q
    ///     │     ├─ A2
    ///     │     └─ X (removed)
    ///     └─ B ─── B1
    /// ```
    fn party(name: &str) -> Option<Party<'static>> {
        const NAMES: [&str; 13] = ["R1", "R2", "A", "B", "A1", "A2", "B1", "L", "X", "F", "FA", "P", "Q"];
        let place = |name: &str| NAMES.iter().position(|known| *known == name);
        let parent = match name {
            "A" | "B" => Some("R1"),
            "A1" | "A2" | "X" => Some("A"),
            "B1" => Some("B"),
            "L" => Some("A1"),
            "FA" => Some("F"),
            "P" => Some("Q"),
            "Q" => Some("P"),
            _ => None,
        };
        Some(Party {
            id: id(place(name)? as u128),
            org: if matches!(name, "F" | "FA") { "foreign" } else { "home" },
            parent: parent.and_then(place).map(|place| id(place as u128)),
            removed: name == "X",
        })
    }

    #[test]
    fn only_self_siblings_parent_and_child_may_talk() {
        use Relation::{Child, Own, Parent, Sibling};

        let table = [
            ("A", "A", Some(Own)),
            ("R1", "R2", Some(Sibling)),
            ("A", "B", Some(Sibling)),
            ("A1", "A2", Some(Sibling)),
            ("R1", "A", Some(Child)),
            ("A", "R1", Some(Parent)),
            ("A1", "A", Some(Parent)),
            ("A1", "L", Some(Child)),
            // Cousins, uncles, and the roots of others.
            ("A1", "B1", None),
            ("A1", "B", None),
            ("A1", "R2", None),
            ("A", "R2", None),
            // Grandparents and beyond.
            ("R1", "A1", None),
            ("A1", "R1", None),
            ("L", "A", None),
            ("L", "R1", None),
            // The unknown, even to itself.
            ("missing", "A", None),
            ("A", "missing", None),
            ("missing", "missing", None),
            // The removed, even to itself.
            ("A1", "X", None),
            ("X", "A1", None),
            ("A", "X", None),
            ("X", "A", None),
            ("X", "X", None),
            // Another org: its roots are not our siblings.
            ("R1", "F", None),
            ("R1", "FA", None),
            ("F", "FA", Some(Child)),
            // A cycle ends, and gives nothing to those outside it.
            ("A", "P", None),
            ("R1", "Q", None),
            ("P", "A", None),
            ("P", "Q", Some(Parent)),
            // A name that is no workspace's, such as one from a header.
            ("system:x", "A", None),
        ];
        for (caller, target, expected) in table {
            let (from, to) = (party(caller), party(target));
            assert_eq!(relation(from.as_ref(), to.as_ref()), expected, "{caller} to {target}");
            assert_eq!(can_communicate(from.as_ref(), to.as_ref()), expected.is_some(), "{caller} to {target}");
        }
    }

    #[test]
    fn relatives_hear_of_a_deletion_and_strangers_of_nothing() {
        for (caller, target, expected) in [
            ("A1", "A2", Sight::Seen(Relation::Sibling)),
            ("A", "A", Sight::Seen(Relation::Own)),
            ("A1", "X", Sight::Removed),
            ("A", "X", Sight::Removed),
            ("B1", "X", Sight::Denied),
            ("F", "X", Sight::Denied),
            ("B1", "A1", Sight::Denied),
            ("A", "missing", Sight::Denied),
            ("missing", "A", Sight::Denied),
            ("X", "A", Sight::Denied),
            ("X", "X", Sight::Denied),
        ] {
            let (from, to) = (party(caller), party(target));
            assert_eq!(sight(from.as_ref(), to.as_ref()), expected, "{caller} of {target}");
        }
    }

    #[test]
    fn a_parent_in_another_org_is_a_stranger() {
        let parent = Party { id: id(1), org: "home", parent: None, removed: false };
        let child = Party { id: id(2), org: "foreign", parent: Some(id(1)), removed: false };
        assert!(!can_communicate(Some(&parent), Some(&child)));
        assert!(!can_communicate(Some(&child), Some(&parent)));
    }

    /// The five cases as the documentation lists them, each on its own and without regard to the order of the code.
    fn five_cases(caller: Option<&Party<'_>>, target: Option<&Party<'_>>) -> bool {
        let (Some(caller), Some(target)) = (caller, target) else {
            return false;
        };
        let itself = caller.id == target.id;
        let siblings = match (caller.parent, target.parent) {
            (Some(one), Some(other)) => one == other,
            _ => false,
        };
        let root_siblings = caller.parent.is_none() && target.parent.is_none();
        let parent_to_child = target.parent.is_some_and(|parent| parent == caller.id);
        let child_to_parent = caller.parent.is_some_and(|parent| parent == target.id);
        let related = [itself, siblings, root_siblings, parent_to_child, child_to_parent];
        !caller.removed && !target.removed && caller.org == target.org && related.into_iter().any(|holds| holds)
    }

    /// A forest with removed nodes, two orgs, and parents drawn from all nodes, so that cycles occur.
    fn forest() -> impl Strategy<Value = Vec<Party<'static>>> {
        let node = (any::<bool>(), prop::option::weighted(0.8, 0..12_u128), prop::bool::weighted(0.15));
        prop::collection::vec(node, 1..12).prop_map(|nodes| {
            let count = nodes.len() as u128;
            let party = |(place, (home, parent, removed)): (usize, (bool, Option<u128>, bool))| Party {
                id: id(place as u128),
                org: if home { "home" } else { "foreign" },
                parent: parent.map(|parent| id(parent % count)),
                removed,
            };
            nodes.into_iter().enumerate().map(party).collect()
        })
    }

    proptest! {
        #[test]
        fn in_any_forest_the_rule_is_the_five_cases_and_symmetric(parties in forest()) {
            let ends: Vec<_> = parties.iter().map(Some).chain([None]).collect();
            for caller in &ends {
                for target in &ends {
                    let allowed = can_communicate(*caller, *target);
                    prop_assert_eq!(allowed, five_cases(*caller, *target));
                    prop_assert_eq!(allowed, can_communicate(*target, *caller));
                }
            }
        }
    }
}
