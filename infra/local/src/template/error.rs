//! What a local run cannot follow in the template.

/// The template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} {problem}")]
pub struct TemplateError {
    place: String,
    problem: String,
}

impl TemplateError {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }

    pub(super) fn yaml(error: &serde_yaml_ng::Error) -> Self {
        Self::new("it", format!("is not YAML of a template: {}", error.to_string().replace('\n', " ")))
    }
}
