//! A string that must not be shown: the bearer token, and the secret that the platform calls us with.

use std::{convert::Infallible, fmt, str::FromStr};

use subtle::ConstantTimeEq;

/// A credential. Its `Debug` form hides it, so that no log line can carry it by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The credential itself, for the header or the file that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it, as in a variable that was set to the empty string.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in constant time, so that the time of a refusal tells nothing about the right value.
    pub fn matches(&self, offered: &str) -> bool {
        self.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(value: &str) -> Result<Self, Infallible> {
        Ok(Self(value.trim().to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_hides_the_value() {
        let secret = Secret::from("s3cret".to_owned());
        assert!(!format!("{secret:?}").contains("s3cret"));
        assert!(secret.matches("s3cret"));
        assert!(!secret.matches("s3cre"));
    }
}
