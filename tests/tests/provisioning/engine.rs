//! What a test sees of an engine, and does behind the platform's back.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use tests::process::docker::docker;
use tests::process::{BOUND, eventually};

use crate::site::Site;

/// What runs the workspaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Children of the platform.
    Process,
    /// Containers.
    Docker,
}

impl Engine {
    /// The value of `PROVISIONER`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Docker => "docker",
        }
    }
}

impl Site {
    /// What the engine calls the runtime that runs of a workspace: the process's id, or the container's.
    pub(crate) fn instance(&self, id: &str) -> Option<String> {
        match self.engine {
            Engine::Process => {
                let record: Value =
                    serde_json::from_slice(&fs::read(self.folder(id).join("process.json")).ok()?).ok()?;
                let pid = record["pid"].as_i64().filter(|_| record["exit"].is_null())?.to_string();
                runs(&pid).then_some(pid)
            }
            Engine::Docker => {
                let label = format!("label=molecule.workspace={id}");
                Some(docker(&["ps", "-q", "--no-trunc", "--filter", &label])).filter(|found| !found.is_empty())
            }
        }
    }

    /// Kills the runtime of a workspace, with what is in its process group.
    pub(crate) fn kill_agent(&self, id: &str) {
        let instance = self.instance(id).expect("it runs");
        match self.engine {
            Engine::Process => killpg(Pid::from_raw(instance.parse().unwrap()), Signal::SIGKILL).unwrap(),
            Engine::Docker => drop(docker(&["kill", &instance])),
        }
    }

    /// Waits until nothing runs of a workspace.
    pub(crate) async fn until_stopped(&self, id: &str) {
        eventually("nothing runs", BOUND, async || self.instance(id).is_none().then_some(())).await;
    }

    /// All that the engine still has of a workspace, running or not, in words.
    pub(crate) fn left(&self, id: &str) -> String {
        match self.engine {
            Engine::Process => {
                let folder = self.folder(id);
                let stored = folder.exists().then(|| folder.display().to_string());
                stored.into_iter().chain(working_in(&folder)).collect::<Vec<_>>().join("\n")
            }
            Engine::Docker => {
                let label = format!("label=molecule.workspace={id}");
                let containers = docker(&["ps", "-aq", "--filter", &label]);
                containers + &docker(&["volume", "ls", "-q", "--filter", &label])
            }
        }
    }

    /// The token that its runtime has saved, if there is one.
    pub(crate) fn token(&self, id: &str) -> Option<String> {
        let token = match self.engine {
            Engine::Process => fs::read_to_string(self.folder(id).join("token")).unwrap_or_default(),
            Engine::Docker => docker(&["exec", &self.instance(id)?, "cat", "/configs/.auth_token"]),
        };
        Some(token.trim().to_owned()).filter(|token| !token.is_empty())
    }

    /// Its token is lost.
    pub(crate) fn remove_token(&self, id: &str) {
        match self.engine {
            Engine::Process => fs::remove_file(self.folder(id).join("token")).unwrap(),
            Engine::Docker => {
                docker(&["exec", &self.instance(id).unwrap(), "rm", "/configs/.auth_token"]);
            }
        }
        assert_eq!(self.token(id), None);
    }

    /// What its runtime was started with.
    pub(crate) fn boot_credential(&self, id: &str) -> String {
        let instance = self.instance(id).expect("it runs");
        let variables: Vec<String> = match self.engine {
            Engine::Process => {
                let text = fs::read(format!("/proc/{instance}/environ")).unwrap();
                String::from_utf8_lossy(&text).split('\0').map(str::to_owned).collect()
            }
            Engine::Docker => {
                let listed = docker(&["inspect", "--format", "{{json .Config.Env}}", &instance]);
                serde_json::from_str(&listed).unwrap()
            }
        };
        let boot = variables.iter().find_map(|variable| variable.strip_prefix("WORKSPACE_TOKEN="));
        boot.expect("a boot credential").to_owned()
    }

    /// The folder of a workspace of the process engine.
    pub(crate) fn folder(&self, id: &str) -> PathBuf {
        self.home.data().join("processes").join(id)
    }
}

/// Whether a process runs, and is not only waited for.
pub(crate) fn runs(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// The processes whose working directory is in a folder, also where that is deleted.
fn working_in(folder: &PathBuf) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let within = |path: &PathBuf| fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    processes.filter(within).map(|path| path.display().to_string()).collect()
}
