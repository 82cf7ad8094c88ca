use super::*;
use crate::fixtures::workspace;
use crate::status::Status;

const HUB: &str = "https://hub.example.com/workspaces/1/a2a";

fn served(card: Option<&Value>) -> Value {
    let workspace = Workspace { agent_card: card.map(Value::to_string), ..workspace(Status::Online) };
    hub_card(&workspace, HUB)
}

/// What 0.3 and 1.0 require of a card.
fn assert_complete(card: &Value) {
    for field in ["name", "description", "version", "url", "preferredTransport", "protocolVersion"] {
        assert!(card[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {card}");
    }
    for field in ["supportedInterfaces", "defaultInputModes", "defaultOutputModes", "skills", "additionalInterfaces"] {
        assert!(card[field].as_array().is_some_and(|list| !list.is_empty()), "{field}: {card}");
    }
    for skill in card["skills"].as_array().unwrap() {
        for field in ["id", "name", "description"] {
            assert!(skill[field].is_string(), "{field}: {skill}");
        }
        assert!(!skill["tags"].as_array().unwrap().is_empty(), "{skill}");
    }
}

#[test]
fn every_address_is_the_hubs() {
    let direct = "https://10.0.0.7:9000/secret";
    let card = served(Some(&json!({
        "name": "researcher", "description": "finds things", "version": "2.1.0", "url": direct,
        "protocolVersion": "0.3.0", "preferredTransport": "GRPC",
        "additionalInterfaces": [{ "url": direct, "transport": "HTTP+JSON" }],
        "supportedInterfaces": [
            { "url": direct, "protocolBinding": "JSONRPC", "protocolVersion": "1.0" },
            { "url": direct, "protocolBinding": "GRPC", "protocolVersion": "1.0" },
        ],
        "securitySchemes": { "own": { "type": "apiKey", "in": "header", "name": "x-key" } },
        "signatures": [{ "protected": "e30", "signature": "abc" }],
        "x-internal": direct,
    })));
    assert!(!card.to_string().contains(direct), "{card}");
    assert_eq!(card["url"], HUB);
    assert_eq!(card["preferredTransport"], "JSONRPC");
    assert_eq!(
        card["supportedInterfaces"],
        json!([
            { "url": HUB, "protocolBinding": "JSONRPC", "protocolVersion": "1.0" },
            { "url": HUB, "protocolBinding": "JSONRPC", "protocolVersion": "0.3" },
        ])
    );
    assert_eq!((&card["name"], &card["version"]), (&json!("researcher"), &json!("2.1.0")));
    assert_eq!(card.get("signatures"), None);
    assert_eq!(card["securitySchemes"].as_object().unwrap().len(), 1);
    assert_eq!(card["capabilities"]["streaming"], true);
    assert_eq!(card["capabilities"]["pushNotifications"], false);
    assert_complete(&card);
}

#[test]
fn the_generations_are_those_that_the_agent_speaks() {
    use Generation::{V03, V10};
    let interface = |version: &str| json!({ "protocolBinding": "JSONRPC", "protocolVersion": version });
    for (card, spoken, in_03) in [
        (json!({}), vec![V03], "0.3.0"),
        (json!({ "protocolVersion": "0.2.5" }), vec![V03], "0.3.0"),
        (json!({ "protocolVersion": "0.3.0" }), vec![V03], "0.3.0"),
        (json!({ "supportedInterfaces": [interface("1.0")] }), vec![V10], "1.0"),
        (json!({ "supportedInterfaces": [interface("1.0.1")], "protocolVersion": "0.3.0" }), vec![V10, V03], "0.3.0"),
        (json!({ "supportedInterfaces": [interface("0.3"), interface("1.0")] }), vec![V10, V03], "0.3.0"),
        (json!({ "supportedInterfaces": [interface("2.0")] }), vec![V03], "0.3.0"),
        (
            json!({ "supportedInterfaces": [{ "protocolBinding": "GRPC", "protocolVersion": "1.0" }] }),
            vec![V03],
            "0.3.0",
        ),
        (json!({ "supportedInterfaces": "all", "protocolVersion": 3 }), vec![V03], "0.3.0"),
    ] {
        assert_eq!(generations(&card), spoken, "{card}");
        assert_eq!(served(Some(&card))["protocolVersion"], in_03, "{card}");
    }
}

#[test]
fn what_is_missing_or_malformed_is_filled_in() {
    for card in [
        None,
        Some(json!({})),
        Some(json!({ "name": " ", "skills": [], "defaultInputModes": [] })),
        Some(json!({ "name": 5, "description": null, "skills": "many", "provider": "me", "version": 1 })),
        Some(json!({ "skills": ["research", 5, {}, { "name": "write" }, { "id": "x", "tags": [1] }] })),
    ] {
        assert_complete(&served(card.as_ref()));
    }
    let nameless = served(None);
    assert_eq!((&nameless["name"], &nameless["description"]), (&json!("agent"), &json!("agent")));
    let skills = served(Some(&json!({ "skills": ["research", {}, { "name": "write", "examples": ["a"] }] })));
    let expected = json!([
        { "id": "research", "name": "research", "description": "research", "tags": ["research"] },
        { "id": "write", "name": "write", "description": "write", "tags": ["write"], "examples": ["a"] },
    ]);
    assert_eq!(skills["skills"], expected);
}

#[test]
fn who_made_the_agent_is_passed_on_where_it_is_well_formed() {
    let card = served(Some(&json!({
        "provider": { "organization": "o", "url": "https://o.example", "more": 1 },
        "documentationUrl": "https://o.example/docs", "iconUrl": 7,
    })));
    assert_eq!(card["provider"], json!({ "organization": "o", "url": "https://o.example" }));
    assert_eq!(card["documentationUrl"], "https://o.example/docs");
    assert_eq!(card.get("iconUrl"), None);
    assert_eq!(served(Some(&json!({ "provider": { "url": "u" } }))).get("provider"), None);
}
