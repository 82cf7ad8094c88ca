//! A client of a platform that runs as a process.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::eventually;
use crate::world::{Agent, Answer};

/// Longer than any answer may take: nothing ever hangs.
const LONGEST: Duration = Duration::from_secs(60);

/// Talks to one platform, over loopback and so as its operator unless it shows a token.
#[derive(Debug, Clone)]
pub struct Client {
    /// The platform's address.
    pub url: String,
    http: reqwest::Client,
}

impl Client {
    /// A client of the platform at `url`.
    pub fn new(url: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(LONGEST).build().unwrap();
        Self { url: url.to_owned(), http }
    }

    /// A request with these headers; a body that is null is none.
    ///
    /// # Errors
    /// No answer came: the platform is gone.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> reqwest::Result<Answer> {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text_of = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: HashMap<_, _> =
            response.headers().iter().map(|(name, value)| (name.to_string(), text_of(value))).collect();
        let text = response.text().await?;
        Ok(Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text })
    }

    /// A request that must be answered.
    pub async fn call(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        self.request(method, path, &headers, body).await.unwrap()
    }

    /// An external workspace, not registered yet.
    pub async fn external(&self, name: &str) -> Agent {
        self.external_below(name, None).await
    }

    /// An external workspace below a parent.
    pub async fn external_below(&self, name: &str, parent: Option<&str>) -> Agent {
        let body = json!({ "name": name, "external": true, "parent_id": parent });
        let made = self.call("POST", "/workspaces", None, &body).await.expect(201).body;
        Agent { id: text(&made["id"]), token: text(&made["connection"]["auth_token"]) }
    }

    /// The workspace as an operator sees it.
    pub async fn show(&self, id: &str) -> Value {
        self.call("GET", &format!("/workspaces/{id}"), None, &Value::Null).await.expect(200).body
    }

    /// Waits until the workspace has this status, and shows it.
    pub async fn until_status(&self, id: &str, status: &str, bound: Duration) -> Value {
        let look = async || Some(self.show(id).await).filter(|shown| shown["status"] == status);
        eventually(&format!("{id} is {status}"), bound, look).await
    }

    /// Sends a message from one workspace to another, with the sender's token.
    pub async fn send(&self, from: &Agent, to: &str, message: &Value) -> Answer {
        self.try_send(from, to, message).await.unwrap()
    }

    /// As [`Client::send`], where the platform may go away meanwhile.
    ///
    /// # Errors
    /// No answer came.
    pub async fn try_send(&self, from: &Agent, to: &str, message: &Value) -> reqwest::Result<Answer> {
        let bearer = format!("Bearer {}", from.token);
        let headers = [("authorization", bearer.as_str()), ("x-workspace-id", from.id.as_str())];
        self.request("POST", &format!("/workspaces/{to}/a2a"), &headers, message).await
    }

    /// The entry of a queued message, by the answer that said so.
    pub async fn entry(&self, queued: &Answer) -> Value {
        self.call("GET", &queued.headers["location"], None, &Value::Null).await.expect(200).body
    }

    /// Waits until a queued message is answered, and returns its entry.
    pub async fn until_completed(&self, queued: &Answer, bound: Duration) -> Value {
        let look = async || Some(self.entry(queued).await).filter(|entry| entry["status"] == "completed");
        eventually("the queued message is answered", bound, look).await
    }
}

/// A message in a lane, or in none.
pub fn message(text: &str, lane: Option<&str>) -> Value {
    let mut message = json!({ "role": "user", "parts": [{ "kind": "text", "text": text }] });
    if let Some(lane) = lane {
        message["contextId"] = json!(lane);
    }
    json!({ "jsonrpc": "2.0", "id": 1, "method": "message/send", "params": { "message": message } })
}

/// The text of an agent's answer.
#[track_caller]
pub fn answer_text(answer: &Value) -> &str {
    answer["result"]["parts"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
