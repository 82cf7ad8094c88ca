//! The OpenAPI description of the whole API, put together from those of its functions: `infra/openapi.json`.

use platform::openapi::{Refused, refusal, refusals};
use utoipa::openapi::path::{HttpMethod, Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, KnownFormat, LicenseBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Paths, RefOr,
    Required, SchemaFormat, ServerBuilder, Type,
};

/// Functions behind the API, with their descriptions.
fn functions() -> Vec<(&'static str, &'static str, OpenApi)> {
    vec![
        ("workspaces", "Workspaces: agents and their homes", workspaces::openapi()),
        ("lifecycle", "Restart, pause, resume, hibernate", lifecycle::openapi()),
        ("diagnosis", "What is wrong with a workspace", diagnosis::openapi()),
        ("register", "Agents register", register::openapi()),
        ("heartbeat", "Proof of life", heartbeat::openapi()),
        ("discovery", "Whom a workspace may talk to, and where", discovery::openapi()),
        ("tokens", "Credentials", tokens::openapi()),
        ("a2a", "Messages to an agent", a2a::openapi()),
        ("inbox", "Agents fetch their messages", inbox::openapi()),
        ("queue", "What became of a message", queue::openapi()),
        ("delegations", "A workspace gives another a task", delegations::openapi()),
        ("schedules", "Turns by cron", schedules::openapi()),
        ("memories", "What agents write down", memories::openapi()),
        ("secrets", "Variables of a runtime, and its model", secrets::openapi()),
        ("events", "What happened", events::openapi()),
        ("health", "Is the platform itself well?", health::openapi()),
    ]
}

/// The description of the whole API.
pub fn describe() -> OpenApi {
    together(functions())
}

fn together(functions: Vec<(&'static str, &'static str, OpenApi)>) -> OpenApi {
    let mut paths = Paths::new();
    let mut components = ComponentsBuilder::new();
    let mut tags = Vec::new();
    for (tag, meaning, described) in functions {
        tags.push(TagBuilder::new().name(tag).description(Some(meaning)).build());
        for (path, item) in described.paths.paths {
            let methods = [
                (HttpMethod::Get, item.get),
                (HttpMethod::Post, item.post),
                (HttpMethod::Put, item.put),
                (HttpMethod::Patch, item.patch),
                (HttpMethod::Delete, item.delete),
            ];
            for (method, operation) in methods {
                if let Some(operation) = operation {
                    paths.add_path_operation(&path, vec![method], settled(operation, &path, tag));
                }
            }
        }
        components = components.schemas_from_iter(described.components.unwrap_or_default().schemas);
    }
    components = components.schema_from::<Refused>();
    components = components.responses_from_iter(refusals());
    for (name, meaning) in CREDENTIALS {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(meaning));
        components = components.security_scheme(name, SecurityScheme::Http(bearer.build()));
    }
    let info = InfoBuilder::new()
        .title("Control plane for fleets of AI agents")
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()));
    let local = ServerBuilder::new().url("http://127.0.0.1:8080").description(Some("`cargo run`"));
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([local.build()]))
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some(tags))
        .build()
}

/// Bearer tokens, and who has them.
const CREDENTIALS: [(&str, &str); 4] = [
    ("operator", "The admin token, or a token of the organisation"),
    ("workspace", "Any token of a workspace: its runtime's, or an API token"),
    ("runtime", "The instance token of a workspace's runtime"),
    ("boot", "The one-time credential of a start, exchanged by register"),
];

/// What is the same for all operations.
fn settled(mut operation: Operation, path: &str, tag: &str) -> Operation {
    operation.tags = Some(vec![tag.to_owned()]);
    let doc = [operation.summary.take(), operation.description.take()];
    let doc: Vec<String> = doc.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    operation.description = Some(described(&doc.join("\n\n")));
    operation.summary = operation.operation_id.as_deref().map(sentence);
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let text = match name {
            "key" | "delegation_id" => ObjectBuilder::new().schema_type(Type::String).build(),
            _ => ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
                .build(),
        };
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(text));
        operation.parameters.get_or_insert_default().insert(0, RefOr::T(parameter.build()));
    }
    // The router's and the gateway's own, whatever the route.
    for status in [413, 431] {
        operation.responses.responses.insert(status.to_string(), RefOr::Ref(refusal(status)));
    }
    operation
}

/// `create_workspace` as "Create workspace".
fn sentence(operation_id: &str) -> String {
    let words = operation_id.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A handler's comment without what is Rust's in it: links to items, and lines that break in the middle of a sentence.
fn described(comment: &str) -> String {
    let paragraphs = comment.split("\n\n").map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    let paragraphs = paragraphs.map(|text| match text.strip_prefix("# Errors") {
        Some(rest) => format!("Refusals: {}", rest.trim_start()),
        None => text,
    });
    let text = paragraphs.filter(|text| !text.is_empty() && text != "Refusals: ").collect::<Vec<_>>().join("\n\n");
    text.replace("[`", "`").replace("`]", "`")
}

/// The description as it is written to the file.
///
/// # Errors
/// It cannot be JSON.
pub fn text() -> Result<String, serde_json::Error> {
    // By way of a value, whose keys are sorted.
    let mut text = serde_json::to_string_pretty(&serde_json::to_value(describe())?)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests;
