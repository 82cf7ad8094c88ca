use proptest::prelude::*;
use serde_json::{Value, json};

use super::directory::HOST_DIRECTORIES;
use super::*;

/// The value to store, or what the refusal says.
fn outcome<T: std::fmt::Display>(result: Result<T, FieldError>) -> String {
    result.map_or_else(|refusal| refusal.to_string(), |value| value.to_string())
}

#[test]
fn a_name_is_one_short_line_without_syntax() {
    let too_long = "x".repeat(256);
    let longest = "é".repeat(127) + "x";
    let longest_with_space = format!(" {longest} ");
    let table = [
        ("worker", "worker"),
        ("  worker 7\n", "worker 7"),
        ("Ärger, & so", "name: must not contain any of { } [ ] | > * & !"),
        ("a#b: 'c' <d", "a#b: 'c' <d"),
        ("", "name: must not be empty"),
        (" \t\n", "name: must not be empty"),
        ("a\nb", "name: must be one line without control characters"),
        ("a\rb", "name: must be one line without control characters"),
        ("a\0b", "name: must be one line without control characters"),
        ("\u{1b}[31mred", "name: must be one line without control characters"),
        ("a\u{85}b", "name: must be one line without control characters"),
        ("a\u{2028}b", "name: must be one line without control characters"),
        ("a\u{2029}b", "name: must be one line without control characters"),
        (&longest, &longest),
        (&longest_with_space, &longest),
        (&too_long, "name: must not be longer than 255 bytes"),
    ];
    for (text, expected) in table {
        assert_eq!(outcome(name(text)), expected, "{text:?}");
    }
    for special in SPECIAL {
        assert!(name(&format!("a{special}b")).is_err(), "{special}");
        assert!(role(&format!("a{special}b")).is_err(), "{special}");
    }
}

#[test]
fn labels_have_their_lengths() {
    type Check = fn(&str) -> Result<String, FieldError>;
    let table: [(Check, usize); 4] = [(role, 1000), (runtime, 100), (model, 100), (token_name, 100)];
    for (check, max) in table {
        assert_eq!(check(&"x".repeat(max)), Ok("x".repeat(max)));
        assert!(check(&"x".repeat(max + 1)).is_err());
        assert_eq!(check(" "), Ok(String::new()));
        assert!(check("a\r\nb").is_err());
    }
    assert_eq!(outcome(model("anthropic:claude-opus-4-7")), "anthropic:claude-opus-4-7");
}

#[test]
fn a_directory_is_absolute_and_not_the_hosts() {
    let under = "workspace_dir: must not lie under \
                 /etc, /var, /proc, /sys, /dev, /boot, /sbin, /bin, /lib, /lib64, /usr, /run";
    let table = [
        ("/srv/agents/one", "/srv/agents/one"),
        ("/home/me/", "/home/me"),
        ("//home/./me//x", "/home/me/x"),
        ("/etcetera", "/etcetera"),
        ("/home/etc", "/home/etc"),
        ("/home/a..b", "/home/a..b"),
        ("/home/...", "/home/..."),
        ("/etc", under),
        ("/etc/", under),
        ("//etc/ssl", under),
        ("/./etc", under),
        ("/var/run/docker.sock", under),
        ("/run/docker.sock", under),
        ("/proc/1/root", under),
        ("/usr/local", under),
        ("/lib64", under),
        ("/", "workspace_dir: must not be the root directory"),
        ("/./", "workspace_dir: must not be the root directory"),
        ("", "workspace_dir: must be an absolute path"),
        ("home/me", "workspace_dir: must be an absolute path"),
        ("~/me", "workspace_dir: must be an absolute path"),
        ("/home/../etc", "workspace_dir: must not contain `..`"),
        ("/home/..", "workspace_dir: must not contain `..`"),
        ("/home/me:/etc", "workspace_dir: must not contain `:`"),
        ("/home/\0me", "workspace_dir: must be one line without control characters"),
        ("/home/me\n", "workspace_dir: must be one line without control characters"),
    ];
    for (text, expected) in table {
        assert_eq!(outcome(workspace_dir(text)), expected, "{text:?}");
    }
    assert!(workspace_dir(&format!("/{}", "x".repeat(MAX_PATH_BYTES))).is_err());
}

#[test]
fn access_needs_a_directory() {
    use WorkspaceAccess::{None as NoAccess, ReadOnly, ReadWrite};

    let table = [
        (NoAccess, None, true),
        (NoAccess, Some("/srv/a"), true),
        (ReadOnly, Some("/srv/a"), true),
        (ReadWrite, Some("/srv/a"), true),
        (ReadOnly, None, false),
        (ReadWrite, None, false),
        (ReadWrite, Some(""), false),
    ];
    for (access, dir, allowed) in table {
        assert_eq!(workspace_access(access, dir).is_ok(), allowed, "{access:?} {dir:?}");
    }
    assert_eq!(
        workspace_access(ReadOnly, None).unwrap_err().to_string(),
        "workspace_access: read_only needs a workspace_dir"
    );
    for access in [NoAccess, ReadOnly, ReadWrite] {
        assert_eq!(serde_json::to_value(access).unwrap(), access.as_str());
    }
    assert_eq!(WorkspaceAccess::default(), NoAccess);
}

#[test]
fn numbers_stay_in_their_bounds() {
    for (count, expected) in [(i64::MIN, 1), (-1, 1), (0, 1), (1, 1), (7, 7), (100, 100)] {
        assert_eq!(max_concurrent_tasks(count), Ok(expected));
    }
    for count in [101, 1 << 32, (1 << 32) + 1, i64::MAX] {
        assert!(max_concurrent_tasks(count).is_err(), "{count}");
    }

    assert_eq!(canvas(-1e9, 1e9), Ok((-1e9, 1e9)));
    assert_eq!(canvas(0.0, -12.5), Ok((0.0, -12.5)));
    assert_eq!(canvas(1e-200, f64::MIN_POSITIVE), Ok((0.0, 0.0)));
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.1e9, -1.1e9] {
        assert!(canvas(wrong, 0.0).is_err() && canvas(0.0, wrong).is_err(), "{wrong}");
    }

    assert_eq!(budget_limit(0), Ok(0));
    assert_eq!(budget_limit(i64::MAX), Ok(i64::MAX));
    assert_eq!(outcome(budget_limit(-1)), "budget_limit: must not be negative");

    let rates = [
        (0.0, 0.0),
        (0.25, 0.25),
        (1.0, 1.0),
        (1.5, 1.0),
        (-0.1, 0.0),
        (1e-200, 0.0),
        (f64::INFINITY, 1.0),
        (f64::NEG_INFINITY, 0.0),
    ];
    for (rate, expected) in rates {
        assert_eq!(finite_rate(rate), Ok(expected));
    }
    assert_eq!(outcome(finite_rate(f64::NAN)), "error_rate: must be a number from 0 to 1");
}

/// An object that nests `depth` deep.
fn nested(depth: usize) -> Value {
    (1..depth).fold(json!({}), |inner, level| {
        if level + 1 == depth || level % 2 == 0 { json!({ "x": inner }) } else { json!([inner]) }
    })
}

#[test]
fn a_card_is_an_object_of_bounded_size_and_depth() {
    for wrong in [json!(null), json!([]), json!("card"), json!(1)] {
        assert_eq!(outcome(agent_card(&wrong).map(|()| "")), "agent_card: must be a JSON object");
    }
    assert_eq!(agent_card(&json!({})), Ok(()));
    assert_eq!(agent_card(&json!({ "name": "a", "skills": [{ "id": "s" }] })), Ok(()));

    assert_eq!(agent_card(&nested(MAX_CARD_DEPTH)), Ok(()));
    assert!(agent_card(&nested(MAX_CARD_DEPTH + 1)).is_err());

    let frame = json!({ "x": "" }).to_string().len();
    let card = |bytes: usize| json!({ "x": "y".repeat(bytes - frame) });
    assert_eq!(agent_card(&card(MAX_CARD_BYTES)), Ok(()));
    assert!(agent_card(&card(MAX_CARD_BYTES + 1)).is_err());
}

#[test]
fn depth_counts_arrays_and_objects() {
    let table = [
        (json!(null), 0),
        (json!("[[["), 0),
        (json!({}), 1),
        (json!([1, 2]), 1),
        (json!({ "a": [1], "b": 2 }), 2),
        (json!([{}, [[]], {}]), 3),
    ];
    for (value, depth) in table {
        assert_eq!(json_depth(&value), depth, "{value}");
    }
}

#[test]
fn capped_text_ends_between_characters() {
    let table = [
        ("short", 10, "short"),
        ("exact", 5, "exact"),
        ("longer", 4, "long"),
        ("aé", 2, "a"),
        ("aé", 3, "aé"),
        ("👩‍🚀", 3, ""),
        ("a\u{1b}[0m\r\n\tb\0", 20, "a[0m\n\tb"),
        ("\0\0\0abc", 3, "abc"),
        ("anything", 0, ""),
    ];
    for (text, max, expected) in table {
        assert_eq!(capped(text, max), expected, "{text:?} to {max}");
    }
}

proptest! {
    #[test]
    fn what_is_accepted_is_clean_and_accepted_again(text in "\\s{0,2}(\\PC|[\\x00-\\x20{}|!]){0,80}") {
        for check in [name, role, runtime, model, token_name, workspace_dir] {
            match check(&text) {
                Ok(kept) => {
                    prop_assert!(!kept.chars().any(char::is_control));
                    prop_assert_eq!(check(&kept), Ok(kept));
                }
                Err(refusal) => prop_assert!(!refusal.to_string().chars().any(char::is_control)),
            }
        }
    }

    #[test]
    fn no_spelling_of_a_host_directory_passes(
        directory in prop::sample::select(HOST_DIRECTORIES.to_vec()),
        before in "(/|/\\.){1,4}",
        after in "(/[a-z.]{0,4}){0,3}",
    ) {
        let dir = workspace_dir(&format!("{before}/{directory}{after}"));
        prop_assert!(dir.is_err(), "{:?}", dir);
    }

    #[test]
    fn capped_is_a_prefix_of_the_clean_text(text in ".{0,60}", max in 0_usize..80) {
        let kept = capped(&text, max);
        prop_assert!(kept.len() <= max);
        prop_assert!(capped(&text, usize::MAX).starts_with(&kept));
        // Nothing more would have fitted: a character has at most four bytes.
        prop_assert!(kept.len() + 4 > max || kept == capped(&text, usize::MAX));
    }

    #[test]
    fn a_rate_is_always_between_0_and_1(rate in any::<f64>()) {
        if let Ok(rate) = finite_rate(rate) {
            prop_assert!((0.0..=1.0).contains(&rate));
        }
    }
}
