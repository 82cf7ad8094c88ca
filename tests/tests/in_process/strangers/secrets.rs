//! A secret stands in the answer that issues it, and nowhere else: in no other answer, no header, no error, no log.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tests::api::{BROUGHT, HELD, bearer, message};
use tests::{ADMIN, Agent, Answer, Cast, FakeAgent, Mood, World};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// Everything that was logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Answers with the requests that they are of.
#[derive(Default)]
struct Heard(Vec<(String, String)>);

impl Heard {
    fn note(&mut self, request: impl Into<String>, answer: &Answer) {
        self.0.push((request.into(), format!("{} {:?}", answer.text, answer.headers)));
    }

    /// The requests whose answers have `secret`.
    fn with(&self, secret: &str) -> Vec<&str> {
        self.0.iter().filter(|(_, answer)| answer.contains(secret)).map(|(request, _)| request.as_str()).collect()
    }
}

/// Every request with every credential, right or wrong.
async fn tour(cast: &Cast, heard: &mut Heard) -> Vec<(String, String)> {
    let mut issued = Vec::new();
    let credentials = [
        "",
        "unknown",
        &cast.revoked,
        &cast.revoked_org,
        &cast.removed.token,
        &cast.cousin.token,
        &cast.sibling_boot,
        &cast.boot,
        &cast.api,
        &cast.own.token,
        &cast.org,
        ADMIN,
    ];
    for request in cast.requests(&cast.own.id) {
        for credential in credentials {
            let authorization = bearer(credential);
            let answer =
                cast.send(&request, Some(&authorization).filter(|_| !credential.is_empty()).map(String::as_str)).await;
            for field in ["auth_token", "boot_credential"] {
                let secret = answer.body[field].as_str().or(answer.body["connection"][field].as_str());
                issued.extend(secret.map(|secret| (request.key.to_owned(), secret.to_owned())));
            }
            heard.note(request.key, &answer);
        }
    }
    issued
}

/// Agents with mistakes of every kind, which are told or logged.
async fn mistakes(cast: &Cast, heard: &mut Heard) {
    let world = &cast.world;
    let token = cast.cousin.token.as_str();
    let secret_url = format!("https://user:{token}@127.0.0.1:9/?key={token}");
    for body in [
        json!({ "id": cast.cousin.id, "url": secret_url, "agent_card": { "name": "x" } }),
        json!({ "id": cast.cousin.id, "url": "ftp://x", "agent_card": { "name": "x", "url": secret_url } }),
    ] {
        heard.note("refused url", &world.call("POST", "/registry/register", Some(token), &body).await.expect(400));
    }
    let spoken = Agent { id: token.to_owned(), token: token.to_owned() };
    heard.note("token as id", &world.beat(&spoken, &json!({})).await.expect(400));
    let path = format!("/workspaces/{token}");
    heard.note("token in path", &world.call("GET", &path, Some(token), &Value::Null).await.expect(400));
    let path = format!("/workspaces/{}/tokens?limit={token}", cast.cousin.id);
    heard.note("token in query", &world.call("GET", &path, Some(token), &Value::Null).await.expect(400));
    let body = json!({ "name": 5, "secrets": { "KEY": token } });
    heard.note("token in body", &world.call("POST", "/workspaces", Some(ADMIN), &body).await.expect(400));
    let body = json!({ "name": "w", "tier": token });
    heard.note("token as a number", &world.call("POST", "/workspaces", Some(ADMIN), &body).await.expect(400));
    let body = json!({ "name": "w", "workspace_access": token });
    heard.note("token as a word", &world.call("POST", "/workspaces", Some(ADMIN), &body).await.expect(400));
}

#[tokio::test]
async fn no_answer_repeats_a_secret() {
    let cast = Cast::new().await;
    let mut heard = Heard::default();
    mistakes(&cast, &mut heard).await;
    let issued = tour(&cast, &mut heard).await;
    assert!(issued.len() >= 9, "register, tokens, org tokens, test tokens, reset and create issue: {issued:?}");
    for (request, secret) in &issued {
        assert_eq!(heard.with(secret), [request.as_str()], "issued once, by {request}");
        assert_eq!(heard.with(&platform::entropy::digest(secret)), [""; 0], "the digest stays inside");
    }
    for old in [
        ADMIN,
        &cast.own.token,
        &cast.sibling.token,
        &cast.cousin.token,
        &cast.parent.token,
        &cast.removed.token,
        &cast.api,
        &cast.revoked,
        &cast.org,
        &cast.revoked_org,
        &cast.boot,
        &cast.sibling_boot,
    ] {
        assert_eq!(heard.with(old), [""; 0], "issued before");
        assert_eq!(heard.with(&platform::entropy::digest(old)), [""; 0], "its digest");
    }
    assert_eq!(heard.with(BROUGHT), [""; 0], "what was brought is not said");
    let told = heard.with(HELD);
    assert!(told.iter().all(|request| request.ends_with("/secrets/values")), "the runtime alone hears it: {told:?}");
    for agent in [&cast.own, &cast.sibling] {
        let secret =
            cast.world.platform.store.workspace(agent.id.parse().unwrap()).await.unwrap().unwrap().inbound_secret;
        let told = heard.with(&secret);
        assert!(told.iter().all(|request| *request == "POST /registry/register"), "the agent alone hears it: {told:?}");
    }
}

#[tokio::test]
async fn no_log_line_has_a_secret() {
    let log = Log::default();
    let filter = EnvFilter::new("debug,dynoxide=off,hyper=off,local=off");
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(log.clone()).finish();
    let _guard = subscriber.set_default();
    let agent =
        FakeAgent::start(Mood::Answer(r#"{"jsonrpc":"2.0","id":1,"result":"said-in-confidence"}"#.into())).await;
    let cast = Cast::new().await;
    let world = &cast.world;
    world.register(&cast.parent, &agent.url).await.expect(200);
    let path = format!("/workspaces/{}/a2a", cast.parent.id);
    world.call("POST", &path, Some(&cast.own.token), &message("secret-question")).await.expect(202);
    world.settle().await;
    assert_eq!(agent.got().len(), 1);
    let mut heard = Heard::default();
    mistakes(&cast, &mut heard).await;
    let issued = tour(&cast, &mut heard).await;
    world.sweep().await;
    // Failures are what is logged most; the SDK's words for them have the request.
    world.gate.inject(|_, _| Some(tests::Fault::ServerError));
    for request in cast.requests(&cast.sibling.id) {
        let answer = cast.send(&request, Some(&bearer(&cast.sibling.token))).await;
        let open = ["GET /health", "GET /metrics", "GET /openapi.json"].contains(&request.key);
        assert!(
            open || answer.status == 503 || request.key.ends_with("test-token"),
            "{}: {}",
            request.key,
            answer.text
        );
    }
    world.gate.heal();

    let text = log.text();
    assert!(text.contains("org token issued") && text.contains("datastore"), "the log was captured");
    let stored = world.platform.store.workspace(cast.own.id.parse().unwrap()).await.unwrap().unwrap();
    let old = [
        ADMIN,
        &cast.own.token,
        &cast.sibling.token,
        &cast.cousin.token,
        &cast.removed.token,
        &cast.api,
        &cast.revoked,
        &cast.org,
        &cast.revoked_org,
        &cast.boot,
        &cast.sibling_boot,
        &stored.inbound_secret,
        "said-in-confidence",
        HELD,
        BROUGHT,
        tests::SEALING_KEY,
    ];
    for secret in issued.iter().map(|(_, secret)| secret.as_str()).chain(old) {
        let line = text.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "logged: {}", line.unwrap_or_default());
    }
}

#[tokio::test]
async fn an_answer_that_issues_a_secret_is_not_cached() {
    let cast = Cast::new().await;
    for request in cast.requests(&cast.sibling.id) {
        let answer = cast.send(&request, Some(&bearer(ADMIN))).await;
        // The description of the API has the names of fields, and no secret.
        if request.key == "GET /openapi.json" {
            continue;
        }
        if answer.text.contains("auth_token\":") || answer.text.contains("boot_credential") {
            assert_eq!(answer.headers.get("cache-control").map(String::as_str), Some("no-store"), "{}", request.key);
        }
    }
    let register = json!({ "id": cast.sibling.id, "agent_card": { "name": "x" }, "delivery_mode": "poll" });
    let answer = cast.world.call("POST", "/registry/register", Some(&cast.sibling_boot), &register).await;
    assert_eq!(answer.status, 410, "the requests above deleted it: {}", answer.text);
    let world = World::new().await;
    let agent = world.external("a").await;
    let answer = world.register(&agent, "http://127.0.0.1:9/").await.expect(200);
    assert_eq!(answer.headers.get("cache-control").map(String::as_str), Some("no-store"), "it has the inbound secret");
}
