//! Incident C's last finding: a parent that waits for a child before it has read what that wrote.

use serde_json::json;

use crate::engine::Engine;
use crate::site::Site;

/// Writes 4 MiB to each output, in turns, with an input that it does not read.
const LOUD: &str =
    "for part in 1 2 3 4; do head -c 1048576 /dev/zero | tr '\\0' e >&2; head -c 1048576 /dev/zero | tr '\\0' o; done";

pub(crate) async fn child_output_never_deadlocks(engine: Engine) {
    let Some(site) = Site::new(engine, &[]).await else { return };
    let id = site.online(&json!({ "name": "bob", "command": LOUD })).await;
    for _ in 0..2 {
        let text = site.ask(&id, &"i".repeat(200_000)).await;
        assert!(text.starts_with("oooo") && !text.contains('e'.to_string().repeat(9).as_str()), "{} bytes", text.len());
    }
    assert_eq!(site.show(&id).await["generation"], 1);
}
