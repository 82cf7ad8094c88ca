//! The template and the handlers, held against each other. Neither may have what the other has not.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::function::Function;
use crate::handler::Handler;
use crate::template::{QueueSource, Route, Schedule, Template};

/// What starts which function.
#[derive(Debug, Default)]
pub struct Registry {
    /// Functions by the names of their binaries.
    pub functions: BTreeMap<String, Arc<Function>>,
    /// Routes of the API.
    pub routes: Vec<(Route, Arc<Function>)>,
    /// Consumers of queues.
    pub sources: Vec<(QueueSource, Arc<Function>)>,
    /// Schedules.
    pub schedules: Vec<(Schedule, Arc<Function>)>,
}

/// The template and the handlers do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The template builds a binary that is not among the functions.
    #[error("function {0} of infra/template.yaml has no handler; add it to infra/local/src/functions.rs")]
    FunctionWithoutHandler(String),
    /// A function that the template does not declare.
    #[error("handler {0} has no function in infra/template.yaml; add one with BuildProperties.Binary {0}")]
    HandlerWithoutFunction(String),
    /// Two functions of the template build the same binary.
    #[error("binary {0} is built by two functions of infra/template.yaml; remove one")]
    TwoFunctions(String),
    /// A route of the template that the function's router does not know.
    #[error("route {key} of infra/template.yaml has no handler; add it to functions/{function}, or remove it")]
    RouteWithoutHandler {
        /// The route key.
        key: String,
        /// The function that should have it.
        function: String,
    },
    /// A route of a router that the template does not lead to.
    #[error("handler {key} of functions/{function} has no route in infra/template.yaml; add it, or remove it")]
    HandlerWithoutRoute {
        /// The route key.
        key: String,
        /// The function that has it.
        function: String,
    },
    /// One route key twice in the template.
    #[error("route {0} is in infra/template.yaml twice; remove one")]
    TwoRoutes(String),
    /// Events of a kind that the handler does not take, or none of the kind that it takes.
    #[error(
        "function {function} takes {takes}; its Events in infra/template.yaml must be of that type, and at least one"
    )]
    WrongEvents {
        /// The function.
        function: String,
        /// What it takes.
        takes: &'static str,
    },
}

impl Registry {
    /// Holds the template against the handlers.
    ///
    /// # Errors
    /// The first thing that one has and the other has not.
    pub fn bind(template: &Template, handlers: Vec<(&'static str, Handler)>) -> Result<Self, RegistryError> {
        let mut handlers: HashMap<_, _> = handlers.into_iter().collect();
        let mut registry = Self::default();
        let mut keys = HashSet::new();
        for declared in template.functions.values() {
            let name = declared.binary.clone();
            if registry.functions.contains_key(&name) {
                return Err(RegistryError::TwoFunctions(name));
            }
            let Some(handler) = handlers.remove(name.as_str()) else {
                return Err(RegistryError::FunctionWithoutHandler(name));
            };
            check_events(declared, &handler)?;
            for route in &declared.routes {
                if !keys.insert(route.key()) {
                    return Err(RegistryError::TwoRoutes(route.key()));
                }
            }
            let function = Arc::new(Function::new(name.as_str(), declared.timeout, Arc::clone(handler.invoke())));
            registry.functions.insert(name, Arc::clone(&function));
            registry.routes.extend(declared.routes.iter().map(|route| (route.clone(), Arc::clone(&function))));
            registry.sources.extend(declared.sources.iter().map(|source| (source.clone(), Arc::clone(&function))));
            registry.schedules.extend(declared.schedules.iter().map(|rule| (rule.clone(), Arc::clone(&function))));
        }
        match handlers.into_keys().min() {
            Some(name) => Err(RegistryError::HandlerWithoutFunction(name.to_owned())),
            None => Ok(registry),
        }
    }
}

fn check_events(declared: &crate::template::Function, handler: &Handler) -> Result<(), RegistryError> {
    let wrong = |takes| Err(RegistryError::WrongEvents { function: declared.binary.clone(), takes });
    let counts = (declared.routes.is_empty(), declared.sources.is_empty(), declared.schedules.is_empty());
    match handler {
        // All routes are behind a URL. A local run needs none: its API streams.
        Handler::Http { .. } if declared.streams && counts == (true, true, true) => Ok(()),
        Handler::Http { keys, .. } => {
            if counts != (false, true, true) {
                return wrong("HttpApi events");
            }
            check_routes(declared, keys)
        }
        Handler::Queue(_) if counts != (true, false, true) => wrong("SQS events"),
        Handler::Schedule(_) if counts != (true, true, false) => wrong("Schedule events"),
        Handler::Stream(_) if counts != (true, true, true) || declared.streams_of_tables == 0 => {
            wrong("DynamoDB events")
        }
        Handler::Event(_) if counts != (true, true, true) || declared.rules == 0 => wrong("EventBridgeRule events"),
        Handler::Queue(_) | Handler::Schedule(_) | Handler::Stream(_) | Handler::Event(_) => Ok(()),
    }
}

fn check_routes(declared: &crate::template::Function, keys: &[&str]) -> Result<(), RegistryError> {
    let function = || declared.binary.clone();
    let routes: Vec<String> = declared.routes.iter().map(Route::key).collect();
    if let Some(key) = routes.iter().find(|key| !keys.contains(&key.as_str())) {
        return Err(RegistryError::RouteWithoutHandler { key: key.clone(), function: function() });
    }
    if let Some(key) = keys.iter().find(|key| !routes.iter().any(|route| route == *key)) {
        return Err(RegistryError::HandlerWithoutRoute { key: (*key).to_owned(), function: function() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use platform::{Call, Platform, Reply, Result, Router};

    use super::*;

    async fn fine(_: Platform, _: Call) -> Result<Reply> {
        Ok(Reply::ok(&()))
    }

    async fn tick(_: Platform, _: serde_json::Value) {}

    const TEMPLATE: &str = "
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
  ThingsFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: things}}
    Properties:
      Events:
        List: {Type: HttpApi, Properties: {Method: get, Path: /things}}
        Get: {Type: HttpApi, Properties: {Method: GET, Path: '/things/{id}'}}
  TickFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: tick}}
    Properties:
      Events:
        Rule: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}
";

    fn things() -> Router {
        Router::new().route("GET /things", fine).route("GET /things/{id}", fine)
    }

    fn bind(template: &str, handlers: Vec<(&'static str, Handler)>) -> std::result::Result<Registry, String> {
        let template = Template::read(template, &HashMap::new()).unwrap();
        Registry::bind(&template, handlers).map_err(|error| {
            let line = error.to_string();
            assert!(!line.contains('\n'));
            line
        })
    }

    fn handlers(router: Router) -> Vec<(&'static str, Handler)> {
        vec![("things", Handler::http(router)), ("tick", Handler::schedule(tick))]
    }

    #[test]
    fn the_template_and_the_handlers_of_this_workspace_fit() {
        bind(crate::template::TEXT, crate::functions::all()).unwrap();
    }

    #[test]
    fn each_route_leads_to_its_function() {
        let registry = bind(TEMPLATE, handlers(things())).unwrap();
        let routes: Vec<_> =
            registry.routes.iter().map(|(route, function)| (route.key(), function.name.clone())).collect();
        assert_eq!(routes, [("GET /things".into(), "things".into()), ("GET /things/{id}".into(), "things".to_owned())]);
        assert_eq!(registry.schedules[0].0.name, "TickFunction-Rule");
    }

    #[test]
    fn a_route_without_a_handler_is_named() {
        let error = bind(TEMPLATE, handlers(Router::new().route("GET /things", fine))).unwrap_err();
        assert!(error.starts_with("route GET /things/{id} of infra/template.yaml has no handler"), "{error}");
    }

    #[test]
    fn a_handler_without_a_route_is_named() {
        let error = bind(TEMPLATE, handlers(things().route("POST /things", fine))).unwrap_err();
        assert!(error.starts_with("handler POST /things of functions/things has no route"), "{error}");
    }

    #[test]
    fn a_parameter_of_another_name_is_another_route() {
        let router = Router::new().route("GET /things", fine).route("GET /things/{thing_id}", fine);
        let error = bind(TEMPLATE, handlers(router)).unwrap_err();
        assert!(error.contains("GET /things/{id}"), "{error}");
    }

    #[test]
    fn functions_and_handlers_without_each_other_are_named() {
        let error = bind(TEMPLATE, vec![("things", Handler::http(things()))]).unwrap_err();
        assert!(error.starts_with("function tick"), "{error}");
        let mut more = handlers(things());
        more.push(("extra", Handler::schedule(tick)));
        let error = bind(TEMPLATE, more).unwrap_err();
        assert!(error.starts_with("handler extra"), "{error}");
    }

    #[test]
    fn events_of_the_wrong_kind_are_refused() {
        let wrong = vec![("things", Handler::http(things())), ("tick", Handler::queue(tick))];
        let error = bind(TEMPLATE, wrong).unwrap_err();
        assert!(error.starts_with("function tick takes SQS events"), "{error}");
    }

    #[test]
    fn a_route_in_two_functions_is_refused() {
        let twice = TEMPLATE.replace("Path: '/things/{id}'", "Path: /things");
        let error = bind(&twice, handlers(Router::new().route("GET /things", fine))).unwrap_err();
        assert!(error.starts_with("route GET /things is in infra/template.yaml twice"), "{error}");
    }
}
