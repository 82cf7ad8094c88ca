//! Message groups: order within a group, one consumer for a group at a time, and no group before its turn.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::backlog::Picking;

/// The groups of a FIFO queue.
///
/// A group that has a receivable message stands in `turn` once. A receive takes the group at the front, as many
/// messages from it as it wants, and then goes on to the next; the group is locked while any of its messages is in
/// flight and goes to the end when it is free again. So groups are served in rotation, whatever their names, and a
/// receive never looks at a group that has nothing for it, but for one whose messages went after it had lined up.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: HashMap<Arc<str>, Lane>,
    turn: VecDeque<Arc<str>>,
}

#[derive(Debug, Default)]
struct Lane {
    /// The messages that are not in flight in order of their numbers, and whether each is receivable (not delayed).
    waiting: BTreeMap<u64, bool>,
    in_flight: usize,
    lined_up: bool,
}

impl Lane {
    /// A delayed message at the head holds up the ones behind it: order comes first.
    fn head(&self) -> Option<u64> {
        self.waiting.first_key_value().and_then(|(message, receivable)| receivable.then_some(*message))
    }

    fn open(&self) -> bool {
        self.in_flight == 0 && self.head().is_some()
    }
}

impl Lanes {
    pub(super) fn arrive(&mut self, message: u64, group: &Arc<str>, receivable: bool) -> bool {
        self.lanes.entry(Arc::clone(group)).or_default().waiting.insert(message, receivable);
        self.settle(group)
    }

    pub(super) fn due(&mut self, message: u64, group: &Arc<str>) -> bool {
        self.change(group, |lane| {
            lane.waiting.insert(message, true);
        })
    }

    pub(super) fn come_back(&mut self, message: u64, group: &Arc<str>) -> bool {
        self.change(group, |lane| {
            lane.waiting.insert(message, true);
            lane.in_flight -= 1;
        })
    }

    pub(super) fn leave(&mut self, message: u64, group: &Arc<str>) -> bool {
        self.change(group, |lane| {
            lane.waiting.remove(&message);
        })
    }

    pub(super) fn land(&mut self, group: &Arc<str>) -> bool {
        self.change(group, |lane| lane.in_flight -= 1)
    }

    pub(super) fn take(&mut self, picking: &mut Picking) -> Option<u64> {
        if let Some(message) = picking.lane.as_ref().and_then(|group| self.take_head(group)) {
            return Some(message);
        }
        while let Some(group) = self.turn.pop_front() {
            let open = self.lanes.get_mut(&group).is_some_and(|lane| {
                lane.lined_up = false;
                lane.open()
            });
            if open {
                let message = self.take_head(&group);
                picking.lane = Some(group);
                return message;
            }
            self.settle(&group);
        }
        None
    }

    fn take_head(&mut self, group: &Arc<str>) -> Option<u64> {
        let lane = self.lanes.get_mut(group)?;
        let message = lane.head()?;
        lane.waiting.remove(&message);
        lane.in_flight += 1;
        Some(message)
    }

    fn change(&mut self, group: &Arc<str>, change: impl FnOnce(&mut Lane)) -> bool {
        if let Some(lane) = self.lanes.get_mut(group) {
            change(lane);
        }
        self.settle(group)
    }

    /// Lines the group up if it is open, forgets it if it is empty. Says whether it is newly in line.
    fn settle(&mut self, group: &Arc<str>) -> bool {
        let Some(lane) = self.lanes.get_mut(group) else { return false };
        if lane.open() && !lane.lined_up {
            lane.lined_up = true;
            self.turn.push_back(Arc::clone(group));
            return true;
        }
        if lane.waiting.is_empty() && lane.in_flight == 0 && !lane.lined_up {
            self.lanes.remove(group);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arc(group: &str) -> Arc<str> {
        group.into()
    }

    #[test]
    fn groups_take_turns_and_a_group_in_flight_is_passed_over() {
        let mut lanes = Lanes::default();
        for (message, group) in [(1, "a"), (2, "a"), (3, "b"), (4, "c")] {
            lanes.arrive(message, &arc(group), true);
        }
        let first = lanes.take(&mut Picking::default());
        let second = lanes.take(&mut Picking::default());
        assert_eq!((first, second), (Some(1), Some(3)));
        assert!(lanes.land(&arc("a")), "a is free again and goes behind c");
        assert_eq!(lanes.take(&mut Picking::default()), Some(4));
        assert_eq!(lanes.take(&mut Picking::default()), Some(2));
        assert_eq!(lanes.take(&mut Picking::default()), None);
    }

    #[test]
    fn a_message_that_comes_back_is_first_in_its_group() {
        let mut lanes = Lanes::default();
        lanes.arrive(1, &arc("a"), true);
        lanes.arrive(2, &arc("a"), true);
        let mut picking = Picking::default();
        assert_eq!((lanes.take(&mut picking), lanes.take(&mut picking)), (Some(1), Some(2)));
        assert!(!lanes.come_back(1, &arc("a")), "2 is still in flight");
        assert!(lanes.come_back(2, &arc("a")));
        assert_eq!(lanes.take(&mut Picking::default()), Some(1));
    }

    #[test]
    fn empty_groups_are_forgotten() {
        let mut lanes = Lanes::default();
        lanes.arrive(1, &arc("a"), true);
        lanes.arrive(2, &arc("b"), false);
        lanes.take(&mut Picking::default());
        lanes.land(&arc("a"));
        lanes.leave(2, &arc("b"));
        assert!(lanes.lanes.is_empty() && lanes.turn.is_empty());
    }
}
