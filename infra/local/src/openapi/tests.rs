use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::{functions, text};
use crate::handler::Handler;
use crate::template::{Route, TEXT, Template};

/// The operations of the description, by their route keys.
fn operations() -> BTreeMap<String, Value> {
    let description: Value = serde_json::from_str(&text().unwrap()).unwrap();
    let mut found = BTreeMap::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.insert(format!("{} {path}", method.to_uppercase()), operation.clone());
        }
    }
    found
}

#[test]
fn the_checked_in_description_is_that_of_the_handlers() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("openapi.json");
    let text = text().unwrap();
    if std::env::var_os("UPDATE_OPENAPI").is_some_and(|update| update == "1") {
        std::fs::write(&file, &text).unwrap();
    }
    let checked_in = std::fs::read_to_string(&file).unwrap();
    let differs = checked_in.lines().zip(text.lines()).position(|(one, other)| one != other);
    assert!(
        checked_in == text,
        "infra/openapi.json is not what the handlers say, from line {}: run UPDATE_OPENAPI=1 cargo test -p local openapi",
        differs.unwrap_or_default() + 1
    );
}

#[test]
fn template_routers_and_description_have_the_same_routes() {
    let template = Template::read(TEXT, &HashMap::new()).unwrap();
    let declared: BTreeSet<String> =
        template.functions.values().flat_map(|function| function.routes.iter().map(Route::key)).collect();
    let routed: BTreeSet<String> = crate::functions::all()
        .iter()
        .flat_map(|(_, handler)| match handler {
            Handler::Http { keys, .. } => keys.clone(),
            _ => Vec::new(),
        })
        .map(str::to_owned)
        .collect();
    let described: BTreeSet<String> = operations().into_keys().collect();
    assert_eq!(declared, routed, "infra/template.yaml and the routers");
    assert_eq!(described, routed, "the annotations of the handlers and the routers");
}

#[test]
fn operations_have_ids_of_their_own_and_declare_each_parameter_of_their_path() {
    let mut ids = BTreeSet::new();
    for (key, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{key} has no operationId"));
        assert!(ids.insert(id.to_owned()), "{key}: {id} is another operation's id, too");
        let in_path: BTreeSet<&str> =
            key.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let declared: Vec<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(declared.len(), in_path.len(), "{key} declares {declared:?}");
        assert_eq!(declared.into_iter().collect::<BTreeSet<_>>(), in_path, "{key}");
    }
}

#[test]
fn each_reference_leads_somewhere_and_each_name_means_one_thing() {
    let description: Value = serde_json::from_str(&text().unwrap()).unwrap();
    let mut references = BTreeSet::new();
    collect(&description, &mut references);
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut schemas: Map<String, Value> = Map::new();
    for (function, _, described) in functions() {
        for (name, schema) in described.components.unwrap_or_default().schemas {
            let schema = serde_json::to_value(schema).unwrap();
            let before = schemas.insert(name.clone(), schema.clone());
            assert!(before.is_none_or(|before| before == schema), "{function} has another schema {name}");
        }
    }
}

/// All that `$ref`s name.
fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| collect(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}
