//! Which URLs an agent may have, so that nobody can make the control plane call what only the control plane reaches.
//!
//! Two steps, both pure, with the caller's DNS lookup between them. [`check_url`] judges the text, at create, register
//! and update-card. [`check_address`] judges every address the host resolves to, at register and again at each call,
//! and the call then goes to an address that was judged: a name that changes its mind in between gains nothing.
//!
//! The hostname of a container (`http://212851b5693d:8000`) is well-formed and passes the first step. It falls at the
//! second: outside its network the name does not resolve ([`UrlRefusal::Dns`]), inside it resolves to a private address.

#[cfg(test)]
mod properties;
mod ranges;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use url::{Host, ParseError, Url};

/// The most bytes of an agent's URL.
pub const MAX_URL_BYTES: usize = 2048;

/// Ports that never speak HTTP and can be made to misread it: none, SSH, mail.
const DENIED_PORTS: [u16; 3] = [0, 22, 25];

/// How strict to be. The default is the strictest, which is that of production.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Profile {
    /// A run on one's own machine: loopback and `localhost` are allowed.
    pub development: bool,
    /// The agents live in the control plane's own network (a VPC, a container bridge): private addresses are allowed.
    pub allow_private: bool,
}

/// An agent's URL whose text is allowed. If it [needs resolution](Self::needs_resolution), its addresses are not judged
/// yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentUrl(Url);

impl AgentUrl {
    /// The URL as parsed. Store and call this one, not the text it came from: a client may read that differently.
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// The host for a resolver, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The port, that of the scheme if none is given.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// The address, if the host is one. It is judged already.
    pub fn address(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
            Host::Domain(_) => None,
        }
    }

    /// Whether the host is a name, so that [`check_address`] must still judge what it resolves to. Also for
    /// `localhost`, where it is allowed.
    pub fn needs_resolution(&self) -> bool {
        self.address().is_none()
    }
}

impl fmt::Display for AgentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why an agent may not have a URL. What it says never repeats the URL or an address: the answer must not tell what
/// a name resolves to inside our network, and a URL may carry a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefusal {
    /// Not `http` or `https`.
    #[error("the URL must begin with http:// or https://")]
    Scheme,
    /// Not a URL.
    #[error("the URL cannot be read; give an absolute one such as https://agent.example.com/a2a")]
    Parse,
    /// Longer than [`MAX_URL_BYTES`].
    #[error("the URL must not be longer than {MAX_URL_BYTES} bytes")]
    TooLong,
    /// Has a `#`.
    #[error("the URL must not have a fragment; remove the `#` and what follows it")]
    Fragment,
    /// Has a user name or a password.
    #[error("the URL must not carry a user name or password; the platform authenticates with a bearer token")]
    Userinfo,
    /// No host, or not a valid one.
    #[error("the URL has no valid host; give a public name or address that the platform can reach")]
    Host,
    /// A port that is not one of HTTP.
    #[error("the URL's port cannot be used; serve the agent on another one, such as 443 or 8000")]
    Port,
    /// The host does not resolve, or to nothing. The caller, who resolves, says so.
    #[error("the URL's host does not resolve for the platform; give a public name, not that of a container or machine")]
    Dns,
    /// The host is, or resolves to, an address that is not to be called.
    #[error(
        "the URL leads to an address in a blocked range ({0}); give one that is reachable from the public Internet"
    )]
    BlockedRange(&'static str),
}

impl UrlRefusal {
    /// The stable `reason` of the API: `scheme`, `parse`, `userinfo`, `host`, `port`, `dns` or `blocked_range:<label>`.
    pub fn reason(&self) -> String {
        match self {
            Self::Scheme => "scheme".into(),
            Self::Parse | Self::TooLong | Self::Fragment => "parse".into(),
            Self::Userinfo => "userinfo".into(),
            Self::Host => "host".into(),
            Self::Port => "port".into(),
            Self::Dns => "dns".into(),
            Self::BlockedRange(label) => format!("blocked_range:{label}"),
        }
    }
}

/// Judges the text of a URL, and its host at once if that is an address, however it is spelt.
///
/// # Errors
///
/// See [`UrlRefusal`]; all but [`UrlRefusal::Dns`].
pub fn check_url(text: &str, profile: Profile) -> Result<AgentUrl, UrlRefusal> {
    if text.len() > MAX_URL_BYTES {
        return Err(UrlRefusal::TooLong);
    }
    // The parser would drop some of these and turn a backslash into a slash. Other parsers do not, so no URL of ours
    // has them.
    if text.is_empty() || text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(UrlRefusal::Parse);
    }
    let url = Url::parse(text).map_err(|error| match error {
        ParseError::RelativeUrlWithoutBase => UrlRefusal::Scheme,
        ParseError::InvalidPort => UrlRefusal::Port,
        ParseError::EmptyHost
        | ParseError::IdnaError
        | ParseError::InvalidIpv4Address
        | ParseError::InvalidIpv6Address
        | ParseError::InvalidDomainCharacter => UrlRefusal::Host,
        _ => UrlRefusal::Parse,
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlRefusal::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlRefusal::Userinfo);
    }
    if url.fragment().is_some() {
        return Err(UrlRefusal::Fragment);
    }
    if url.port().is_some_and(|port| DENIED_PORTS.contains(&port)) {
        return Err(UrlRefusal::Port);
    }
    match url.host().ok_or(UrlRefusal::Host)? {
        Host::Ipv4(ip) => check_address(ip.into(), profile)?,
        Host::Ipv6(ip) => check_address(ip.into(), profile)?,
        Host::Domain(name) if is_localhost(name) && !profile.development => {
            return Err(UrlRefusal::BlockedRange("loopback"));
        }
        Host::Domain(name) if name.trim_end_matches('.').is_empty() => {
            return Err(UrlRefusal::Host);
        }
        Host::Domain(_) => {}
    }
    Ok(AgentUrl(url))
}

/// Judges an address that a host resolved to. Every one of them must pass: which one a client takes is luck.
///
/// # Errors
///
/// [`UrlRefusal::BlockedRange`].
pub fn check_address(ip: IpAddr, profile: Profile) -> Result<(), UrlRefusal> {
    ranges::blocked(ip, profile).map_or(Ok(()), |label| Err(UrlRefusal::BlockedRange(label)))
}

/// `localhost` and every name under it; by RFC 6761 none of them leaves the machine. The parser has lowered the case.
fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}
