//! The README says what the code does.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at what it did not expect")]

use std::fs;
use std::path::Path;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("README.md")).unwrap()
}

#[test]
fn every_variable_is_in_the_table_with_its_default_and_meaning() {
    let readme = readme();
    let table: Vec<&str> = readme
        .split("## Environment variables")
        .nth(1)
        .unwrap()
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let mut expected = Vec::new();
    for variable in local::options::VARIABLES.iter().chain(platform::config::VARIABLES) {
        let default = if variable.default.is_empty() { String::new() } else { format!("`{}`", variable.default) };
        expected.push(format!("| `{}` | {default} | {} |", variable.name, variable.doc));
    }
    assert_eq!(table, expected, "the README's table and the code differ");
}

#[test]
fn every_route_is_in_the_api_table() {
    let readme = readme();
    let table = readme.split("## API at a glance").nth(1).unwrap().split("\n## ").next().unwrap();
    for (_, handler) in local::functions::all() {
        let local::handler::Handler::Http { keys, .. } = handler else { continue };
        for key in keys {
            let (_, path) = key.split_once(' ').unwrap();
            let shortened = path.rsplit_once("/{token_id}").map_or(path, |(front, _)| front);
            assert!(table.contains(shortened), "{key} is not in the README");
        }
    }
}

#[test]
fn the_bill_is_the_computed_one() {
    let table = tests::cost::table();
    assert!(readme().contains(&table), "the README's bill should read (cargo run -p tests --example cost):\n{table}");
}

#[test]
fn every_metric_is_explained() {
    let source = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("shared/platform/src/measures.rs"),
    );
    let source = source.unwrap();
    let names: Vec<&str> =
        source.split('"').filter(|text| text.starts_with("molecule_") && !text.contains(' ')).collect();
    assert!(names.len() >= 7, "{names:?}");
    for name in names {
        assert!(readme().contains(&format!("`{name}")), "{name} is not in the README");
    }
}
