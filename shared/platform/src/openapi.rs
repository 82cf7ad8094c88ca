//! What the OpenAPI descriptions of all functions share. Nothing here runs in a function: only the description is made of it.
#![expect(dead_code, reason = "these types describe JSON; nothing makes a value of them")]

use std::collections::BTreeMap;

use http::StatusCode;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, HttpMethod, Object, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response,
    ResponseBuilder, Type,
};
use utoipa::{IntoParams, IntoResponses, PartialSchema, ToSchema};

/// A time as in RFC 3339, in UTC, to the millisecond.
#[derive(ToSchema)]
#[schema(value_type = String, format = DateTime, examples("2026-01-31T12:00:00.000Z"))]
pub struct Time(String);

/// The body of every refusal. It may have further fields.
#[derive(ToSchema)]
#[schema(as = Problem)]
pub struct Refused {
    /// For a person: what happened and what to do.
    error: String,
    /// Stable, snake_case.
    #[schema(pattern = "^[a-z0-9_]+$")]
    code: String,
    /// The field that is wrong.
    #[schema(nullable = false)]
    field: Option<String>,
    /// Seconds, as in the header `Retry-After`.
    #[schema(nullable = false)]
    retry_after: Option<u32>,
}

/// The statuses of a route's refusals: `Refusals<400, 404>`. Their bodies are all [`Refused`].
#[derive(Debug)]
pub struct Refusals<
    const A: u16,
    const B: u16 = 0,
    const C: u16 = 0,
    const D: u16 = 0,
    const E: u16 = 0,
    const F: u16 = 0,
    const G: u16 = 0,
    const H: u16 = 0,
>;

impl<const A: u16, const B: u16, const C: u16, const D: u16, const E: u16, const F: u16, const G: u16, const H: u16>
    IntoResponses for Refusals<A, B, C, D, E, F, G, H>
{
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let statuses = [A, B, C, D, E, F, G, H].into_iter().filter(|status| *status != 0);
        statuses.map(|status| (status.to_string(), RefOr::Ref(refusal(status)))).collect()
    }
}

/// Each refusal by its status, with what it means on every route.
const REFUSALS: [(u16, &str); 15] = [
    (400, "Malformed: the request cannot be understood"),
    (401, "No credential, or not a valid one"),
    (403, "Not allowed to this caller"),
    (404, "Unknown, or not for this caller to see"),
    (409, "The state does not allow it"),
    (410, "The workspace was deleted"),
    (413, "The body, or one of its fields, is too large"),
    (422, "Well-formed, and refused by a rule"),
    (429, "A limit is reached"),
    (431, "Request line and headers are too large"),
    (500, "A stored secret does not open with the platform's key"),
    (501, "This platform does not do that"),
    (502, "An agent or the container engine refused"),
    (503, "A dependency is down, or what is needed is stopped; nothing was half done"),
    (504, "The message expired before it was answered"),
];

/// The response of a refusal, by reference.
pub fn refusal(status: u16) -> Ref {
    Ref::from_response_name(name(status))
}

/// The responses that [`refusal`] refers to, by their names.
pub fn refusals() -> impl Iterator<Item = (String, Response)> {
    REFUSALS.into_iter().map(|(status, meaning)| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Refused::name()))).build();
        let mut response = ResponseBuilder::new().description(meaning).content("application/json", content);
        if matches!(status, 429 | 503) {
            let seconds =
                HeaderBuilder::new().schema(Some(Object::with_type(Type::Integer))).description(Some("Seconds"));
            response = response.header("Retry-After", seconds.build());
        }
        (name(status), response.build())
    })
}

/// `NotFound` for 404.
fn name(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Refused");
    reason.chars().filter(char::is_ascii_alphabetic).collect()
}

/// The header `X-Workspace-ID`.
#[derive(Debug)]
pub struct NamedWorkspace;

impl IntoParams for NamedWorkspace {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let header = ParameterBuilder::new()
            .name("X-Workspace-ID")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("The workspace that asks: that of the token, or any for an operator"))
            .schema(Some(rules::WorkspaceId::schema()));
        vec![header.build()]
    }
}

/// Any JSON object.
#[derive(Debug)]
pub struct AnyObject;

impl ToSchema for AnyObject {}

impl PartialSchema for AnyObject {
    fn schema() -> RefOr<utoipa::openapi::Schema> {
        ObjectBuilder::new().description(Some("Any object")).into()
    }
}

/// An agent card, as A2A defines it.
#[derive(Debug)]
pub struct AgentCard;

impl ToSchema for AgentCard {}

impl PartialSchema for AgentCard {
    fn schema() -> RefOr<utoipa::openapi::Schema> {
        ObjectBuilder::new().description(Some("An agent card, as A2A defines it; at most 64 KiB")).into()
    }
}

/// What was done.
#[derive(ToSchema)]
pub struct Done {
    /// In one word.
    status: String,
}

/// Describes a route that does what another one does: `POST /things`, `PUT /things` and an operation id of its own.
pub fn also(described: &mut OpenApi, of: &str, route: &str, operation_id: &str) {
    let found = split(of).and_then(|(method, path)| described.paths.get_path_operation(path, method)).cloned();
    if let (Some(mut operation), Some((method, path))) = (found, split(route)) {
        operation.operation_id = Some(operation_id.to_owned());
        described.paths.add_path_operation(path, vec![method], operation);
    }
}

fn split(route: &str) -> Option<(HttpMethod, &str)> {
    let (method, path) = route.split_once(' ')?;
    let method = match method {
        "GET" => HttpMethod::Get,
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => return None,
    };
    Some((method, path))
}
