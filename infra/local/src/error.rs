//! Why the platform does not start: what is the matter, and what to do about it, in one line.

use std::path::PathBuf;

use platform::config::ConfigError;

/// The platform did not start. Nothing of it runs any more.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A variable that cannot be used.
    #[error("{0}; --help says what each variable takes")]
    Variable(#[from] ConfigError),
    /// A variable of the local run that cannot be used.
    #[error("{name}: {problem}; --help says what each variable takes")]
    LocalVariable {
        /// Which one.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// An argument; there are none.
    #[error("unexpected argument {0:?}; settings are environment variables, listed by --help")]
    Argument(String),
    /// The process cannot have what every process has.
    #[error("the system gives no threads or signals: {0}; see its limits")]
    Runtime(String),
    /// The port is taken.
    #[error("port {0} is in use; stop what uses it, or set PORT to another one")]
    PortInUse(u16),
    /// The port cannot be opened.
    #[error("port {port} cannot be opened: {problem}; set PORT to another one")]
    Port {
        /// Which one.
        port: u16,
        /// What the system says.
        problem: String,
    },
    /// The data directory cannot be used.
    #[error("data directory {} cannot be used: {problem}; make it writable, or set MOLECULE_DATA_DIR to another one", .path.display())]
    DataDirectory {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// Another process has the data directory.
    #[error("another platform runs on data directory {}; stop it, or set MOLECULE_DATA_DIR to another one", .path.display())]
    DataInUse {
        /// Which one.
        path: PathBuf,
    },
    /// The operator's token cannot be read or written.
    #[error("admin token {} cannot be used: {problem}; delete it for a new one, or set ADMIN_TOKEN", .path.display())]
    AdminToken {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The key of the secrets cannot be read or written.
    #[error("key of secrets {} cannot be used: {problem}; put back the one that was there, as nothing else opens what is stored, or set SECRETS_ENCRYPTION_KEY", .path.display())]
    SecretsKey {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// What is to run workspaces cannot be had.
    #[error(
        "PROVISIONER: the engine {backend:?} cannot be used: {problem}; start it, or set PROVISIONER to process or none"
    )]
    Engine {
        /// Which one.
        backend: platform::config::Backend,
        /// What is the matter.
        problem: String,
    },
    /// The embedded DynamoDB does not start.
    #[error("the embedded DynamoDB does not start: {problem}; move {place} away to start without its data")]
    Database {
        /// Its file.
        place: String,
        /// What it says.
        problem: String,
    },
    /// The embedded SQS does not start.
    #[error("the embedded SQS does not start: {0}; see whether loopback ports are free")]
    Queue(String),
    /// DynamoDB or SQS do not do what a start needs.
    #[error(
        "{service} at {endpoint} {problem}; start it, or correct AWS_ENDPOINT_URL, or unset it for the embedded one"
    )]
    Endpoint {
        /// DynamoDB or SQS.
        service: &'static str,
        /// Where.
        endpoint: String,
        /// What is wrong.
        problem: String,
    },
    /// The table is of another release.
    #[error("table {table}: {problem}, or name another table with TABLE_NAME")]
    Schema {
        /// Its name.
        table: String,
        /// What is wrong.
        problem: String,
    },
    /// The template cannot be followed.
    #[error("infra/template.yaml: {0}; correct it")]
    Template(#[from] crate::template::TemplateError),
    /// The template and the handlers do not fit.
    #[error(transparent)]
    Registry(#[from] crate::registry::RegistryError),
    /// The template's routes do not fit beside each other.
    #[error(transparent)]
    Route(#[from] crate::gateway::RouteError),
    /// What was open when the platform last stopped cannot be taken up again.
    #[error(
        "messages of the last run cannot be taken up: {0}; see whether the data directory's disk is full, and start again"
    )]
    Recovery(String),
}

impl StartError {
    /// The error on one line, whatever a driver put into it.
    pub fn line(&self) -> String {
        let text: String = self.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("error: {text}")
    }
}
