//! Sockets: accepting connections up to a bound, serving HTTP/1.1 on them, closing them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Api;
use crate::stopping::Stopped;

/// Connections at once. Further ones wait in the listener's backlog.
const MAX_CONNECTIONS: usize = 4_096;
/// How long a connection may be without a complete request head: longer than agents pause between two heartbeats and than
/// clients keep an idle connection, so that it is they who close it.
const IDLE: Duration = Duration::from_secs(120);
/// What hyper may buffer of one connection; a request head beyond it is answered 431.
const BUFFER: usize = 64 * 1024;
/// How long to wait after a failed accept, which is most often a want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until told to stop, then waits for the open ones to end.
pub(super) async fn accept(listener: TcpListener, api: Arc<Api>, stopped: Stopped) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let stop = stopped.clone().wait();
    tokio::pin!(stop);
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        tokio::select! {
            (permit, accepted) = next => match accepted {
                Ok((stream, peer)) => {
                    let (api, stopped) = (Arc::clone(&api), stopped.clone());
                    connections.spawn(async move {
                        serve(stream, peer, api, stopped).await;
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
            () = &mut stop => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(stream: TcpStream, peer: SocketAddr, api: Arc<Api>, stopped: Stopped) {
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
        () = stopped.wait() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection ended early");
    }
}
