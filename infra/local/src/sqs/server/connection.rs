//! Sockets: accepting connections, serving requests on them, closing them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::protocol;
use super::shared::Shared;

/// How long to wait after a failed accept, which is most often a want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until the server stops, then waits for the open ones to end.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    let stopped = shared.stopped();
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                }
                Err(error) => {
                    tracing::warn!(%error, "the embedded SQS could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            // So that the set does not grow with connections that have ended.
            Some(_) = connections.join_next() => {}
            () = &mut stopped => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Small answers on a kept connection: without this each would wait for the client's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection to the embedded SQS without TCP_NODELAY");
    }
    let answering = Arc::clone(&shared);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&answering);
        async move { Ok::<_, Infallible>(protocol::answer(&shared, request).await) }
    });
    // No time limit on reading: an idle connection of a client's pool stays open until the client closes it. A client
    // that closes while its request is being answered ends the request, as half-closed connections are not kept.
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let mut stopping = false;
    let stopped = shared.stopped();
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::trace!(%error, "a connection to the embedded SQS ended early");
                }
                return;
            }
            () = &mut stopped, if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
