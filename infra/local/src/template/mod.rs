//! `infra/template.yaml`, as far as a local run needs it: functions with their routes, queues and schedules.
//!
//! The template is the only table of routes. What it says and this module does not know how to follow, such as an event
//! of another type, is an error, so that it cannot be ignored here and happen on AWS.

mod error;
mod function;
mod queue;
mod schedule;
mod values;

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_yaml_ng::Value;

pub use error::TemplateError;
pub use function::{Function, QueueSource, Route, Schedule};
pub use queue::Queue;

use values::Values;

/// The template of this build.
pub const TEXT: &str = include_str!("../../../template.yaml");

/// What the template declares.
#[derive(Debug, Clone)]
pub struct Template {
    /// Functions, by their logical ids.
    pub functions: BTreeMap<String, Function>,
    /// Queues, by their logical ids.
    pub queues: BTreeMap<String, Queue>,
    /// What browsers may send.
    pub cors: Cors,
    /// The functions' variables that hold a queue's URL, and the queue's logical id.
    pub queue_variables: BTreeMap<String, String>,
    /// The functions' other variables; `None` for a value that only a deployment has.
    pub variables: BTreeMap<String, Option<String>>,
}

/// The API's CORS settings; the origins are the functions' variable `CORS_ORIGINS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// Methods.
    pub methods: Vec<String>,
    /// Headers of requests.
    pub headers: Vec<String>,
    /// What a page may read of an answer's headers.
    pub exposed: Vec<String>,
    /// Whether cookies and credentials may be sent.
    pub credentials: bool,
    /// For how many seconds a browser may remember this.
    pub max_age: u64,
}

#[derive(Debug, Deserialize)]
struct Document {
    #[serde(rename = "Parameters", default)]
    parameters: BTreeMap<String, Value>,
    #[serde(rename = "Globals", default)]
    globals: Value,
    #[serde(rename = "Resources")]
    resources: BTreeMap<String, Value>,
}

impl Template {
    /// Reads a template. `variables` are the functions' environment: where a variable is a parameter in the template, its
    /// value here is the parameter's, as with `sam deploy --parameter-overrides`; the others have their defaults.
    ///
    /// # Errors
    /// It is not YAML, or has something that a local run cannot follow.
    pub fn read(text: &str, variables: &HashMap<String, String>) -> Result<Self, TemplateError> {
        let document: Document = serde_yaml_ng::from_str(text).map_err(|error| TemplateError::yaml(&error))?;
        let globals = &document.globals["Function"];
        let environment = declared_variables(globals);
        let values = Values::new(&document.parameters, &environment, variables);

        let mut template = Self {
            functions: BTreeMap::new(),
            queues: BTreeMap::new(),
            cors: Cors {
                methods: Vec::new(),
                headers: Vec::new(),
                exposed: Vec::new(),
                credentials: false,
                max_age: 0,
            },
            queue_variables: BTreeMap::new(),
            variables: BTreeMap::new(),
        };
        for (id, resource) in &document.resources {
            match resource["Type"].as_str().unwrap_or_default() {
                "AWS::Serverless::Function" => {
                    template.functions.insert(id.clone(), Function::read(id, resource, globals, &values)?);
                }
                "AWS::SQS::Queue" => {
                    template.queues.insert(id.clone(), Queue::read(id, &resource["Properties"], &values)?);
                }
                "AWS::Serverless::HttpApi" => {
                    template.cors = Cors::read(&resource["Properties"]["CorsConfiguration"], &values);
                }
                _ => {}
            }
        }
        for (name, value) in environment {
            match values::target(&value).filter(|target| template.queues.contains_key(*target)) {
                Some(queue) => template.queue_variables.insert(name, queue.to_owned()).map_or((), drop),
                None => template.variables.insert(name, values.text(&value)).map_or((), drop),
            }
        }
        template.check_references()?;
        Ok(template)
    }

    fn check_references(&self) -> Result<(), TemplateError> {
        for (id, function) in &self.functions {
            for source in &function.sources {
                if !self.queues.contains_key(&source.queue) {
                    return Err(TemplateError::new(id, format!("consumes {}, which is no queue here", source.queue)));
                }
            }
        }
        for (id, queue) in &self.queues {
            if let Some((dead_letters, _)) = &queue.dead_letters
                && !self.queues.contains_key(dead_letters)
            {
                return Err(TemplateError::new(id, format!("redrives to {dead_letters}, which is no queue here")));
            }
        }
        Ok(())
    }
}

fn declared_variables(globals: &Value) -> BTreeMap<String, Value> {
    let declared = globals["Environment"]["Variables"].as_mapping().into_iter().flatten();
    declared.filter_map(|(name, value)| Some((name.as_str()?.to_owned(), value.clone()))).collect()
}

impl Cors {
    fn read(value: &Value, values: &Values) -> Self {
        Self {
            methods: values.list(&value["AllowMethods"]),
            headers: values.list(&value["AllowHeaders"]),
            exposed: values.list(&value["ExposeHeaders"]),
            credentials: values.text(&value["AllowCredentials"]).as_deref() == Some("true"),
            max_age: values.number(&value["MaxAge"]).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests;
