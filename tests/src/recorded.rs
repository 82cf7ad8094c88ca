//! A service of AWS's that answers what was recorded of it, behind the SDK's HTTP client, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

/// A status with its body; none is no answer.
type Answer = Option<(u16, Value)>;

/// Answers in order, and what was asked for.
#[derive(Debug, Clone, Default)]
pub struct Service {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl HttpClient for Service {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Service {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap();
        self.asked.lock().unwrap().push((operation.clone(), body));
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or_else(|| panic!("nobody expected {operation}"));
        HttpConnectorFuture::ready(match answer {
            None => Err(ConnectorError::timeout("no answer".into())),
            Some((status, body)) => {
                let status = http::StatusCode::from_u16(status).unwrap();
                Ok(HttpResponse::new(status.into(), SdkBody::from(body.to_string())))
            }
        })
    }
}

impl Service {
    /// Gives these answers, one after the other.
    pub fn answering(answers: Vec<(u16, Value)>) -> Self {
        let service = Self::default();
        service.answers.lock().unwrap().extend(answers.into_iter().map(Some));
        service
    }

    /// Does not answer, once.
    pub fn silent() -> Self {
        let service = Self::default();
        service.answers.lock().unwrap().push_back(None);
        service
    }

    /// What it was asked since the last look: operation and body. All answers must have been given.
    pub fn asked(&self) -> Vec<(String, Value)> {
        assert!(self.answers.lock().unwrap().is_empty(), "answers left over");
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// As [`Service::asked`], the operations alone.
    pub fn operations(&self) -> Vec<String> {
        self.asked().into_iter().map(|(operation, _)| operation).collect()
    }
}
