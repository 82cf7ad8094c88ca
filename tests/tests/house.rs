//! The house and its rules: who may depend on whom, and one place for every version.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at what it did not expect")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Dependencies of a package by the header of their section, as written in its manifest.
fn dependencies(manifest: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(manifest).unwrap();
    let mut section = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']').to_owned();
        } else if section.ends_with("dependencies")
            && let Some((name, value)) = line.split_once('=')
        {
            let name = name.trim().trim_end_matches(".workspace").to_owned();
            assert!(
                value.contains("true") && (line.contains(".workspace") || value.contains("workspace = true")),
                "{}: {name} must take its version from the workspace",
                manifest.display()
            );
            found.push((section.clone(), name));
        }
    }
    found
}

fn packages(folder: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut packages = BTreeMap::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.join("Cargo.toml").exists() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            packages.insert(name, dependencies(&path.join("Cargo.toml")));
        }
    }
    packages
}

fn names(dependencies: &[(String, String)]) -> impl Iterator<Item = &str> {
    dependencies.iter().map(|(_, name)| name.as_str())
}

#[test]
fn functions_depend_on_rules_and_platform_and_never_on_each_other() {
    let functions = packages("functions");
    assert!(functions.len() >= 11, "functions found: {:?}", functions.keys());
    for (function, dependencies) in &functions {
        for dependency in names(dependencies) {
            assert!(!functions.contains_key(dependency), "function {function} depends on function {dependency}");
            assert!(
                !["local", "workspace-runtime", "tests"].contains(&dependency),
                "{function} depends on {dependency}"
            );
        }
        assert!(names(dependencies).any(|name| name == "platform"), "{function} must use platform");
    }
}

#[test]
fn rules_are_pure() {
    let shared = packages("shared");
    for dependency in names(&shared["rules"]) {
        let talks = dependency.starts_with("aws")
            || dependency.starts_with("lambda")
            || ["tokio", "reqwest", "rand", "platform", "tracing", "axum", "hyper"].contains(&dependency);
        assert!(!talks, "rules depends on {dependency}");
    }
    let functions = packages("functions");
    for dependency in names(&shared["platform"]) {
        assert!(!functions.contains_key(dependency), "platform depends on function {dependency}");
    }
    for file in sources(&root().join("shared/rules/src")) {
        let text = fs::read_to_string(&file).unwrap();
        for clock in ["SystemTime::now", "Instant::now", "Utc::now", "Uuid::new_v4", "Uuid::now_v7", "rand::"] {
            assert!(!text.contains(clock), "{} asks for time or chance: {clock}", file.display());
        }
    }
}

#[test]
fn a_function_starts_in_under_thirty_lines() {
    for function in packages("functions").keys() {
        let main = root().join("functions").join(function).join("src/main.rs");
        let lines = fs::read_to_string(&main).unwrap().lines().count();
        assert!(lines < 30, "{} has {lines} lines", main.display());
    }
}

#[test]
fn cargo_run_is_the_local_platform_and_versions_have_one_home() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("default-members = [\"infra/local\"]"));
    assert!(manifest.contains("debug = \"line-tables-only\""));
    assert!(root().join("Cargo.lock").exists(), "Cargo.lock must be committed");
    for folder in ["shared", "functions", "infra"] {
        for (package, _) in packages(folder) {
            let text = fs::read_to_string(root().join(folder).join(&package).join("Cargo.toml")).unwrap();
            assert!(text.contains("[lints]\nworkspace = true"), "{package} must take the workspace's lints");
        }
    }
}

#[test]
fn files_hold_one_concept() {
    for folder in ["shared", "functions", "infra"] {
        for file in sources(&root().join(folder)) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= 400, "{} has {lines} lines; split it by concept", file.display());
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(!["utils", "util", "common", "helpers", "misc"].contains(&name.as_str()), "{}", file.display());
        }
    }
}

/// The section of Cargo.toml that tells `cargo lambda watch` which function has which route, from the template.
fn watch_routes() -> String {
    let template = local::template::Template::read(local::template::TEXT, &HashMap::new()).unwrap();
    let mut paths: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for function in template.functions.values() {
        for route in &function.routes {
            let entry = format!(r#"{{ method = "{}", function = "{}" }}"#, route.method, function.binary);
            paths.entry(&route.path).or_default().push(entry);
        }
    }
    let lines = paths.into_iter().map(|(path, entries)| format!("\"{path}\" = [{}]\n", entries.join(", ")));
    format!("[workspace.metadata.lambda.watch.router]\n{}", lines.collect::<String>())
}

#[test]
fn cargo_lambda_watch_has_the_routes_of_the_template() {
    let path = root().join("Cargo.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    let section = watch_routes();
    let start = manifest.find("[workspace.metadata.lambda.watch.router]").unwrap();
    let end = manifest[start..].find("\n\n").map_or(manifest.len(), |length| start + length + 1);
    if manifest[start..end] != section {
        if std::env::var_os("UPDATE_ROUTES").is_some() {
            fs::write(&path, format!("{}{section}{}", &manifest[..start], &manifest[end..])).unwrap();
            return;
        }
        panic!("Cargo.toml and the template differ: UPDATE_ROUTES=1 cargo test -p tests --test house writes it anew");
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}
