//! `POST /admin/workspaces/{id}/bootstrap-failed`.

use platform::decide::{Fault, decide};
use platform::openapi::Refusals;
use platform::store::Look;
use platform::{Call, Platform, Problem, Reply, Result};
use rules::WorkspaceId;
use rules::event::{Event, EventType};
use rules::memory::redacted as redact;
use rules::reason::{ReasonCode, StatusReason};
use rules::transition::{self, Trigger};
use serde::Deserialize;
use serde_json::json;

use crate::openapi;

/// Longest error that is kept, in bytes.
const ERROR_BYTES: usize = 1024;
/// Longest end of a log that is kept, in bytes.
const LOG_BYTES: usize = 8192;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = FailedBoot)]
struct Body {
    error: String,
    #[serde(default)]
    log_tail: String,
}

/// Whoever watches a boot from outside says that it failed: `{"error","log_tail"?}`. 200 `{"ok":true}`, with
/// `"no_change":true` if the workspace is not provisioning. What looks like a secret is not kept. Operators only.
///
/// # Errors
/// 400; 401; 403; 404; 503.
#[utoipa::path(
    post,
    path = "/admin/workspaces/{id}/bootstrap-failed",
    operation_id = "report_failed_boot",
    request_body = Body,
    responses((status = 200, description = "Noted", body = openapi::Noted), Refusals<400, 401, 403, 404, 503>),
    security(("operator" = [])),
)]
pub(crate) async fn bootstrap_failed(platform: Platform, call: Call) -> Result<Reply> {
    let (_, id, _) = platform.operator_of(&call, Look::record()).await?;
    let body: Body = call.json()?;
    let error = rules::field::capped(&redact(&body.error), ERROR_BYTES);
    let log_tail = redact(&body.log_tail);
    let log_tail = tail(&log_tail, LOG_BYTES);
    let changed = decide(|| round(&platform, id, &error, log_tail)).await?;
    Ok(Reply::ok(&if changed { json!({ "ok": true }) } else { json!({ "ok": true, "no_change": true }) }))
}

/// The last bytes of a text, from a character on.
fn tail(text: &str, bytes: usize) -> &str {
    let from = text.len().saturating_sub(bytes);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[from..]
}

async fn round(platform: &Platform, id: WorkspaceId, error: &str, log_tail: &str) -> Result<bool, Fault> {
    let workspace = platform.store.workspace(id).await?.ok_or_else(Problem::no_workspace)?;
    let trigger = Trigger::StartFailed { same_generation: true };
    let Ok(Some(status)) = transition::next(Some(workspace.status), trigger) else { return Ok(false) };
    let now = platform.now();
    let evidence = match log_tail.trim() {
        "" => error.to_owned(),
        log => format!("{error}; last log lines: {log}"),
    };
    let mut after = workspace;
    after.status = status;
    after.status_since = now;
    after.status_reasons = vec![StatusReason::new(ReasonCode::ProvisionFailed, now, evidence)];
    after.version += 1;
    after.updated_at = now;
    let told = json!({ "error": error, "log_tail": log_tail, "source": "bootstrap_watcher" });
    let transaction = platform.store.transaction().put_workspace(&after).provisioned(id);
    let event = Event::new(EventType::WorkspaceProvisionFailed, told);
    platform.tell(transaction, &after, Some(event)).commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn the_end_of_a_text_begins_at_a_character() {
        for (text, bytes, expected) in [("abc", 8, "abc"), ("abc", 2, "bc"), ("aéb", 2, "b"), ("é", 1, ""), ("", 5, "")]
        {
            assert_eq!(tail(text, bytes), expected);
        }
    }
}
