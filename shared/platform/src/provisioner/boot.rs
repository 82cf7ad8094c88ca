//! The boot credential: made from the generation's own secret, so that a start which is repeated brings the same one, and
//! nothing but its digest is stored beside that.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rules::workspace::Workspace;
use sha2::{Digest, Sha256};

/// What registers the current generation of a workspace. The secret that it is made from never leaves the record before a
/// register has shown this.
pub fn boot_secret(workspace: &Workspace) -> String {
    let text = format!("boot\0{}\0{}\0{}", workspace.inbound_secret, workspace.id, workspace.generation);
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}
