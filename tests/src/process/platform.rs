//! The platform as a process, and what outlasts the process.

use std::collections::HashMap;
use std::net::TcpListener;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Client, Janitor, Process, binary};

/// A data directory, a port and variables: platforms started from one home are one after the other the same.
pub struct Home {
    /// Ends what works in the folder: a platform that was killed leaves its agents.
    _janitor: Janitor,
    folder: TempDir,
    port: u16,
    variables: Vec<(String, String)>,
}

impl Home {
    /// A new home. Each start takes a free port. Where `TEST_AWS_ENDPOINT_URL` names an endpoint, the platform has its table
    /// and queues there, of its own, instead of the embedded ones; a home with an endpoint of its own keeps to that.
    pub fn new(variables: &[(&str, &str)]) -> Self {
        let own = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let placed = variables.iter().any(|(name, _)| *name == "AWS_ENDPOINT_URL");
        let given = if placed { Vec::new() } else { elsewhere() };
        let variables = given.into_iter().chain(own).collect();
        let folder = tempfile::tempdir().unwrap();
        Self { _janitor: Janitor::of_folder(folder.path()), folder, port: 0, variables }
    }

    /// A new home whose platforms all have one port, so that agents find the next one.
    pub fn lasting(variables: &[(&str, &str)]) -> Self {
        let mut home = Self::new(variables);
        home.port = free_port();
        home
    }

    /// The directory that ends with the home, and all that works in it or below.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The data directory. The first start makes it.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The variables of its platforms, but for port and data directory.
    pub fn variables(&self) -> HashMap<String, String> {
        self.variables.iter().cloned().collect()
    }

    /// What starts the platform: it inherits no variables.
    pub fn command(&self) -> Command {
        let mut command = Command::new(binary("local"));
        command.current_dir(self.folder.path()).env_clear();
        command.env("PORT", self.port.to_string()).env("MOLECULE_DATA_DIR", self.data());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the platform and waits until it is ready.
    pub async fn start(&self) -> Platform {
        let mut process = Process::start(&mut self.command());
        let url = process.ready().await;
        Platform { client: Client::new(&url), process }
    }
}

/// Variables for a platform at the endpoint that `TEST_AWS_ENDPOINT_URL` names.
fn elsewhere() -> Vec<(String, String)> {
    let Ok(endpoint) = std::env::var("TEST_AWS_ENDPOINT_URL") else { return Vec::new() };
    let name = format!("t{:08x}", rand::random::<u32>());
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
        ("TABLE_NAME", &name),
        ("QUEUE_PREFIX", &name),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// A running platform; it is also a client of itself.
pub struct Platform {
    /// The process.
    pub process: Process,
    client: Client,
}

impl Platform {
    /// A client that may live in another task.
    pub fn client(&self) -> Client {
        self.client.clone()
    }
}

impl Deref for Platform {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A port that is free and stays so, as it is none of those that the system gives to connections.
pub fn free_port() -> u16 {
    let mut candidates = std::iter::repeat_with(|| rand::random_range(15_000..30_000));
    candidates.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}
