//! One running workspace, from the open port to the last heartbeat.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::serve::ListenerExt as _;
use nix::sys::signal::Signal;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::timeout};
use tracing::{error, info, warn};

use crate::{
    heartbeat,
    options::{Mode, Options},
    poll, registration, secrets, server,
    shutdown::Shutdown,
    state::{SetupError, State},
};

/// How long the last answers may take to reach their callers.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// A workspace whose port is open.
#[derive(Debug)]
pub struct Runtime {
    state: Arc<State>,
    /// None if it fetches its messages.
    listener: Option<TcpListener>,
    address: Option<SocketAddr>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything in hand was finished.
    Finished,
    /// It was told to let go of what it had in hand.
    LetGo,
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port cannot be had.
    #[error("cannot listen on {ip}:{port}: {source}; end the program that uses it, or choose another with --port")]
    Listen {
        /// The address.
        ip: IpAddr,
        /// The port.
        port: u16,
        /// What went wrong.
        source: io::Error,
    },
    /// Nobody could reach it.
    #[error("listening on {0} needs --url: the address under which the platform reaches this workspace")]
    NoUrl(IpAddr),
    /// Something else that it needs is missing.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// Runs a workspace until it is told to end. Says `ready http://HOST:PORT` on stdout when it can be called.
pub async fn run(options: Options, shutdown: Shutdown) -> Result<Ended, StartError> {
    let runtime = Runtime::bind(options).await?;
    #[expect(clippy::print_stdout, reason = "whoever started the program waits for this line")]
    {
        match runtime.address() {
            Some(address) => println!("ready http://{address}"),
            None => println!("ready poll"),
        }
    }
    Ok(runtime.serve(shutdown).await)
}

impl Runtime {
    /// Opens the port and reads the token file. Nothing is served yet, but connections already queue up.
    pub async fn bind(options: Options) -> Result<Self, StartError> {
        if options.mode == Mode::Poll {
            let state = Arc::new(State::new(options, String::new())?);
            return Ok(Self { state, listener: None, address: None });
        }
        let (ip, port) = (options.listen, options.port);
        if options.url.is_none() && !ip.is_loopback() {
            return Err(StartError::NoUrl(ip));
        }
        let listen_error = |source| StartError::Listen { ip, port, source };
        let listener = TcpListener::bind((ip, port)).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let url = options.url.clone().unwrap_or_else(|| format!("http://{address}"));
        let state = Arc::new(State::new(options, url)?);
        Ok(Self { state, listener: Some(listener), address: Some(address) })
    }

    /// Where it listens, if it does.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Works until told to end, by `shutdown` or by the platform, and finishes what it has in hand.
    pub async fn serve(self, mut shutdown: Shutdown) -> Ended {
        let Self { state, listener, .. } = self;
        let (close, closed) = oneshot::channel::<()>();
        let server = match listener {
            Some(listener) => tokio::spawn(serve_until(listener, Arc::clone(&state), closed)),
            None => tokio::spawn(fetch_until(Arc::clone(&state), closed)),
        };
        let registration = tokio::spawn(registration::keep_registered(Arc::clone(&state)));
        let heartbeat = tokio::spawn(heartbeat::keep_beating(Arc::clone(&state)));
        #[cfg(target_os = "linux")]
        tokio::spawn(crate::reaper::keep_reaping(Arc::clone(&state)));
        let fetching = tokio::spawn(secrets::keep_fetching(Arc::clone(&state)));

        tokio::select! {
            () = shutdown.finishing() => {}
            () = state.stopped() => {}
        }
        state.turns.drain();
        info!("no new messages are taken; finishing what is in hand");
        let ended = tokio::select! {
            biased;
            () = state.replaced() => {
                // Nothing of what runs here is waited for or answered: the newer generation does it again.
                state.children.signal(Signal::SIGKILL, None);
                Ended::Finished
            }
            () = finish(&state, close, server, &heartbeat) => Ended::Finished,
            () = shutdown.letting_go() => {
                state.children.signal(Signal::SIGTERM, None);
                Ended::LetGo
            }
        };
        registration.abort();
        heartbeat.abort();
        fetching.abort();
        info!(?ended, "ended");
        ended
    }
}

async fn finish(state: &State, close: oneshot::Sender<()>, server: JoinHandle<()>, heartbeat: &JoinHandle<()>) {
    state.activity.idle().await;
    // An error means that the server is gone already.
    let _ = close.send(());
    if timeout(LAST_ANSWERS, server).await.is_err() {
        warn!("some callers did not take their answers in time");
    }
    heartbeat.abort();
    if !state.gone()
        && state.credentials.current().is_some()
        && let Err(failure) = heartbeat::beat(state).await
    {
        warn!("the last heartbeat failed: {failure}");
    }
}

async fn fetch_until(state: Arc<State>, closed: oneshot::Receiver<()>) {
    tokio::select! {
        () = poll::keep_fetching(state) => {}
        _ = closed => {}
    }
}

async fn serve_until(listener: TcpListener, state: Arc<State>, closed: oneshot::Receiver<()>) {
    // Answers are small, and must not wait for more to send.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    let closed = async {
        let _ = closed.await;
    };
    if let Err(error) = axum::serve(listener, server::router(state)).with_graceful_shutdown(closed).await {
        error!(%error, "the server ended");
    }
}
