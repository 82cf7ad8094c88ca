//! Keys of data that AWS KMS wraps. A key is for one owner, and kept for minutes: to seal with, and to open what it sealed,
//! so that a start with many secrets asks KMS once. The wrapped key stands with each value.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use futures::future::BoxFuture;
use rules::secret::SecretScope;
use zeroize::{Zeroize, Zeroizing};

use super::cipher::{Cipher, KEY_BYTES};
use super::{Nonce, Place, Plaintext, SealError, Sealer};

/// The version of the stored form: wrapped key, colon, sealed value.
const FORM: &str = "kms1:";
/// How long a key of data is kept.
const KEPT: Duration = Duration::from_secs(300);
/// Keys that are kept at once, per kind; more, and all are asked for again.
const MOST: usize = 1000;

/// Whose key: scope and owner.
type Owner = (SecretScope, String);

/// Seals under keys that a KMS key wraps.
pub struct KmsSealer {
    client: Client,
    key_id: String,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The key that an owner's next values are sealed under, with its wrapped form.
    sealing: HashMap<Owner, Timed<(String, Arc<Cipher>)>>,
    /// Keys by owner and wrapped form.
    opening: HashMap<(Owner, String), Timed<Arc<Cipher>>>,
}

struct Timed<T>(Instant, T);

impl<T: Clone> Timed<T> {
    fn fresh(&self) -> Option<T> {
        (self.0.elapsed() < KEPT).then(|| self.1.clone())
    }
}

impl KmsSealer {
    /// With this KMS key: an id, an ARN or an alias.
    pub fn new(client: Client, key_id: String) -> Self {
        Self { client, key_id, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key to seal an owner's values under.
    async fn sealing(&self, place: &Place) -> Result<(String, Arc<Cipher>), SealError> {
        let owner = owner(place);
        if let Some(kept) = self.kept().sealing.get(&owner).and_then(Timed::fresh) {
            return Ok(kept);
        }
        let request = self.client.generate_data_key().key_id(&self.key_id).key_spec(DataKeySpec::Aes256);
        let made =
            request.set_encryption_context(Some(context(place))).send().await.map_err(|error| refused(&error))?;
        let wrapped = made.ciphertext_blob.ok_or_else(|| unavailable("no wrapped key"))?;
        let key = Arc::new(cipher(made.plaintext)?);
        let made = (STANDARD_NO_PAD.encode(wrapped), key);
        keep(&mut self.kept().sealing, owner, made.clone());
        Ok(made)
    }

    /// The key that a value at a place was sealed under.
    async fn opening(&self, place: &Place, wrapped: &str) -> Result<Arc<Cipher>, SealError> {
        let known = (owner(place), wrapped.to_owned());
        if let Some(kept) = self.kept().opening.get(&known).and_then(Timed::fresh) {
            return Ok(kept);
        }
        let blob = STANDARD_NO_PAD.decode(wrapped).map_err(|_| SealError::Unreadable)?;
        let request = self.client.decrypt().key_id(&self.key_id).ciphertext_blob(Blob::new(blob));
        let opened = request.set_encryption_context(Some(context(place))).send().await.map_err(|error| {
            let not_ours = |code: &str| ["InvalidCiphertextException", "IncorrectKeyException"].contains(&code);
            match error.as_service_error().and_then(ProvideErrorMetadata::code) {
                Some(code) if not_ours(code) => SealError::Unreadable,
                _ => refused(&error),
            }
        })?;
        let key = Arc::new(cipher(opened.plaintext)?);
        keep(&mut self.kept().opening, known, Arc::clone(&key));
        Ok(key)
    }
}

impl std::fmt::Debug for KmsSealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KmsSealer").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Sealer for KmsSealer {
    fn seal<'a>(&'a self, place: &'a Place, value: &'a str, nonce: Nonce) -> BoxFuture<'a, Result<String, SealError>> {
        Box::pin(async move {
            let (wrapped, key) = self.sealing(place).await?;
            Ok(format!("{FORM}{wrapped}:{}", key.seal(place, value, nonce)?))
        })
    }

    fn open<'a>(&'a self, place: &'a Place, sealed: &'a str) -> BoxFuture<'a, Result<Plaintext, SealError>> {
        Box::pin(async move {
            let form = sealed.strip_prefix(FORM).and_then(|form| form.split_once(':'));
            let (wrapped, sealed) = form.ok_or(SealError::Unreadable)?;
            self.opening(place, wrapped).await?.open(place, sealed)
        })
    }
}

fn owner(place: &Place) -> Owner {
    (place.scope(), place.owner().to_owned())
}

/// What KMS authenticates with a wrapped key, and writes into its log: whose it is.
fn context(place: &Place) -> HashMap<String, String> {
    HashMap::from([
        ("molecule:scope".to_owned(), place.scope().as_str().to_owned()),
        ("molecule:owner".to_owned(), place.owner().to_owned()),
    ])
}

fn keep<K: Eq + std::hash::Hash, T>(kept: &mut HashMap<K, Timed<T>>, key: K, value: T) {
    if kept.len() >= MOST {
        kept.clear();
    }
    kept.insert(key, Timed(Instant::now(), value));
}

fn cipher(key: Option<Blob>) -> Result<Cipher, SealError> {
    let mut bytes = Zeroizing::new(key.map(Blob::into_inner).unwrap_or_default());
    let key = <[u8; KEY_BYTES]>::try_from(bytes.as_slice()).map(Zeroizing::new);
    bytes.zeroize();
    key.map(|key| Cipher::new(&key)).map_err(|_| unavailable("a key of another length"))
}

fn unavailable(text: &str) -> SealError {
    SealError::Unavailable(text.to_owned())
}

/// By its code alone: the SDK's words for an answer that it cannot read have the answer, and a key may stand in that.
fn refused<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> SealError {
    unavailable(error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or("no answer"))
}
