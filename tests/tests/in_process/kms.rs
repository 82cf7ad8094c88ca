//! Sealing with keys that KMS wraps, against a KMS that knows which context each wrapped key was made for.

use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use platform::sealing::{KmsSealer, Place, SealError, Sealer};
use rules::WorkspaceId;
use tests::Account;
use tests::played::Plays as _;
use uuid::Uuid;

const VALUE: &str = "the value of the secret";

fn sealer_of(account: &Account) -> KmsSealer {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(account.client());
    KmsSealer::new(aws_sdk_kms::Client::from_conf(config.build()), "alias/test".to_owned())
}

fn place(number: u128, key: &str) -> Place {
    Place::workspace(WorkspaceId::new(Uuid::from_u128(number)), key)
}

#[tokio::test]
async fn an_owners_values_share_a_key_that_is_asked_for_once() {
    let account = Account::default();
    let sealer = sealer_of(&account);
    let mut sealed = Vec::new();
    for key in ["A", "B", "C"] {
        let at = place(1, key);
        sealed.push((at.clone(), sealer.seal(&at, VALUE, [1; 12]).await.unwrap()));
    }
    assert_eq!(account.asked(), ["GenerateDataKey"]);
    assert!(sealed.iter().all(|(_, text)| text.starts_with("kms1:") && !text.contains(VALUE)));
    let other = sealer_of(&account);
    for (at, text) in &sealed {
        assert_eq!(other.open(at, text).await.unwrap().expose(), VALUE);
    }
    assert_eq!(account.asked(), ["Decrypt"]);
    sealer.seal(&Place::global("default", "A"), VALUE, [1; 12]).await.unwrap();
    assert_eq!(account.asked(), ["GenerateDataKey"], "another owner, another key");
}

#[tokio::test]
async fn a_value_opens_at_its_place_only() {
    let account = Account::default();
    let sealer = sealer_of(&account);
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
    let account = Account::default();
    let sealer = sealer_of(&account);
    let disabled = format!("kms1:{}:AAAA", STANDARD_NO_PAD.encode("disabled"));
    let failed = sealer.open(&place(1, "A"), &disabled).await.unwrap_err();
    assert_eq!(failed, SealError::Unavailable("DisabledException".to_owned()));
    assert_eq!(format!("{sealer:?}"), r#"KmsSealer { key_id: "alias/test", .. }"#);
}
