//! A service of AWS's that a test plays, behind the SDK's HTTP client.

use std::fmt::Debug;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

/// A status with its body; none is no answer.
pub type Answer = Option<(u16, Value)>;

/// Answers requests of AWS's JSON protocols.
pub trait Plays: Debug + Clone + Send + Sync + 'static {
    /// What it answers to a body that is sent to an `X-Amz-Target`.
    fn answer(&self, target: &str, asked: &Value) -> Answer;

    /// The HTTP client that leads to it.
    fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(Client(self.clone()))
    }
}

#[derive(Debug, Clone)]
struct Client<S>(S);

impl<S: Plays> HttpClient for Client<S> {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl<S: Plays> HttpConnector for Client<S> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let asked = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap();
        HttpConnectorFuture::ready(match self.0.answer(target, &asked) {
            None => Err(ConnectorError::timeout("no answer".into())),
            Some((status, body)) => {
                let status = http::StatusCode::from_u16(status).unwrap();
                Ok(HttpResponse::new(status.into(), SdkBody::from(body.to_string())))
            }
        })
    }
}
