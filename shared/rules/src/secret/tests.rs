use super::*;

fn record(key: &str, sealed: &str) -> SecretRecord {
    let at = Timestamp::from_millis(1);
    SecretRecord { key: key.to_owned(), sealed: sealed.to_owned(), created_at: at, updated_at: at }
}

#[test]
fn a_key_is_the_name_of_a_variable_that_is_not_the_platforms() {
    for name in ["A", "_", "a1", "OPENAI_API_KEY", "MODEL_PROVIDER", "PATHS", "TIERS", "MY_LD_X", &"k".repeat(128)] {
        assert_eq!(key(name), Ok(name));
    }
    for name in ["", "1A", "A-B", "A B", "A.B", "Ä", "A=", "A\n", "A\0", &"k".repeat(129)] {
        assert_eq!(key(name), Err(SecretRefusal::Key), "{name:?}");
    }
    for name in [
        "WORKSPACE_ID",
        "WORKSPACE_",
        "MOLECULE_URL",
        "PLATFORM_URL",
        "TIER",
        "PATH",
        "HOME",
        "HOSTNAME",
        "LD_PRELOAD",
        "DYLD_INSERT_LIBRARIES",
        "PYTHONPATH",
        "ADMIN_TOKEN",
        "SECRETS_ENCRYPTION_KEY",
        "A2A_SYNC_WAIT_SECONDS",
        "BASH_ENV",
        "path",
        "Workspace_Id",
    ] {
        assert_eq!(key(name), Err(SecretRefusal::Reserved(name.to_owned())));
    }
}

#[test]
fn a_value_is_text_that_a_variable_can_hold() {
    for (text, refused) in [
        ("v", None),
        ("line\nline", None),
        ("", Some(SecretRefusal::Value)),
        ("a\0b", Some(SecretRefusal::Value)),
        (&"v".repeat(MAX_VALUE_BYTES), None),
        (&"v".repeat(MAX_VALUE_BYTES + 1), Some(SecretRefusal::TooLong)),
    ] {
        assert_eq!(value(text).err(), refused, "{} bytes", text.len());
    }
}

#[test]
fn a_scope_is_bounded_by_count_and_by_size() {
    let many: Vec<_> = (0..MAX_SECRETS).map(|n| record(&format!("K{n}"), "s")).collect();
    assert_eq!(room(&many, &record("K0", "other")), Ok(()), "in place of another");
    assert_eq!(room(&many, &record("NEW", "s")), Err(SecretRefusal::TooMany(MAX_SECRETS)));
    assert_eq!(room(&many[1..], &record("NEW", "s")), Ok(()));
    let large = [record("LARGE", &"s".repeat(MAX_STORED_BYTES - 1))];
    assert_eq!(room(&large, &record("NEW", "s")), Ok(()));
    assert_eq!(room(&large, &record("NEW", "ss")), Err(SecretRefusal::TooMuch));
    assert_eq!(room(&large, &record("LARGE", "ss")), Ok(()));
}

#[test]
fn a_workspaces_own_shadow_the_global_ones() {
    let merged = merge([record("A", "global"), record("B", "global")], [record("B", "own"), record("C", "own")]);
    let seen: Vec<_> = merged.iter().map(|(key, (scope, it))| (key.as_str(), *scope, it.sealed.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("A", SecretScope::Global, "global"),
            ("B", SecretScope::Workspace, "own"),
            ("C", SecretScope::Workspace, "own")
        ]
    );
}

#[test]
fn known_values_are_taken_out_of_a_text() {
    for (text, values, left) in [
        ("key is abcdef!", vec![("K", "abcdef")], "key is [REDACTED:K]!"),
        ("short abc", vec![("K", "abc")], "short abc"),
        ("abcdef abcdef", vec![("K", "abcdef")], "[REDACTED:K] [REDACTED:K]"),
        ("abcdefghi abcdef", vec![("S", "abcdef"), ("L", "abcdefghi")], "[REDACTED:L] [REDACTED:S]"),
        ("abcdefghij", vec![("A", "abcdef"), ("B", "defghij")], "[REDACTED:B]"),
        ("aaaaaaaab", vec![("K", "aaaaaa")], "[REDACTED:K]b"),
        ("x REDACTED y", vec![("K", "REDACTED"), ("L", "x REDA")], "[REDACTED:K] y"),
        ("begin line-1\nline-2 end", vec![("K", "line-1\nline-2\n")], "begin [REDACTED:K]\n[REDACTED:K] end"),
        ("ünïcödé-ünïcödé", vec![("K", "ünïcödé")], "[REDACTED:K]-[REDACTED:K]"),
        ("", vec![("K", "abcdef")], ""),
        ("nothing", vec![], "nothing"),
    ] {
        assert_eq!(redact(text, values), left);
    }
}

#[test]
fn the_end_of_a_text_has_no_rest_of_a_value() {
    let values = [("TOKEN", "sk-live-0123456789"), ("QUOTED", "with \"quotes\" in it")];
    for (text, left) in [
        ("live-0123456789 and more", "[REDACTED:TOKEN] and more"),
        ("\u{fffd}0123456789", "[REDACTED:TOKEN]"),
        ("ve-01234", "[REDACTED:TOKEN]"),
        ("56789 is too little of it", "56789 is too little of it"),
        ("a whole sk-live-0123456789", "a whole [REDACTED:TOKEN]"),
        ("0123456789 sk-live-0123456789", "[REDACTED:TOKEN] [REDACTED:TOKEN]"),
        (r#"{"key": "with \"quotes\" in it"}"#, r#"{"key": "[REDACTED:QUOTED]"}"#),
        ("nothing of it", "nothing of it"),
    ] {
        assert_eq!(redact_end(text, values), left, "{text}");
    }
}

#[test]
fn a_key_that_is_stored_again_keeps_the_time_of_the_first() {
    let first = record("K", "s");
    let again =
        SecretRecord { created_at: Timestamp::from_millis(9), updated_at: Timestamp::from_millis(9), ..first.clone() };
    let stored = again.clone().in_place_of(std::slice::from_ref(&first));
    assert_eq!((stored.created_at, stored.updated_at), (first.created_at, again.updated_at));
    assert_eq!(again.clone().in_place_of(&[record("OTHER", "s")]), again);
}

#[test]
fn global_changes_are_for_those_that_the_platform_starts() {
    for status in Status::ALL {
        let mut workspace = crate::fixtures::workspace(status);
        let told = !matches!(status, Status::Removed | Status::Paused);
        assert_eq!(gets_global_changes(&workspace), told, "{status}");
        workspace.runtime = crate::workspace::EXTERNAL_RUNTIME.to_owned();
        assert!(!gets_global_changes(&workspace), "{status}");
    }
}
