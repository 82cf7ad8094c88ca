//! The word that it is time to stop, for everything that runs in a loop.

use tokio::sync::watch;

/// Given by whoever stops the platform, heard by everything that runs.
#[derive(Debug)]
pub struct Stopping(watch::Sender<bool>);

/// Hears [`Stopping`].
#[derive(Debug, Clone)]
pub struct Stopped(watch::Receiver<bool>);

impl Stopping {
    /// Not yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Now.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// For one listener.
    pub fn listen(&self) -> Stopped {
        Stopped(self.0.subscribe())
    }
}

impl Default for Stopping {
    fn default() -> Self {
        Self::new()
    }
}

impl Stopped {
    /// Completes when it is time to stop, or when nobody is left who could say so.
    pub async fn wait(mut self) {
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}
