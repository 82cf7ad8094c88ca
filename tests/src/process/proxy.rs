//! A socket before the Docker Engine's, which passes on what comes, or does not.

use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// What the socket does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// All goes on to the Engine.
    PassOn,
    /// Nothing is answered.
    Hang,
    /// They are closed, open ones too.
    HangUp,
}

/// The socket, until it is dropped.
pub struct Proxy {
    folder: TempDir,
    mood: Arc<watch::Sender<Mood>>,
}

impl Proxy {
    /// A socket that passes everything on.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("docker.sock")).unwrap();
        let mood = Arc::new(watch::Sender::new(Mood::PassOn));
        let moods = mood.subscribe();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, moods.clone()));
            }
        });
        Self { folder, mood }
    }

    /// Its address.
    pub fn host(&self) -> String {
        format!("unix://{}/docker.sock", self.folder.path().display())
    }

    /// Changes what it does from now on.
    pub fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }
}

async fn serve(mut connection: UnixStream, mut moods: watch::Receiver<Mood>) {
    let engine = std::env::var("DOCKER_HOST").ok().and_then(|host| host.strip_prefix("unix://").map(str::to_owned));
    let mood = *moods.borrow_and_update();
    if mood == Mood::PassOn {
        let mut engine = UnixStream::connect(engine.as_deref().unwrap_or("/var/run/docker.sock")).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut connection, &mut engine) => {}
            _ = moods.changed() => {}
        }
    } else if mood == Mood::Hang {
        let _ = moods.changed().await;
    }
}
