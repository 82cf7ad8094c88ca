//! What the program can be told, as arguments or as environment variables. Each option has one name, one variable and
//! one default, all here.

use std::{net::IpAddr, num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::builder::NonEmptyStringValueParser;
use reqwest::Url;
use uuid::Uuid;

use crate::secret::Secret;

/// How messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// The platform calls.
    Push,
    /// The program fetches.
    Poll,
}

/// Runs a command for each message that the platform sends to a workspace.
#[derive(Clone, Debug, clap::Parser)]
#[command(version, about)]
pub struct Options {
    /// The platform's address, such as http://127.0.0.1:8080
    #[arg(long, env = "PLATFORM_URL", value_name = "URL", value_parser = http_url)]
    pub platform: String,

    /// The workspace that this program is
    #[arg(long, env = "WORKSPACE_ID", value_name = "UUID")]
    pub workspace: Uuid,

    /// The workspace's bearer token; prefer the variable, since arguments show in ps
    #[arg(long, env = "WORKSPACE_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<Secret>,

    /// Where the token that register gives is kept (mode 0600); if the file exists, it goes before --token
    #[arg(long, env = "WORKSPACE_TOKEN_FILE", value_name = "PATH")]
    pub token_file: Option<PathBuf>,

    /// The address to listen on
    #[arg(long, env = "WORKSPACE_LISTEN", value_name = "IP", default_value = "127.0.0.1")]
    pub listen: IpAddr,

    /// The port to listen on; 0 takes any free one
    #[arg(long, env = "WORKSPACE_PORT", value_name = "PORT", default_value_t = 8000)]
    pub port: u16,

    /// How messages come: `push`, the platform calls this program; `poll`, it fetches them and listens nowhere
    #[arg(long, env = "WORKSPACE_MODE", value_name = "MODE", value_enum, default_value = "push")]
    pub mode: Mode,

    /// The URL under which the platform reaches this program; needed unless it listens on loopback
    #[arg(long, env = "MOLECULE_WORKSPACE_URL", value_name = "URL", value_parser = http_url)]
    pub url: Option<String>,

    /// The command of a turn, run by sh -c: the message is its input, its output is the answer; `builtin:echo` answers with the message, without a shell
    #[arg(long, env = "WORKSPACE_COMMAND", value_name = "COMMAND", value_parser = NonEmptyStringValueParser::new())]
    pub command: String,

    /// The name in the agent card [default: the workspace's id, which the platform replaces by its own name for it]
    #[arg(long, env = "WORKSPACE_NAME", value_name = "NAME")]
    pub name: Option<String>,

    /// The description in the agent card
    #[arg(
        long,
        env = "WORKSPACE_DESCRIPTION",
        value_name = "TEXT",
        default_value = "Runs a command for each message and answers with its output."
    )]
    pub description: String,

    /// How many turns may run at once
    #[arg(long, env = "WORKSPACE_MAX_CONCURRENT", value_name = "N", default_value = "1")]
    pub max_concurrent: NonZeroUsize,

    /// Seconds between heartbeats, at least 0.1; the platform's answers may change it
    #[arg(long, env = "WORKSPACE_HEARTBEAT_INTERVAL", value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub heartbeat_interval: Duration,

    /// Seconds after which a turn that may be answered later is answered with 202
    #[arg(long, env = "WORKSPACE_ANSWER_WITHIN", value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub answer_within: Duration,

    /// Seconds after which a turn is stopped; 0 means never
    #[arg(long, env = "WORKSPACE_TURN_TIMEOUT", value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub turn_timeout: Duration,

    /// How much of a turn's output is kept; the rest is read and thrown away, with a note
    #[arg(long, env = "WORKSPACE_MAX_OUTPUT_BYTES", value_name = "BYTES", default_value_t = 2 * 1024 * 1024)]
    pub max_output_bytes: usize,
}

/// An `http` or `https` address, without its trailing slash so that paths can be appended.
fn http_url(value: &str) -> Result<String, String> {
    let help = "give an address such as http://127.0.0.1:8080";
    let url = Url::parse(value).map_err(|error| format!("{error}; {help}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("only http and https are possible; {help}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("an address must not contain a user or a password; {help}"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("an address must not contain a query or a fragment; {help}"));
    }
    Ok(value.trim().trim_end_matches('/').to_owned())
}

fn seconds(value: &str) -> Result<Duration, String> {
    let help = "give a number of seconds such as 30 or 0.5";
    let number: f64 = value.parse().map_err(|_| help.to_owned())?;
    Duration::try_from_secs_f64(number).map_err(|error| format!("{error}; {help}"))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    const NEEDED: [&str; 7] = [
        "workspace-runtime",
        "--platform",
        "http://127.0.0.1:8080/",
        "--workspace",
        "6b1f5a0e-8d7c-4a51-9a64-0a4f0b7f7c11",
        "--command",
        "cat",
    ];

    #[test]
    fn the_definition_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn every_option_has_a_variable() {
        for argument in Options::command().get_arguments() {
            assert!(argument.get_env().is_some(), "{} has no variable", argument.get_id());
        }
    }

    #[test]
    fn a_trailing_slash_of_the_platform_is_dropped() {
        let options = Options::try_parse_from(NEEDED).unwrap();
        assert_eq!(options.platform, "http://127.0.0.1:8080");
        assert_eq!(options.heartbeat_interval, Duration::from_secs(30));
    }

    #[test]
    fn help_never_shows_the_token() {
        let mut arguments = NEEDED.to_vec();
        arguments.extend(["--token", "s3cret"]);
        let options = Options::try_parse_from(arguments).unwrap();
        assert!(!format!("{options:?}").contains("s3cret"));
    }

    #[test]
    fn addresses_that_cannot_be_called_are_refused() {
        for bad in ["nonsense", "ftp://x", "http://user:pw@x", "http://x/?q=1"] {
            assert!(http_url(bad).is_err(), "{bad}");
        }
        assert!(seconds("-1").is_err());
        assert!(seconds("NaN").is_err());
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
    }
}
