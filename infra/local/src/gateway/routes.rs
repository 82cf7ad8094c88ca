//! The template's routes as a tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use matchit::Params;

use super::metrics::RouteMetrics;
use crate::function::Function;
use crate::template::Route;

/// One route and what is behind it.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// `METHOD /path/{parameter}`.
    pub(super) key: String,
    /// The function.
    pub(super) function: Arc<Function>,
    /// Counts its requests.
    pub(super) metrics: RouteMetrics,
}

/// The methods of one path.
#[derive(Debug, Default)]
pub(super) struct Path {
    endpoints: Vec<(Method, Endpoint)>,
    /// The methods, for the `Allow` header.
    pub(super) allow: String,
}

impl Path {
    pub(super) fn endpoint(&self, method: &Method) -> Option<&Endpoint> {
        self.endpoints.iter().find(|(own, _)| own == method).map(|(_, endpoint)| endpoint)
    }
}

/// All routes of the API.
#[derive(Debug)]
pub struct Routes {
    tree: matchit::Router<Path>,
    /// Counts requests without a route.
    pub(super) unmatched: RouteMetrics,
}

/// The routes cannot stand beside each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("route {key} of infra/template.yaml cannot be served: {problem}; change its path")]
pub struct RouteError {
    key: String,
    problem: String,
}

impl Routes {
    /// Puts the routes into a tree.
    ///
    /// # Errors
    /// A method that is none, or two paths between which a request could not choose.
    pub fn new(routes: &[(Route, Arc<Function>)]) -> Result<Self, RouteError> {
        let mut paths: BTreeMap<&str, Path> = BTreeMap::new();
        for (route, function) in routes {
            let error = |problem: String| RouteError { key: route.key(), problem };
            let method = Method::from_bytes(route.method.as_bytes()).map_err(|invalid| error(invalid.to_string()))?;
            let path = paths.entry(&route.path).or_default();
            if !path.allow.is_empty() {
                path.allow.push_str(", ");
            }
            path.allow.push_str(&route.method);
            let metrics = RouteMetrics::new(&route.method, &route.path);
            let endpoint = Endpoint { key: route.key(), function: Arc::clone(function), metrics };
            path.endpoints.push((method, endpoint));
        }
        let mut tree = matchit::Router::new();
        for (path, methods) in paths {
            let key = methods.endpoints.first().map(|(_, endpoint)| endpoint.key.clone()).unwrap_or_default();
            tree.insert(path, methods).map_err(|conflict| RouteError { key, problem: conflict.to_string() })?;
        }
        Ok(Self { tree, unmatched: RouteMetrics::new("", "unmatched") })
    }

    /// The path's methods, and the parameters in it.
    pub(super) fn at<'a, 'p>(&'a self, path: &'p str) -> Option<(&'a Path, Params<'a, 'p>)> {
        self.tree.at(path).ok().map(|matched| (matched.value, matched.params))
    }
}
