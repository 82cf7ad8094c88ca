//! Where the platform is, as its callers see it.

use http::uri::Authority;
use rules::WorkspaceId;

use super::Call;
use crate::config::Config;

/// The platform's public URL, without a slash at its end: the configured one, else as the request named the host. That is
/// HTTPS but for the local run, which has no TLS on its loopback; forwarding headers are not asked, anyone can send them.
pub fn base_url(call: &Call, config: &Config) -> String {
    config.external_platform_url.clone().unwrap_or_else(|| as_named(call.header("host"), config.development))
}

/// The hub's URL of a workspace: what its peers send to, so that rules and queue hold for everyone.
pub fn hub_url(base: &str, id: WorkspaceId) -> String {
    format!("{base}/workspaces/{id}/a2a")
}

fn as_named(host: Option<&str>, development: bool) -> String {
    let authority = host.and_then(|host| host.parse::<Authority>().ok()).filter(|host| !host.as_str().contains('@'));
    let host = authority.as_ref().map_or("localhost", Authority::as_str);
    let name = authority.as_ref().map_or("localhost", Authority::host);
    let loopback = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    let scheme = if development && loopback { "http" } else { "https" };
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_but_for_loopback_in_development() {
        for (host, development, url) in [
            (Some("api.example.com"), false, "https://api.example.com"),
            (Some("api.example.com:8443"), true, "https://api.example.com:8443"),
            (Some("localhost:8080"), true, "http://localhost:8080"),
            (Some("127.0.0.1:8080"), true, "http://127.0.0.1:8080"),
            (Some("[::1]:8080"), true, "http://[::1]:8080"),
            (Some("localhost:8080"), false, "https://localhost:8080"),
            (Some("localhost.example.com"), true, "https://localhost.example.com"),
            // Nothing that would turn the URL into another one.
            (Some("user@example.com"), true, "http://localhost"),
            (Some("example.com/path"), true, "http://localhost"),
            (Some("two words"), true, "http://localhost"),
            (None, true, "http://localhost"),
        ] {
            assert_eq!(as_named(host, development), url, "{host:?}");
        }
    }
}
