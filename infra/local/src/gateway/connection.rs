//! Sockets: accepting connections up to a bound, serving HTTP/1.1 on them, closing them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::Api;

/// Connections at once. Further ones wait in the listener's backlog.
const MAX_CONNECTIONS: usize = 4_096;
/// How long a connection may be without a complete request head: longer than agents pause between two heartbeats, so
/// that they keep theirs.
const IDLE: Duration = Duration::from_secs(75);
/// What hyper may buffer of one connection; a request head beyond it is answered 431.
const BUFFER: usize = 64 * 1024;
/// How long to wait after a failed accept, which is most often a want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until told to stop, then waits for the open ones to end.
pub(super) async fn accept(listener: TcpListener, api: Arc<Api>, mut stopping: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let told_to_stop = stopping.clone();
    let stop = stopping.wait_for(|stopping| *stopping);
    tokio::pin!(stop);
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        tokio::select! {
            (permit, accepted) = next => match accepted {
                Ok((stream, peer)) => {
                    let (api, stopping) = (Arc::clone(&api), told_to_stop.clone());
                    connections.spawn(async move {
                        serve(stream, peer, api, stopping).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            // So that the set does not grow with connections that have ended.
            Some(_) = connections.join_next() => {}
            _ = &mut stop => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(stream: TcpStream, peer: SocketAddr, api: Arc<Api>, mut stopping: watch::Receiver<bool>) {
    // Without this a small answer on a kept connection would wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(api.answer(request, peer).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = stopping.wait_for(|stopping| *stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection ended early");
    }
}
