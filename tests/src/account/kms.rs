//! Keys of data, each with the context that it was made for. A key's bytes are all its number, and so is its wrapped form,
//! behind a `w`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Refusal;

#[derive(Debug, Default)]
pub(super) struct Keys(Vec<Value>);

impl Keys {
    pub fn answer(&mut self, operation: &str, asked: &Value) -> Result<Value, Refusal> {
        let answer = |number: u8| json!({ "KeyId": "k", "Plaintext": STANDARD.encode([number; 32]) });
        match operation {
            "GenerateDataKey" => {
                self.0.push(asked["EncryptionContext"].clone());
                let number = u8::try_from(self.0.len()).unwrap();
                let mut made = answer(number);
                made["CiphertextBlob"] = json!(STANDARD.encode([b'w', number]));
                Ok(made)
            }
            "Decrypt" => {
                let wrapped = STANDARD.decode(asked["CiphertextBlob"].as_str().unwrap()).unwrap();
                match wrapped.as_slice() {
                    [b'w', number] if self.0.get(usize::from(*number) - 1) == Some(&asked["EncryptionContext"]) => {
                        Ok(answer(*number))
                    }
                    [b'd', ..] => Err(("DisabledException", "the key is disabled")),
                    _ => Err(("InvalidCiphertextException", "not wrapped so")),
                }
            }
            _ => panic!("KMS is not asked for {operation}"),
        }
    }
}
