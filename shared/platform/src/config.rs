//! Settings: each environment variable has one constant, one default and one line of documentation.

use std::collections::HashMap;
use std::time::Duration;

mod ecs;
mod engine;

pub use ecs::{EcsLaunch, EcsSettings};
pub use engine::{Backend, EngineSettings};

/// A variable, its default and what it does; the README's table is compared with these.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its default as text; empty for none.
    pub default: &'static str,
    /// What it does, one line.
    pub doc: &'static str,
}

macro_rules! variables {
    ($($name:ident = $default:literal, $doc:literal;)*) => {
        $(const $name: Variable = Variable { name: stringify!($name), default: $default, doc: $doc };)*
        /// Every variable that the functions read.
        pub const VARIABLES: &[Variable] = &[$($name),*];
    };
}

variables! {
    TABLE_NAME = "molecule", "DynamoDB table";
    DYNAMODB_ENDPOINT_URL = "", "where functions that run outside AWS find DynamoDB: those of `sam local` and `cargo lambda watch`; see FUNCTIONS_ADDRESS";
    SQS_ENDPOINT_URL = "", "the same for SQS";
    QUEUE_PREFIX = "molecule", "prefix of the workspaces' queues, at most 28 characters, and the metrics' `stack`";
    DISPATCH_QUEUE_URL = "", "queue of wake-ups for the dispatch function";
    DISPATCH_VPC_QUEUE_URL = "", "with ECS: queue of the dispatch function in the tasks' network, the only one that reaches them";
    TIMERS_QUEUE_URL = "", "queue of reminders for the timers function";
    PROVISION_QUEUE_URL = "", "FIFO queue of jobs for the provision function";
    DEAD_LETTER_QUEUE_URL = "", "queue that gets a copy of each message that failed, for the alarm; none, no copies";
    EVENT_BUS_NAME = "", "event bus of the publish function, which puts every workspace event on it";
    MOLECULE_ENV = "production", "`production` needs `ADMIN_TOKEN`, hides test-token and refuses loopback agent URLs; `development` is the local run";
    ADMIN_TOKEN = "", "the operator's bearer token, at least 16 characters; required in production";
    SECRETS_ENCRYPTION_KEY = "", "key that workspaces' secrets are stored under: 32 bytes, raw or base64; without one none is stored; the local run makes its own";
    SECRETS_KMS_KEY_ID = "", "on AWS: KMS key that wraps the keys of secrets, instead of `SECRETS_ENCRYPTION_KEY`";
    MOLECULE_ORG_ID = "default", "the organisation of new workspaces";
    EXTERNAL_PLATFORM_URL = "", "public URL of the API, for connection snippets and agents; default: as the request named it";
    CORS_ORIGINS = "http://localhost:3000,http://localhost:3001", "origins that may call the API from a browser, comma-separated";
    ALLOW_PRIVATE_AGENT_URLS = "false", "agents may live at private (RFC 1918) addresses";
    LIVENESS_TTL_SECONDS = "60", "a lease without a heartbeat ends after this";
    HEARTBEAT_INTERVAL_SECONDS = "30", "interval that agents are told, at most half the lease";
    HEARTBEAT_URL = "", "where agents beat, told to them at register: on AWS the heartbeat function's own URL, past the API; none: `/registry/heartbeat`";
    REGISTER_FAILURE_WINDOW_SECONDS = "300", "how long an authenticated register that failed degrades its workspace";
    PROVISIONER = "none", "what runs managed workspaces: `process` (local children; the local run's default), `docker`, `ecs`, or `none`: whoever runs the agents starts them";
    WORKSPACE_PLATFORM_URL = "", "URL of the API as started agents reach it; default: `process` and `docker` know it, `ecs` takes `EXTERNAL_PLATFORM_URL`, or on AWS the API's own";
    WORKSPACE_IMAGE = "molecule-workspace:latest", "image of workspaces whose runtime has none of its own";
    WORKSPACE_IMAGES = "", "images by runtime: `langgraph=example/langgraph:1,crewai=example/crewai:2`";
    WORKSPACE_COMMAND = "", "command of a turn where neither workspace nor image names one; `builtin:echo` with `process`";
    TIER1_MEMORY_MB = "256", "memory of a tier 1 workspace, MiB";
    TIER1_CPU_SHARES = "512", "CPU of a tier 1 workspace; 1024 are one CPU";
    TIER2_MEMORY_MB = "512", "memory of a tier 2 workspace, MiB";
    TIER2_CPU_SHARES = "1024", "CPU of a tier 2 workspace";
    TIER3_MEMORY_MB = "2048", "memory of a tier 3 workspace, MiB";
    TIER3_CPU_SHARES = "2048", "CPU of a tier 3 workspace";
    TIER4_MEMORY_MB = "4096", "memory of a tier 4 workspace, MiB";
    TIER4_CPU_SHARES = "4096", "CPU of a tier 4 workspace";
    ALLOW_PRIVILEGED_TIERS = "0", "`1` lets tiers 3 and 4 have the rights over their host that their names say";
    PROVISION_TIMEOUT_SECONDS = "600", "a workspace that is provisioning for longer has failed; any other value than the default goes before `PROVISION_TIMEOUTS`";
    PROVISION_TIMEOUTS = "hermes=1800", "the same by runtime, in seconds, while `PROVISION_TIMEOUT_SECONDS` has its default: `hermes=1800,other=60`";
    RESTART_SILENCE_SECONDS = "180", "a silent agent whose engine says that it runs is restarted after this";
    RESTART_BACKOFF_SECONDS = "10", "pause before the second restart in a row; doubles up to 300; the first is at once";
    RESTART_DEBOUNCE_SECONDS = "5", "a restart that is asked for so soon after a start changes nothing";
    MAX_RESTART_ATTEMPTS = "5", "restarts in a row before a workspace fails as `crash_loop`";
    STABLE_AFTER_SECONDS = "300", "a start that lived for this long begins a new count of restarts";
    RESTART_CONTEXT = "1", "`0`: a restart sends its agent no message about it, and so costs no turn";
    ECS_CLUSTER = "", "ECS cluster of the workspaces, by name or ARN; this and the next are for `PROVISIONER=ecs`";
    ECS_SUBNETS = "", "subnets of the tasks, comma-separated";
    ECS_SECURITY_GROUPS = "", "security groups of the tasks, comma-separated";
    ECS_ASSIGN_PUBLIC_IP = "false", "tasks have a public address, which those in a public subnet need";
    ECS_LAUNCH = "FARGATE", "`FARGATE`, or a capacity provider of the cluster, whose EC2 instances run the tasks";
    ECS_EXECUTION_ROLE_ARN = "", "role with which ECS pulls images and writes logs; required on Fargate";
    ECS_TASK_ROLE_ARN = "", "role of the agents themselves; the stack's allows nothing";
    ECS_LOG_GROUP = "", "CloudWatch log group of the tasks";
    A2A_SYNC_WAIT_SECONDS = "25", "how long a sender waits for the answer before it gets 202, at most 840; 28 behind API Gateway";
    A2A_MAX_WAITING = "256", "senders that wait at once in one process; further ones get 202 at once";
    DISPATCH_HOLD_SECONDS = "840", "how long the connection to an agent is held for its answer, at most 890; 840 on AWS";
    DRAIN_WAIT_SECONDS = "1", "how long a drain waits for a last message before it ends, 0 to 20; at most 5 on AWS";
    INBOX_WAIT_MAX_SECONDS = "5", "how long a poll of an inbox may wait for a message, 0 to 20, each paid for on AWS; 20 in the local run";
    INBOX_LEASE_SECONDS = "120", "how long an agent that fetched a message has for it, unless it extends the lease";
    SETTLE_RETRY_SECONDS = "20", "how long an agent's answer is tried to be stored while the table does not answer, at most 60; 30 on AWS";
    MAX_TURN_SECONDS = "3600", "ceiling of one turn, with the grace at most 43000";
    TURN_GRACE_SECONDS = "60", "grace after the ceiling";
    ACTIVITY_RETENTION_DAYS = "7", "how long events, activity, the ledger of fires and finished messages are kept";
}

/// A variable that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct ConfigError {
    /// Which variable.
    pub name: &'static str,
    /// What is wrong and what is expected.
    pub problem: String,
}

/// The settings of the functions, read once and validated at start.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is the variable of the same name")]
pub struct Config {
    pub table_name: String,
    pub dynamodb_endpoint_url: Option<String>,
    pub sqs_endpoint_url: Option<String>,
    pub queue_prefix: String,
    pub dispatch_queue_url: String,
    pub dispatch_vpc_queue_url: Option<String>,
    pub timers_queue_url: String,
    pub provision_queue_url: String,
    pub dead_letter_queue_url: String,
    pub event_bus_name: String,
    pub development: bool,
    pub admin_token: Option<Secret>,
    pub secrets_encryption_key: Option<Secret>,
    pub secrets_kms_key_id: Option<String>,
    pub org: String,
    pub external_platform_url: Option<String>,
    pub cors_origins: Vec<String>,
    pub allow_private_agent_urls: bool,
    pub liveness_ttl: Duration,
    pub heartbeat_interval: Duration,
    pub heartbeat_url: Option<String>,
    pub register_failure_window: Duration,
    pub engine: EngineSettings,
    pub sync_wait: Duration,
    pub max_waiting: usize,
    pub dispatch_hold: Duration,
    pub drain_wait: u8,
    pub inbox_wait: Duration,
    pub inbox_lease: Duration,
    pub settle_retry: Duration,
    pub max_turn: Duration,
    pub turn_grace: Duration,
    pub retention: Duration,
}

/// A secret that no debug print shows.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// The longest that a turn may be: SQS keeps a message invisible for at most 12 hours.
const MAX_TURN_LIMIT: Duration = Duration::from_secs(43_000);

impl Config {
    /// From the process's environment.
    ///
    /// # Errors
    /// The first variable that cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_map(&std::env::vars().collect())
    }

    /// From a map of variables.
    ///
    /// # Errors
    /// The first variable that cannot be used.
    pub fn from_map(vars: &HashMap<String, String>) -> Result<Self, ConfigError> {
        let read = Reader(vars);
        let development = read.one_of(&MOLECULE_ENV, &["production", "development"])? == "development";
        let admin_token = read.optional(&ADMIN_TOKEN).map(Secret);
        match &admin_token {
            None if !development => return Err(error(&ADMIN_TOKEN, "is required when MOLECULE_ENV is production")),
            Some(token) if token.0.len() < 16 => return Err(error(&ADMIN_TOKEN, "must have at least 16 characters")),
            _ => {}
        }
        let liveness_ttl = read.seconds(&LIVENESS_TTL_SECONDS, 0.5, 86_400.0)?;
        let config = Self {
            table_name: read.text(&TABLE_NAME),
            dynamodb_endpoint_url: read.optional(&DYNAMODB_ENDPOINT_URL),
            sqs_endpoint_url: read.optional(&SQS_ENDPOINT_URL),
            queue_prefix: read.queue_prefix()?,
            dispatch_queue_url: read.text(&DISPATCH_QUEUE_URL),
            dispatch_vpc_queue_url: read.optional(&DISPATCH_VPC_QUEUE_URL),
            timers_queue_url: read.text(&TIMERS_QUEUE_URL),
            provision_queue_url: read.text(&PROVISION_QUEUE_URL),
            dead_letter_queue_url: read.text(&DEAD_LETTER_QUEUE_URL),
            event_bus_name: read.text(&EVENT_BUS_NAME),
            development,
            admin_token,
            secrets_encryption_key: read.sealing_key()?,
            secrets_kms_key_id: read.optional(&SECRETS_KMS_KEY_ID),
            org: read.text(&MOLECULE_ORG_ID),
            external_platform_url: read
                .optional(&EXTERNAL_PLATFORM_URL)
                .map(|url| url.trim_end_matches('/').to_owned()),
            cors_origins: read.list(&CORS_ORIGINS),
            allow_private_agent_urls: read.one_of(&ALLOW_PRIVATE_AGENT_URLS, &["true", "false"])? == "true",
            heartbeat_interval: read.seconds(&HEARTBEAT_INTERVAL_SECONDS, 0.1, 3_600.0)?.min(liveness_ttl / 2),
            heartbeat_url: read.optional(&HEARTBEAT_URL),
            liveness_ttl,
            register_failure_window: read.seconds(&REGISTER_FAILURE_WINDOW_SECONDS, 0.0, 86_400.0)?,
            engine: EngineSettings::read(&read)?,
            sync_wait: read.seconds(&A2A_SYNC_WAIT_SECONDS, 0.0, 840.0)?,
            max_waiting: read.count(&A2A_MAX_WAITING, 0, 1_000_000)?,
            dispatch_hold: read.seconds(&DISPATCH_HOLD_SECONDS, 0.1, 890.0)?,
            drain_wait: u8::try_from(read.count(&DRAIN_WAIT_SECONDS, 0, 20)?).unwrap_or(20),
            inbox_wait: read.seconds(&INBOX_WAIT_MAX_SECONDS, 0.0, 20.0)?,
            inbox_lease: read.seconds(&INBOX_LEASE_SECONDS, 1.0, 3_600.0)?,
            settle_retry: read.seconds(&SETTLE_RETRY_SECONDS, 0.0, 60.0)?,
            max_turn: read.seconds(&MAX_TURN_SECONDS, 1.0, MAX_TURN_LIMIT.as_secs_f64())?,
            turn_grace: read.seconds(&TURN_GRACE_SECONDS, 0.0, 3_600.0)?,
            retention: read.seconds(&ACTIVITY_RETENTION_DAYS, 1.0, 365.0)? * 86_400,
        };
        if config.max_turn + config.turn_grace > MAX_TURN_LIMIT {
            return Err(error(&MAX_TURN_SECONDS, "with TURN_GRACE_SECONDS must stay within 43000 seconds"));
        }
        if config.secrets_encryption_key.is_some() && config.secrets_kms_key_id.is_some() {
            return Err(error(&SECRETS_KMS_KEY_ID, "cannot be set beside SECRETS_ENCRYPTION_KEY; keep one of them"));
        }
        Ok(config)
    }

    /// Which agent URLs may be called.
    pub fn url_profile(&self) -> rules::url_policy::Profile {
        rules::url_policy::Profile { development: self.development, allow_private: self.allow_private_agent_urls }
    }
}

fn error(variable: &Variable, problem: impl Into<String>) -> ConfigError {
    ConfigError { name: variable.name, problem: problem.into() }
}

struct Reader<'a>(&'a HashMap<String, String>);

impl Reader<'_> {
    fn optional(&self, variable: &Variable) -> Option<String> {
        self.0.get(variable.name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn text(&self, variable: &Variable) -> String {
        self.optional(variable).unwrap_or_else(|| variable.default.to_owned())
    }

    fn list(&self, variable: &Variable) -> Vec<String> {
        self.text(variable).split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    }

    fn one_of(&self, variable: &Variable, allowed: &[&'static str]) -> Result<&'static str, ConfigError> {
        let value = self.text(variable).to_ascii_lowercase();
        allowed
            .iter()
            .find(|allowed| **allowed == value)
            .copied()
            .ok_or_else(|| error(variable, format!("must be one of {}", allowed.join(", "))))
    }

    fn seconds(&self, variable: &Variable, min: f64, max: f64) -> Result<Duration, ConfigError> {
        let value: Option<f64> = self.text(variable).parse().ok();
        value
            .filter(|value| value.is_finite() && (min..=max).contains(value))
            .map(Duration::from_secs_f64)
            .ok_or_else(|| error(variable, format!("must be a number from {min} to {max}")))
    }

    fn count(&self, variable: &Variable, min: usize, max: usize) -> Result<usize, ConfigError> {
        let value: Option<usize> = self.text(variable).parse().ok();
        value
            .filter(|value| (min..=max).contains(value))
            .ok_or_else(|| error(variable, format!("must be a whole number from {min} to {max}")))
    }

    /// A key that can be used; what is wrong is told without it.
    fn sealing_key(&self) -> Result<Option<Secret>, ConfigError> {
        let Some(text) = self.optional(&SECRETS_ENCRYPTION_KEY) else { return Ok(None) };
        match crate::sealing::parse_key(&text) {
            Some(_) => Ok(Some(Secret(text))),
            None => Err(error(&SECRETS_ENCRYPTION_KEY, "must be 32 bytes, raw or as base64")),
        }
    }

    /// `<prefix>-<uuid>-critical.fifo` must fit into the 80 characters of a queue's name.
    fn queue_prefix(&self) -> Result<String, ConfigError> {
        let prefix = self.text(&QUEUE_PREFIX);
        let fits = prefix.len() <= 28 && prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if fits { Ok(prefix) } else { Err(error(&QUEUE_PREFIX, "must be at most 28 letters, digits, - or _")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn vars(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn production_is_the_default_and_needs_an_admin_token() {
        let refused = Config::from_map(&vars(&[])).unwrap_err();
        assert_eq!(refused.name, "ADMIN_TOKEN");
        let config = Config::from_map(&vars(&[("ADMIN_TOKEN", "0123456789abcdef")])).unwrap();
        assert!(!config.development);
        assert!(!format!("{config:?}").contains("0123456789abcdef"), "no secret in a debug print");
    }

    #[test]
    fn bad_values_name_the_variable() {
        for (name, value) in [
            ("LIVENESS_TTL_SECONDS", "soon"),
            ("LIVENESS_TTL_SECONDS", "-1"),
            ("LIVENESS_TTL_SECONDS", "NaN"),
            ("MOLECULE_ENV", "prod"),
            ("QUEUE_PREFIX", "has space"),
            ("MAX_TURN_SECONDS", "43000"),
            ("DRAIN_WAIT_SECONDS", "21"),
            ("SECRETS_ENCRYPTION_KEY", "too short"),
        ] {
            let mut vars = vars(&[("MOLECULE_ENV", "development")]);
            vars.insert(name.to_owned(), value.to_owned());
            assert_eq!(Config::from_map(&vars).unwrap_err().name, name, "{value}");
        }
    }
}
