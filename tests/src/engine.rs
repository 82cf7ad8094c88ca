//! An engine in memory that does what it is told, fails when a test says so, and keeps what it was asked for.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use platform::provisioner::{EngineError, Instance, Launch, Provisioner, Running, Started, Stop};
use rules::WorkspaceId;
use rules::engine::{Exit, StartFailure};

/// The engine of a world.
#[derive(Debug, Default)]
pub struct FakeEngine(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    asked: Vec<String>,
    launches: Vec<Launch>,
    runs: BTreeMap<(WorkspaceId, u64), Running>,
    failure: Option<StartFailure>,
    silent: bool,
    forgetful: bool,
    log: String,
    url: Option<String>,
}

impl FakeEngine {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that it was asked to start and stop so far, oldest first: `start <id> 2`, `stop <id>`.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    /// The last start.
    pub fn last_launch(&self) -> Launch {
        self.state().launches.last().cloned().expect("something was started")
    }

    /// The generations of a workspace that run.
    pub fn running(&self, id: WorkspaceId) -> Vec<u64> {
        let state = self.state();
        let own = state.runs.iter().filter(|((of, _), running)| *of == id && matches!(running, Running::Yes { .. }));
        own.map(|((_, generation), _)| *generation).collect()
    }

    /// A runtime dies.
    pub fn kill(&self, id: WorkspaceId, generation: u64, exit: Exit) {
        self.state().runs.insert((id, generation), Running::No(exit));
    }

    /// Something runs that nobody asked for now.
    pub fn plant(&self, id: WorkspaceId, generation: u64) {
        self.state().runs.insert((id, generation), Running::Yes { url: None });
    }

    /// From now on starts fail so, or succeed again.
    pub fn refuse(&self, failure: Option<StartFailure>) {
        self.state().failure = failure;
    }

    /// From now on it answers nobody, or answers again.
    pub fn silence(&self, silent: bool) {
        self.state().silent = silent;
    }

    /// From now on it knows of nothing whether it runs, as ECS of tasks that ended an hour ago.
    pub fn forget(&self, forgetful: bool) {
        self.state().forgetful = forgetful;
    }

    /// Where the runtimes of the starts from now on are reached; nobody listens there otherwise.
    pub fn listen(&self, url: &str) {
        self.state().url = Some(url.to_owned());
    }

    /// What runtimes have written.
    pub fn write_log(&self, text: &str) {
        text.clone_into(&mut self.state().log);
    }

    fn answer<T>(&self, answer: impl FnOnce(&mut State) -> T) -> Result<T, EngineError> {
        let mut state = self.state();
        if state.silent {
            return Err(EngineError::Unreachable("silenced".to_owned()));
        }
        Ok(answer(&mut state))
    }
}

impl Provisioner for FakeEngine {
    fn start<'a>(&'a self, launch: &'a Launch) -> BoxFuture<'a, Result<Started, StartFailure>> {
        let mut state = self.state();
        state.asked.push(format!("start {} {}", launch.workspace_id, launch.generation));
        let started = match &state.failure {
            Some(failure) => Err(failure.clone()),
            None => {
                let instance = format!("fake-{}-{}", launch.workspace_id, launch.generation);
                let url = Some(state.url.clone().unwrap_or_else(|| "http://127.0.0.1:9/".to_owned()));
                state.runs.insert((launch.workspace_id, launch.generation), Running::Yes { url: url.clone() });
                state.launches.push(launch.clone());
                Ok(Started { instance, url })
            }
        };
        Box::pin(async { started })
    }

    fn stop<'a>(&'a self, id: WorkspaceId, what: Stop) -> BoxFuture<'a, Result<(), EngineError>> {
        let stopped = self.answer(|state| {
            state.asked.push(format!("stop {id}"));
            state.runs.retain(|(of, generation), _| match what {
                Stop::OlderThan(newer) => *of != id || *generation >= newer,
                Stop::All | Stop::AndRemove | Stop::AndReset => *of != id,
            });
        });
        Box::pin(async { stopped })
    }

    fn is_running<'a>(&'a self, id: WorkspaceId, generation: u64) -> BoxFuture<'a, Result<Running, EngineError>> {
        let seen = self.answer(|state| {
            let known = state.runs.get(&(id, generation)).cloned();
            known.unwrap_or_else(|| Running::No(Exit { message: "it is not known".to_owned(), ..Exit::default() }))
        });
        let forgotten = self.state().forgetful;
        Box::pin(async move { if forgotten { Err(EngineError::Refused("no such task".to_owned())) } else { seen } })
    }

    fn logs<'a>(&'a self, _: WorkspaceId, tail: usize) -> BoxFuture<'a, Result<String, EngineError>> {
        let log = self.answer(|state| {
            let lines: Vec<_> = state.log.lines().collect();
            lines[lines.len().saturating_sub(tail)..].join("\n")
        });
        Box::pin(async { log })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Instance>, EngineError>> {
        let instance = |((id, generation), running): (&(WorkspaceId, u64), &Running)| Instance {
            instance: format!("fake-{id}-{generation}"),
            workspace_id: *id,
            generation: *generation,
            running: running.clone(),
        };
        let all = self.answer(|state| state.runs.iter().map(instance).collect());
        Box::pin(async { all })
    }
}
