//! `?q=` of the list of peers.

use platform::{Call, Problem, Result};

/// Longest filter, in characters.
const MAX_CHARS: usize = 200;

/// Which peers are asked for, by a part of their name or role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter(String);

impl Filter {
    /// From `?q=`; blank is no filter.
    pub(crate) fn read(call: &Call) -> Result<Self> {
        Self::new(call.query.get("q").map_or("", String::as_str))
    }

    fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.chars().count() > MAX_CHARS {
            return Err(Problem::bad_request("invalid_query", format!("q must be at most {MAX_CHARS} characters")));
        }
        Ok(Self(text.to_lowercase()))
    }

    /// Whether the name or the role contains it, whatever the case. No role is an empty one.
    pub(crate) fn matches(&self, name: &str, role: Option<&str>) -> bool {
        [name, role.unwrap_or_default()].iter().any(|text| text.to_lowercase().contains(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_name_or_role_in_any_case() {
        for (q, name, role, expected) in [
            ("", "Ada", None, true),
            ("   ", "Ada", Some("research"), true),
            ("ada", "Ada", None, true),
            (" AD ", "Ada", None, true),
            ("search", "Ada", Some("Research lead"), true),
            ("search", "Ada", None, false),
            ("bob", "Ada", Some("research"), false),
            ("ÄRA", "ära", None, true),
            // Name and role are two texts, not one.
            ("a r", "Ada", Some("research"), false),
        ] {
            assert_eq!(Filter::new(q).unwrap().matches(name, role), expected, "{q:?} in {name:?}, {role:?}");
        }
    }

    #[test]
    fn its_length_is_bounded() {
        assert!(Filter::new(&"ä".repeat(200)).is_ok());
        assert_eq!(Filter::new(&"a".repeat(201)).unwrap_err().code, "invalid_query");
    }
}
