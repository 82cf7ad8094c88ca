//! Each function's role allows what its code asks of AWS, and nothing else. The template's policies are compared, both ways,
//! with what the other tests have noted (see `tests::privileges`). What no test drives, and the code can still come to, is
//! listed here by name, in [`UNDRIVEN`]; a name there that some test drives is told, not failed, as races drive what they
//! come to.
//!
//! What code can come to was read off the functions' debug binaries: the linker leaves out what nothing calls, so that
//! `nm -C target/debug/<function> | grep -oE '(Queues|Store|Transaction)>?::[a-z_]+' | sort -u` lists the methods of queues
//! and table that it contains.
//!
//! The notes are of a run of all tests; with few of them, or stale ones, the comparison means nothing. So it is made where
//! `LEAST_PRIVILEGE` is set, as in `.ci/run`, which begins without notes:
//!
//! ```sh
//! rm -rf target/privileges && cargo test --workspace && LEAST_PRIVILEGE=1 cargo test --workspace --test least_privilege
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at what it did not expect")]

use std::collections::BTreeMap;

use tests::policies::{self, Allowed};

/// What functions may ask for on a path that no test takes: a workspace that is removed while somebody sends to it, a message
/// that fails for good in the hands of whoever looks, a restart that the function itself begins.
const UNDRIVEN: [(&str, &[&str]); 18] = [
    ("a2a", &["sqs:ChangeMessageVisibility@workspace", "sqs:SendMessage@dead"]),
    ("a2a-stream", &["sqs:ChangeMessageVisibility@workspace", "sqs:SendMessage@dead"]),
    (
        "delegations",
        &[
            "dynamodb:DeleteItem@table",
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@timers",
            "sqs:TagQueue@workspace",
        ],
    ),
    ("diagnosis", &["dynamodb:UpdateItem@table"]),
    (
        "dispatch",
        &[
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@workspace",
            "sqs:TagQueue@workspace",
        ],
    ),
    (
        "dispatch-vpc",
        &[
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@workspace",
            "sqs:TagQueue@workspace",
        ],
    ),
    ("health", &["dynamodb:UpdateItem@table"]),
    (
        "heartbeat",
        &[
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@provision",
            "sqs:SendMessage@workspace",
            "sqs:TagQueue@workspace",
        ],
    ),
    ("inbox", &["dynamodb:Query@index", "dynamodb:Query@table"]),
    ("lifecycle", &["sqs:DeleteQueue@workspace"]),
    ("provision", &["sqs:DeleteQueue@workspace"]),
    (
        "queue",
        &[
            "sqs:ChangeMessageVisibility@workspace",
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@dead",
            "sqs:TagQueue@workspace",
        ],
    ),
    ("register", &["sqs:SendMessage@provision"]),
    (
        "schedules",
        &[
            "sqs:ChangeMessageVisibility@workspace",
            "sqs:CreateQueue@workspace",
            "sqs:DeleteMessage@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@dead",
            "sqs:SendMessage@provision",
            "sqs:TagQueue@workspace",
        ],
    ),
    ("sweep", &["sqs:CreateQueue@workspace", "sqs:DeleteQueue@workspace", "sqs:TagQueue@workspace"]),
    ("task-state", &["dynamodb:GetItem@table", "sqs:SendMessage@timers"]),
    (
        "tick",
        &[
            "dynamodb:DeleteItem@table",
            "dynamodb:Query@table",
            "sqs:ChangeMessageVisibility@workspace",
            "sqs:CreateQueue@workspace",
            "sqs:DeleteMessage@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@dead",
            "sqs:SendMessage@provision",
            "sqs:TagQueue@workspace",
        ],
    ),
    (
        "timers",
        &[
            "dynamodb:DeleteItem@table",
            "sqs:ChangeMessageVisibility@workspace",
            "sqs:CreateQueue@workspace",
            "sqs:DeleteQueue@workspace",
            "sqs:SendMessage@dead",
            "sqs:TagQueue@workspace",
        ],
    ),
];

/// What each function asked for in the run of the tests.
fn noted() -> BTreeMap<String, Allowed> {
    let Ok(folders) = std::fs::read_dir(tests::privileges::folder()) else { return BTreeMap::new() };
    let names = |path: std::path::PathBuf| {
        std::fs::read_dir(path).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    folders
        .map(|folder| folder.unwrap())
        .map(|folder| (folder.file_name().into_string().unwrap(), names(folder.path())))
        .collect()
}

#[test]
fn every_role_allows_what_its_function_asks_for() {
    if std::env::var_os("LEAST_PRIVILEGE").is_none() {
        println!("NOT CHECKED: set LEAST_PRIVILEGE after a run of all tests, see the top of this file");
        return;
    }
    let (policies, mut noted) = (policies::of_functions(), noted());
    // A stream is followed by the same code as answers a call; the tests hand both to the one or to the other.
    let both: Allowed = ["a2a", "a2a-stream"].iter().flat_map(|name| noted.remove(*name).unwrap_or_default()).collect();
    noted.insert("a2a".to_owned(), both.clone());
    noted.insert("a2a-stream".to_owned(), both);
    // The same drains, and in their own network they forward nothing.
    let mut drains = noted.remove("dispatch").unwrap_or_default();
    drains.extend(noted.remove("dispatch-vpc").unwrap_or_default());
    noted.insert("dispatch".to_owned(), drains.clone());
    drains.retain(|note| !note.ends_with("@dispatch-vpc"));
    noted.insert("dispatch-vpc".to_owned(), drains);

    let undriven: BTreeMap<&str, &[&str]> = UNDRIVEN.into_iter().collect();
    let mut wrong = String::new();
    for (function, allowed) in policies {
        let asked = noted.remove(&function).unwrap_or_default();
        let listed: Allowed =
            undriven.get(function.as_str()).into_iter().copied().flatten().map(|name| (*name).to_owned()).collect();
        for name in asked.intersection(&listed) {
            println!("{function} was seen to ask for {name}; it need not be in UNDRIVEN");
        }
        for name in asked.union(&listed).filter(|name| !allowed.contains(*name)) {
            wrong += &format!("{function} asks for {name}, which its role does not allow\n");
        }
        for name in allowed.iter().filter(|name| !asked.contains(*name) && !listed.contains(*name)) {
            wrong += &format!("{function}'s role allows {name}, which it does not ask for\n");
        }
    }
    for function in noted.into_keys() {
        wrong += &format!("the template has no function {function}\n");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_role_is_read_with_its_managed_and_its_own_policies() {
    let policies = policies::of_functions();
    assert!(policies["heartbeat"].contains("dynamodb:UpdateItem@table"), "{:?}", policies["heartbeat"]);
    assert!(policies["dispatch"].contains("sqs:ReceiveMessage@workspace"), "{:?}", policies["dispatch"]);
    assert!(!policies["dispatch"].contains("sqs:ReceiveMessage@dispatch"), "Lambda's own part is not the code's");
    assert!(policies["health"].contains("dynamodb:GetItem@table"), "{:?}", policies["health"]);
}
