//! How a running workspace is told to end: once to finish what it has in hand, twice to let go of it.

use std::io;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tracing::{info, warn};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    #[default]
    Run,
    Finish,
    LetGo,
}

/// The side that tells.
#[derive(Debug)]
pub struct Trigger(watch::Sender<Phase>);

/// The side that is told.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<Phase>);

/// A pair of both.
pub fn shutdown() -> (Trigger, Shutdown) {
    let (sender, receiver) = watch::channel(Phase::default());
    (Trigger(sender), Shutdown(receiver))
}

/// A shutdown that follows SIGTERM and SIGINT: the first finishes, the second lets go.
pub fn on_signals() -> io::Result<Shutdown> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (trigger, shutdown) = shutdown();
    tokio::spawn(async move {
        for phase in [Phase::Finish, Phase::LetGo] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            match phase {
                Phase::Finish => {
                    info!("asked to end; a second signal stops the running turns")
                }
                _ => warn!("asked to end at once: stopping the running turns"),
            }
            trigger.0.send_replace(phase);
        }
    });
    Ok(shutdown)
}

impl Trigger {
    /// Finish what is in hand, then end.
    pub fn finish(&self) {
        self.raise(Phase::Finish);
    }

    /// End now.
    pub fn let_go(&self) {
        self.raise(Phase::LetGo);
    }

    fn raise(&self, phase: Phase) {
        self.0.send_modify(|current| *current = phase.max(*current));
    }
}

impl Shutdown {
    /// Waits until told to finish, or more. A trigger that is gone without a word tells nothing, ever.
    pub async fn finishing(&mut self) {
        self.reached(Phase::Finish).await;
    }

    /// Waits until told to let go.
    pub async fn letting_go(&mut self) {
        self.reached(Phase::LetGo).await;
    }

    async fn reached(&mut self, phase: Phase) {
        if self.0.wait_for(|current| *current >= phase).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
