//! Names of variables that decide who a runtime is, whom it talks to, and what code it and its commands load. A secret may
//! bear none of them: not when it is stored, and, should one have been stored before its name was reserved, not in the
//! runtime either. Case does not count: some programs read theirs in either.

/// Whole names.
const NAMES: [&str; 17] = [
    "PLATFORM_URL",
    "TIER",
    "PLUGINS_DIR",
    "CONFIGS_DIR",
    "ADMIN_TOKEN",
    "SECRETS_ENCRYPTION_KEY",
    "PATH",
    "HOME",
    "HOSTNAME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "IFS",
    "ENV",
    "BASH_ENV",
    "PYTHONPATH",
];
/// Beginnings of names.
const PREFIXES: [&str; 5] = ["WORKSPACE_", "MOLECULE_", "A2A_", "LD_", "DYLD_"];

/// The name is the platform's own.
pub fn is_reserved(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    NAMES.contains(&upper.as_str()) || PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
}
