//! The embedded DynamoDB: dynoxide, DynamoDB on SQLite, behind DynamoDB's own protocol on a loopback port.
//!
//! It has a thread and a runtime of its own, as it writes to disk, and waits for the disk, on the thread that serves a
//! request. SQLite keeps its default of a full sync at every commit: what was answered is on disk. None of dynoxide's
//! helpers for bulk loading may be called, they turn that off.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dynoxide::server::serve_with_shutdown;
use dynoxide::storage_backend;
use platform::clock::Clock;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;

/// How often items whose time is over are deleted. DynamoDB itself takes days.
const TTL_SWEEP: Duration = Duration::from_secs(60);
/// Threads that serve: one may parse while the other waits for the disk. SQLite writes one at a time anyway.
const THREADS: usize = 2;

/// The data.
pub struct Database(dynoxide::Database);

impl Database {
    /// The data in a file, which is made if there is none.
    ///
    /// # Errors
    /// It cannot be opened, or is not such a file.
    pub fn open(file: &Path) -> Result<Self, String> {
        let path = file.to_str().ok_or("the path is not UTF-8")?;
        dynoxide::Database::new(path).map(Self).map_err(|error| error.to_string())
    }

    /// Data in memory, whose TTL goes by `clock`.
    ///
    /// # Errors
    /// SQLite cannot be used.
    pub fn memory(clock: Arc<dyn Clock>) -> Result<Self, String> {
        dynoxide::Database::memory_with_clock(Arc::new(TtlClock(clock))).map(Self).map_err(|error| error.to_string())
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

/// The platform's clock as dynoxide reads one.
struct TtlClock(Arc<dyn Clock>);

impl storage_backend::Clock for TtlClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now().millis() / 1_000).unwrap_or(0)
    }

    fn now_unix_secs_f64(&self) -> f64 {
        Duration::from_millis(u64::try_from(self.0.now().millis()).unwrap_or(0)).as_secs_f64()
    }
}

/// A DynamoDB that serves. Dropping it stops it too, without waiting for the end.
#[derive(Debug)]
pub struct Server {
    endpoint: String,
    stop: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<()>,
}

impl Server {
    /// Serves the data on a free loopback port.
    ///
    /// # Errors
    /// No port or no thread is to be had.
    pub async fn start(database: Database) -> std::io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (ending, ended) = oneshot::channel();
        let (starting, started) = oneshot::channel();
        std::thread::Builder::new().name("dynamodb".into()).spawn(move || {
            let built = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(THREADS)
                .thread_name("dynamodb-worker")
                .enable_all()
                .build();
            match built {
                Ok(runtime) => {
                    runtime.block_on(serve(database, starting, stopped));
                    // Waits for nobody: connections that a client keeps open are not worth it.
                    runtime.shutdown_timeout(Duration::from_millis(200));
                }
                Err(error) => drop(starting.send(Err(error))),
            }
            let _ = ending.send(());
        })?;
        let endpoint = started.await.unwrap_or_else(|_| Err(std::io::Error::other("its thread ended at once")))?;
        Ok(Self { endpoint, stop: Some(stop), ended })
    }

    /// The endpoint for an SDK.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Stops it, and waits a little for the requests under way.
    pub async fn shutdown(mut self) {
        drop(self.stop.take());
        let _ = tokio::time::timeout(Duration::from_secs(2), &mut self.ended).await;
    }
}

/// Serves until `stopped` is sent or dropped.
async fn serve(database: Database, started: oneshot::Sender<std::io::Result<String>>, stopped: oneshot::Receiver<()>) {
    let listener = match listen() {
        Ok((listener, endpoint)) => {
            let _ = started.send(Ok(endpoint));
            listener
        }
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let sweeping = tokio::spawn(sweep(database.0.clone()));
    let stop = async {
        let _ = stopped.await;
    };
    // A client's idle connections must not hold up the end for longer than this.
    let serving = serve_with_shutdown(listener, database.0, stop);
    if let Err(error) = serving.await {
        tracing::error!(%error, "the embedded DynamoDB ended");
    }
    sweeping.abort();
}

fn listen() -> std::io::Result<(TcpListener, String)> {
    let socket = TcpSocket::new_v4()?;
    // Accepted connections inherit it; the server itself does not set it.
    socket.set_nodelay(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(1_024)?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    Ok((listener, endpoint))
}

async fn sweep(database: dynoxide::Database) {
    let mut interval = tokio::time::interval(TTL_SWEEP);
    loop {
        interval.tick().await;
        let database = database.clone();
        match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
            Ok(Ok(0)) => {}
            Ok(Ok(deleted)) => tracing::debug!(deleted, "items past their TTL"),
            Ok(Err(error)) => tracing::warn!(%error, "items past their TTL are not deleted"),
            Err(error) => tracing::warn!(%error, "items past their TTL are not deleted"),
        }
    }
}
