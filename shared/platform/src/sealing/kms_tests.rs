//! Against a KMS that knows which context each wrapped key was made for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rules::WorkspaceId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const VALUE: &str = "the value of the secret";

/// What it was asked, and the contexts of the keys that it made; a key's bytes are all its number.
#[derive(Debug, Clone, Default)]
struct FakeKms(Arc<Mutex<Seen>>);

type Seen = (Vec<String>, HashMap<u8, Value>);

impl FakeKms {
    fn sealer(&self) -> KmsSealer {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(self.clone());
        KmsSealer::new(aws_sdk_kms::Client::from_conf(config.build()), "alias/test".to_owned())
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().0)
    }

    fn answer(&self, operation: &str, asked: &Value) -> Result<Value, &'static str> {
        let mut state = self.0.lock().unwrap();
        state.0.push(operation.to_owned());
        let key = |number: u8| STANDARD.encode([number; 32]);
        match operation {
            "GenerateDataKey" => {
                let number = u8::try_from(state.1.len()).unwrap() + 1;
                state.1.insert(number, asked["EncryptionContext"].clone());
                let wrapped = STANDARD.encode([b'w', number]);
                Ok(json!({ "KeyId": "k", "CiphertextBlob": wrapped, "Plaintext": key(number) }))
            }
            _ => {
                let wrapped = STANDARD.decode(asked["CiphertextBlob"].as_str().unwrap()).unwrap();
                match wrapped.as_slice() {
                    [b'w', number] if state.1.get(number) == Some(&asked["EncryptionContext"]) => {
                        Ok(json!({ "KeyId": "k", "Plaintext": key(*number) }))
                    }
                    [b'd', ..] => Err("DisabledException"),
                    _ => Err("InvalidCiphertextException"),
                }
            }
        }
    }
}

impl HttpClient for FakeKms {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for FakeKms {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").unwrap().rsplit_once('.').unwrap().1.to_owned();
        let asked = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let (status, body) = match self.answer(&operation, &asked) {
            Ok(body) => (200, body),
            Err(code) => (400, json!({ "__type": code, "message": "no" })),
        };
        let body = aws_smithy_types::body::SdkBody::from(body.to_string());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), body)))
    }
}

fn place(number: u128, key: &str) -> Place {
    Place::workspace(WorkspaceId::new(Uuid::from_u128(number)), key)
}

#[tokio::test]
async fn an_owners_values_share_a_key_that_is_asked_for_once() {
    let kms = FakeKms::default();
    let sealer = kms.sealer();
    let mut sealed = Vec::new();
    for key in ["A", "B", "C"] {
        let at = place(1, key);
        sealed.push((at.clone(), sealer.seal(&at, VALUE, [1; 12]).await.unwrap()));
    }
    assert_eq!(kms.asked(), ["GenerateDataKey"]);
    assert!(sealed.iter().all(|(_, text)| text.starts_with("kms1:") && !text.contains(VALUE)));
    let other = kms.sealer();
    for (at, text) in &sealed {
        assert_eq!(other.open(at, text).await.unwrap().expose(), VALUE);
    }
    assert_eq!(kms.asked(), ["Decrypt"]);
    sealer.seal(&Place::global("default", "A"), VALUE, [1; 12]).await.unwrap();
    assert_eq!(kms.asked(), ["GenerateDataKey"], "another owner, another key");
}

#[tokio::test]
async fn a_value_opens_at_its_place_only() {
    let kms = FakeKms::default();
    let sealer = kms.sealer();
    let at = place(1, "A");
    let sealed = sealer.seal(&at, VALUE, [1; 12]).await.unwrap();
    sealer.open(&at, &sealed).await.unwrap();
    for other in [place(2, "A"), place(1, "B"), Place::global("default", "A")] {
        assert_eq!(sealer.open(&other, &sealed).await.unwrap_err(), SealError::Unreadable, "{other:?}");
    }
    for text in ["", "kms1:", "kms1:AAAA", "kms1:!:AAAA", "local1:AAAA", "kms1:AAAA:AAAA"] {
        assert_eq!(sealer.open(&at, text).await.unwrap_err(), SealError::Unreadable, "{text}");
    }
}

#[tokio::test]
async fn a_kms_that_does_not_serve_is_no_unreadable_secret() {
    let kms = FakeKms::default();
    let sealer = kms.sealer();
    let disabled = format!("kms1:{}:AAAA", base64::engine::general_purpose::STANDARD_NO_PAD.encode("disabled"));
    let failed = sealer.open(&place(1, "A"), &disabled).await.unwrap_err();
    assert_eq!(failed, SealError::Unavailable("DisabledException".to_owned()));
    assert_eq!(format!("{sealer:?}"), r#"KmsSealer { key_id: "alias/test", .. }"#);
}
