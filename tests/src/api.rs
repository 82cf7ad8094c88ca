//! Every route of the API, each with a request that serves, and a world in which it does.

use serde_json::{Value, json};

use crate::world::{ADMIN, Agent, Answer, World};

/// Nobody's id.
pub const NOBODY: &str = "99999999-9999-4999-8999-999999999999";

/// The value of every secret that a cast has.
pub const HELD: &str = "held-in-confidence";
/// The value of every secret that a request brings.
pub const BROUGHT: &str = "brought-in-confidence";

/// A request to one route.
#[derive(Debug, Clone)]
pub struct Request {
    /// The route.
    pub key: &'static str,
    /// Path with query.
    pub path: String,
    /// Headers beside the credential.
    pub headers: Vec<(&'static str, String)>,
    /// Body; null is none.
    pub body: Value,
}

impl Request {
    fn new(key: &'static str, path: String) -> Self {
        Self { key, path, headers: Vec::new(), body: Value::Null }
    }

    fn body(mut self, body: Value) -> Self {
        self.body = body;
        self
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Its method.
    pub fn method(&self) -> &'static str {
        self.key.split(' ').next().unwrap()
    }

    /// What a reading of it that serves is answered with: nothing is run for an external workspace, so there is no log of it.
    pub fn served(&self) -> u16 {
        if self.key.ends_with("/logs") || self.key.ends_with("/console") { 409 } else { 200 }
    }

    /// Its body as it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        if self.body.is_null() { Vec::new() } else { self.body.to_string().into_bytes() }
    }

    /// Whether its route reads a body.
    pub fn takes_body(&self) -> bool {
        !self.body.is_null()
    }
}

/// Two families in one organisation, and every kind of credential. All tokens were used this minute, so using them again
/// writes nothing.
///
/// ```text
/// parent ─┬─ own          uncle ─── cousin
///         ├─ sibling
///         └─ removed
/// ```
pub struct Cast {
    /// The platform.
    pub world: World,
    /// Whom the requests are about.
    pub own: Agent,
    /// May talk to it.
    pub sibling: Agent,
    /// Parent of both.
    pub parent: Agent,
    /// Has nothing to do with it.
    pub cousin: Agent,
    /// The cousin's parent.
    pub uncle: Agent,
    /// Was deleted; the token was its own.
    pub removed: Agent,
    /// An API token of `own`.
    pub api: String,
    /// Its id.
    pub api_id: String,
    /// Another, revoked.
    pub revoked: String,
    /// An operator's org token.
    pub org: String,
    /// Its id.
    pub org_id: String,
    /// Another, revoked.
    pub revoked_org: String,
    /// A boot credential of `own`.
    pub boot: String,
    /// A boot credential of the sibling.
    pub sibling_boot: String,
    /// A message from the sibling to `own`.
    pub queue_id: String,
    /// A memory of `own`.
    pub memory_id: String,
    /// A schedule of `own`.
    pub schedule_id: String,
}

impl Cast {
    /// Sets the scene in a world.
    pub async fn of(world: World) -> Self {
        let online = async |name: &str, parent: Option<&Agent>| {
            let agent = world.external_below(name, parent.map(|parent| parent.id.as_str())).await;
            let body = json!({ "id": agent.id, "agent_card": { "name": name }, "delivery_mode": "poll" });
            world.call("POST", "/registry/register", Some(&agent.token), &body).await.expect(200);
            agent
        };
        let (parent, uncle) = (online("parent", None).await, online("uncle", None).await);
        let (own, sibling) = (online("own", Some(&parent)).await, online("sibling", Some(&parent)).await);
        let (removed, cousin) = (online("removed", Some(&parent)).await, online("cousin", Some(&uncle)).await);
        let post = async |path: &str| world.call("POST", path, Some(ADMIN), &Value::Null).await.body;
        let delete = async |path: String| world.call("DELETE", &path, Some(ADMIN), &Value::Null).await.expect(200);
        let tokens = format!("/workspaces/{}/tokens", own.id);
        let (api, revoked) = (post(&tokens).await, post(&tokens).await);
        let (org, revoked_org) = (post("/org/tokens").await, post("/org/tokens").await);
        let boot = post(&format!("/admin/workspaces/{}/reset-credentials", own.id)).await;
        let sibling_boot = post(&format!("/admin/workspaces/{}/reset-credentials", sibling.id)).await;
        delete(format!("{tokens}/{}", text(&revoked["token_id"]))).await;
        delete(format!("/org/tokens/{}", text(&revoked_org["id"]))).await;
        delete(format!("/workspaces/{}", removed.id)).await;
        let path = format!("/workspaces/{}/a2a", own.id);
        let sent = world.call("POST", &path, Some(&sibling.token), &message("first")).await.expect(202);
        let path = format!("/workspaces/{}/schedules", own.id);
        let yearly = json!({ "name": "yearly", "cron_expr": "0 0 1 1 *", "prompt": "look" });
        let schedule = world.call("POST", &path, Some(ADMIN), &yearly).await.expect(201);
        let path = format!("/workspaces/{}/memories", own.id);
        let memory =
            world.call("POST", &path, Some(ADMIN), &json!({ "content": "c", "scope": "TEAM" })).await.expect(201);
        let secret = |key: &str| json!({ "key": key, "value": HELD });
        for (path, key) in [
            (format!("/workspaces/{}/secrets", own.id), "OWN_KEY"),
            ("/settings/secrets".to_owned(), "SETTINGS_KEY"),
            ("/admin/secrets".to_owned(), "ADMIN_KEY"),
        ] {
            world.call("POST", &path, Some(ADMIN), &secret(key)).await.expect(200);
        }
        // Fetched once, so that fetching again writes nothing.
        let values = format!("/workspaces/{}/secrets/values", own.id);
        world.call("GET", &values, Some(&own.token), &Value::Null).await.expect(200);
        let (api_id, org_id) = (text(&api["token_id"]), text(&org["id"]));
        let (api, org) = (text(&api["auth_token"]), text(&org["auth_token"]));
        for (token, id) in [
            (&own.token, &own.id),
            (&api, &own.id),
            (&org, &own.id),
            (&sibling.token, &sibling.id),
            (&parent.token, &parent.id),
            (&cousin.token, &cousin.id),
            (&uncle.token, &uncle.id),
        ] {
            world.call("GET", &format!("/workspaces/{id}"), Some(token), &Value::Null).await.expect(200);
        }
        Self {
            own,
            sibling,
            parent,
            cousin,
            uncle,
            removed,
            api,
            api_id,
            org,
            org_id,
            revoked: text(&revoked["auth_token"]),
            revoked_org: text(&revoked_org["auth_token"]),
            boot: text(&boot["boot_credential"]),
            sibling_boot: text(&sibling_boot["boot_credential"]),
            queue_id: text(&sent.body["queue_id"]),
            memory_id: text(&memory.body["id"]),
            schedule_id: text(&schedule.body["id"]),
            world,
        }
    }

    /// Sets the scene in a fresh world.
    pub async fn new() -> Self {
        Self::of(World::new().await).await
    }

    /// One request per route, about the workspace `id`; what destroys it comes last.
    pub fn requests(&self, id: &str) -> Vec<Request> {
        let to = |key: &'static str| {
            let path = key.split(' ').nth(1).unwrap().replace("{queue_id}", &self.queue_id);
            let path = path.replace("{delegation_id}", "d-1").replace("{schedule_id}", &self.schedule_id);
            let path = path.replace("{memory_id}", &self.memory_id);
            let secret = match key.split(['/', ' ']).nth(2) {
                Some("settings") => "SETTINGS_KEY",
                Some("admin") => "ADMIN_KEY",
                _ => "OWN_KEY",
            };
            let path = path.replace("{key}", secret);
            let token = if path.starts_with("/org/") { &self.org_id } else { &self.api_id };
            Request::new(key, path.replace("{token_id}", token).replace("{id}", id))
        };
        let discover = Request::new("GET /registry/discover/{id}", format!("/registry/discover/{}", self.sibling.id));
        let drop_stale = "POST /admin/a2a-queue/drop-stale";
        let drop_stale = Request::new(drop_stale, "/admin/a2a-queue/drop-stale?max_age_minutes=60".to_owned());
        vec![
            to("GET /health"),
            to("GET /metrics"),
            to("GET /openapi.json"),
            to("GET /admin/liveness"),
            to("GET /events"),
            to("GET /events/{id}"),
            to("GET /workspaces"),
            to("GET /workspaces/{id}"),
            to("GET /workspaces/{id}/state"),
            to("GET /workspaces/{id}/tokens"),
            to("GET /workspaces/{id}/a2a/queue"),
            to("GET /workspaces/{id}/a2a/queue/{queue_id}"),
            to("GET /workspaces/{id}/inbox"),
            to("GET /admin/a2a-queue/dead"),
            to("GET /workspaces/{id}/.well-known/agent-card.json"),
            to("GET /workspaces/{id}/.well-known/agent.json"),
            to("GET /org/tokens"),
            to("GET /registry/{id}/peers"),
            to("GET /workspaces/{id}/logs"),
            to("GET /workspaces/{id}/console"),
            to("GET /workspaces/{id}/explain"),
            to("POST /admin/workspaces/{id}/bootstrap-failed").body(json!({ "error": "e", "log_tail": "l" })),
            to("POST /workspaces/{id}/restart"),
            to("POST /workspaces/{id}/hibernate"),
            to("POST /workspaces/{id}/expand"),
            to("POST /workspaces/{id}/collapse"),
            discover.header("x-workspace-id", id),
            to("POST /registry/check-access").body(json!({ "caller_id": id, "target_id": self.sibling.id })),
            to("POST /registry/register")
                .body(json!({ "id": id, "agent_card": { "name": "own", "skills": [] }, "delivery_mode": "poll" })),
            to("POST /registry/update-card").body(json!({ "workspace_id": id, "agent_card": { "name": "other" } })),
            to("POST /registry/heartbeat").body(heartbeat(id)),
            to("POST /workspaces").body(json!({
                "name": "new", "role": "tester", "tier": 2, "external": true, "parent_id": self.parent.id, "model": "m",
                "max_concurrent_tasks": 2, "budget_limit": 100, "canvas": { "x": 1.5, "y": -2 }, "workspace_dir": "/data",
                "workspace_access": "read_only", "secrets": { "API_KEY": BROUGHT }, "template": null,
            })),
            to("PATCH /workspaces/{id}").body(json!({
                "name": "renamed", "role": "tester", "x": 1.5, "y": 2, "collapsed": true, "tier": 3, "model": "m",
                "parent_id": null, "workspace_dir": "/data", "workspace_access": "read_write",
                "max_concurrent_tasks": 3, "budget_limit": 5,
            })),
            to("POST /workspaces/{id}/a2a").body(message("again")).header("x-workspace-id", id),
            to("POST /workspaces/{id}/a2a/queue/{queue_id}/result")
                .body(json!({ "slot_epoch": 77, "status": 200, "body": { "done": true } })),
            to("POST /workspaces/{id}/inbox/{queue_id}/ack")
                .body(json!({ "slot_epoch": 77, "status": "completed", "response": { "done": true } })),
            to("POST /workspaces/{id}/inbox/{queue_id}/nack")
                .body(json!({ "slot_epoch": 77, "delay_seconds": 5, "reason": "busy" })),
            to("POST /workspaces/{id}/inbox/{queue_id}/extend").body(json!({ "slot_epoch": 77, "seconds": 60 })),
            drop_stale,
            to("GET /workspaces/{id}/delegations"),
            to("POST /workspaces/{id}/delegations/record")
                .body(json!({ "target_id": self.sibling.id, "task": "t", "delegation_id": "d-1" })),
            to("POST /workspaces/{id}/delegations/{delegation_id}/update")
                .body(json!({ "status": "failed", "error": "e", "response_preview": "r" })),
            to("POST /workspaces/{id}/delegate").body(json!({
                "target_id": self.sibling.id, "task": "t", "idempotency_key": "k", "deadline_seconds": 60,
            })),
            to("GET /workspaces/{id}/activity"),
            to("POST /workspaces/{id}/activity").body(json!({
                "activity_type": "agent_log", "method": "m", "summary": "s", "target_id": "t", "source_id": "",
                "status": "ok", "error_detail": "e", "duration_ms": 5, "request_body": {}, "response_body": {},
                "metadata": {},
            })),
            to("GET /workspaces/{id}/memories"),
            to("POST /workspaces/{id}/memories")
                .body(json!({ "content": "c", "scope": "TEAM", "namespace": "n" })),
            to("DELETE /workspaces/{id}/memories/{memory_id}"),
            to("GET /workspaces/{id}/secrets"),
            to("GET /workspaces/{id}/secrets/values"),
            to("POST /workspaces/{id}/secrets").body(json!({ "key": "API_KEY", "value": BROUGHT })),
            to("PUT /workspaces/{id}/secrets").body(json!({ "key": "API_KEY", "value": BROUGHT })),
            to("DELETE /workspaces/{id}/secrets/{key}"),
            to("GET /workspaces/{id}/model"),
            to("PUT /workspaces/{id}/model").body(json!({ "model": "m" })),
            to("GET /settings/secrets"),
            to("POST /settings/secrets").body(json!({ "key": "API_KEY", "value": BROUGHT })),
            to("PUT /settings/secrets").body(json!({ "key": "API_KEY", "value": BROUGHT })),
            to("DELETE /settings/secrets/{key}"),
            to("GET /admin/secrets"),
            to("POST /admin/secrets").body(json!({ "key": "API_KEY", "value": BROUGHT })),
            to("DELETE /admin/secrets/{key}"),
            to("GET /workspaces/{id}/schedules"),
            to("POST /workspaces/{id}/schedules").body(json!({
                "name": "daily", "cron_expr": "0 9 * * 1-5", "timezone": "Europe/Berlin", "prompt": "p", "enabled": true,
                "overlap": "coalesce", "catchup": "latest", "jitter_seconds": 5, "deadline_seconds": 60,
            })),
            to("GET /workspaces/{id}/schedules/health").header("x-workspace-id", id),
            to("GET /workspaces/{id}/schedules/{schedule_id}"),
            to("PATCH /workspaces/{id}/schedules/{schedule_id}").body(json!({
                "name": "weekly", "cron_expr": "0 9 * * 1", "timezone": "UTC", "prompt": "q", "enabled": true,
                "overlap": "skip", "catchup": "none", "jitter_seconds": 5, "deadline_seconds": 60,
            })),
            to("GET /workspaces/{id}/schedules/{schedule_id}/history"),
            to("GET /workspaces/{id}/schedules/{schedule_id}/explain"),
            to("GET /admin/schedules/health"),
            to("POST /workspaces/{id}/schedules/{schedule_id}/run"),
            to("DELETE /workspaces/{id}/schedules/{schedule_id}"),
            to("DELETE /workspaces/{id}/a2a/queue/{queue_id}"),
            to("POST /workspaces/{id}/a2a/queue/{queue_id}/replay"),
            to("POST /workspaces/{id}/tokens").body(json!({ "name": "ci" })),
            to("POST /org/tokens").body(json!({ "name": "ci" })),
            to("GET /admin/workspaces/{id}/test-token"),
            to("POST /admin/workspaces/{id}/test-token"),
            to("POST /admin/workspaces/{id}/reset-credentials"),
            to("POST /workspaces/{id}/pause"),
            to("POST /workspaces/{id}/resume"),
            to("DELETE /workspaces/{id}/tokens/{token_id}"),
            to("DELETE /org/tokens/{token_id}"),
            to("DELETE /workspaces/{id}"),
        ]
    }

    /// A token with which a request serves: the operator's, but where only an agent may.
    pub fn right(&self, request: &Request) -> &str {
        let agents = request.key.starts_with("POST /registry/") || request.key.ends_with("/result");
        let agents = agents || request.key.contains("/inbox") || request.key.ends_with("/secrets/values");
        if agents { &self.own.token } else { ADMIN }
    }

    /// Sends a request with this `Authorization`, or with none.
    pub async fn send(&self, request: &Request, authorization: Option<&str>) -> Answer {
        let mut headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("authorization", *value)).collect();
        headers.extend(request.headers.iter().map(|(name, value)| (*name, value.as_str())));
        self.world.raw(request.method(), &request.path, None, &headers, &request.bytes()).await
    }
}

/// A bearer, as `Authorization` has it.
pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Nothing in the table changed since `before` was read.
///
/// # Panics
/// With the items that differ.
#[track_caller]
pub fn assert_same(before: &[String], after: &[String], told: &str) {
    let gone: Vec<_> = before.iter().filter(|item| !after.contains(item)).collect();
    let new: Vec<_> = after.iter().filter(|item| !before.contains(item)).collect();
    assert!(gone.is_empty() && new.is_empty(), "{told} changed the table\nbefore: {gone:#?}\nafter: {new:#?}");
}

/// A message with this id.
pub fn message(id: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "message/send", "params": { "message": {
        "role": "user", "messageId": id, "contextId": "c", "parts": [{ "kind": "text", "text": "hi" }],
        "metadata": { "priority": "task", "deadline": "2026-01-02T00:00:00Z" },
    } } })
}

/// A heartbeat with every field.
fn heartbeat(id: &str) -> Value {
    json!({
        "workspace_id": id, "error_rate": 0.1, "sample_error": "e", "active_tasks": 1, "uptime_seconds": 5,
        "current_task": "t", "monthly_spend": 3, "runtime_state": "", "agent_card": { "name": "own" },
        "runtime_metadata": { "capabilities": { "retry": true }, "idle_timeout_seconds": 9 },
        "register_state": { "ok": true, "last_code": 200, "attempts": 1 }, "sent_at_ms": 1_767_225_600_000_i64,
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
