//! One function of the template, and what starts it.

use std::time::Duration;

use serde_yaml_ng::Value;

use super::values::{Values, target};
use super::{TemplateError, schedule};

/// A Lambda function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The binary that it is, by `BuildProperties`; the name of its crate.
    pub binary: String,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// It has a URL of its own that streams, beside the API.
    pub streams: bool,
    /// Routes that lead to it.
    pub routes: Vec<Route>,
    /// Queues that it consumes.
    pub sources: Vec<QueueSource>,
    /// Schedules that start it.
    pub schedules: Vec<Schedule>,
    /// How many streams of tables it follows.
    pub streams_of_tables: usize,
    /// How many patterns of AWS's own events start it.
    pub rules: usize,
}

/// A route of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Method, upper case.
    pub method: String,
    /// Path, with `{parameters}`.
    pub path: String,
}

impl Route {
    /// `METHOD /path`, API Gateway's route key.
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A queue that a function consumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSource {
    /// Logical id of the queue.
    pub queue: String,
    /// Most messages in one event.
    pub batch_size: usize,
    /// Most invocations at once.
    pub max_concurrency: Option<usize>,
    /// Whether the function says which messages of a batch failed; else all do or none does.
    pub partial_failures: bool,
}

/// A schedule that starts a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its name: the function's logical id and the event's.
    pub name: String,
    /// Time between two starts.
    pub every: Duration,
}

/// Lambda's own default.
const DEFAULT_TIMEOUT_SECONDS: u64 = 3;
/// The most that one receive of SQS gives.
const MAX_BATCH: u64 = 10;

impl Function {
    pub(super) fn read(id: &str, resource: &Value, globals: &Value, values: &Values) -> Result<Self, TemplateError> {
        let binary = resource["Metadata"]["BuildProperties"]["Binary"].as_str();
        let properties = &resource["Properties"];
        let timeout = values.number(&properties["Timeout"]).or_else(|| values.number(&globals["Timeout"]));
        let mut function = Self {
            binary: binary.ok_or_else(|| TemplateError::new(id, "has no BuildProperties.Binary"))?.to_owned(),
            timeout: Duration::from_secs(timeout.unwrap_or(DEFAULT_TIMEOUT_SECONDS)),
            streams: properties["FunctionUrlConfig"]["InvokeMode"] == "RESPONSE_STREAM",
            routes: Vec::new(),
            sources: Vec::new(),
            schedules: Vec::new(),
            streams_of_tables: 0,
            rules: 0,
        };
        for (name, event) in properties["Events"].as_mapping().into_iter().flatten() {
            let place = format!("{id}.{}", name.as_str().unwrap_or_default());
            function.add(&place, event, values)?;
        }
        Ok(function)
    }

    fn add(&mut self, place: &str, event: &Value, values: &Values) -> Result<(), TemplateError> {
        let properties = &event["Properties"];
        let wrong = |problem: &str| TemplateError::new(place, problem);
        match event["Type"].as_str().unwrap_or_default() {
            "HttpApi" => {
                let method = values.text(&properties["Method"]).ok_or_else(|| wrong("has no Method"))?;
                let path = values.text(&properties["Path"]).ok_or_else(|| wrong("has no Path"))?;
                self.routes.push(Route { method: method.to_ascii_uppercase(), path });
            }
            "SQS" => {
                let queue = target(&properties["Queue"]).ok_or_else(|| wrong("does not name its Queue by !GetAtt"))?;
                let batch_size = values.number(&properties["BatchSize"]).unwrap_or(MAX_BATCH);
                if !(1..=MAX_BATCH).contains(&batch_size) {
                    return Err(wrong("has a BatchSize that is not from 1 to 10"));
                }
                let max_concurrency = values.number(&properties["ScalingConfig"]["MaximumConcurrency"]);
                self.sources.push(QueueSource {
                    queue: queue.to_owned(),
                    batch_size: usize::try_from(batch_size).unwrap_or(1),
                    max_concurrency: max_concurrency.and_then(|most| usize::try_from(most).ok()),
                    partial_failures: values
                        .list(&properties["FunctionResponseTypes"])
                        .iter()
                        .any(|kind| kind == "ReportBatchItemFailures"),
                });
            }
            "Schedule" => {
                let expression = values.text(&properties["Schedule"]).unwrap_or_default();
                let every = schedule::interval(&expression).ok_or_else(|| {
                    wrong(&format!(
                        "has the schedule {expression:?}; a local run knows rate(<n> minutes, hours or days)"
                    ))
                })?;
                self.schedules.push(Schedule { name: place.replace('.', "-"), every });
            }
            // The embedded table has no stream: nothing here has a bus to publish on.
            "DynamoDB" => self.streams_of_tables += 1,
            // Events of AWS's own services: none happen here.
            "EventBridgeRule" => self.rules += 1,
            other => {
                return Err(wrong(&format!(
                    "has the type {other:?}; a local run knows HttpApi, SQS, Schedule, DynamoDB and EventBridgeRule"
                )));
            }
        }
        Ok(())
    }
}
