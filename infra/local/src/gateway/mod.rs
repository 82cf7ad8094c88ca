//! API Gateway: HTTP in front, Lambda events behind.
//!
//! A request is matched with the template's routes, becomes the same event that API Gateway's HTTP API makes of it
//! (payload format 2.0), as JSON, and is handed to its function; the function's answer, as JSON again, becomes the
//! response. So a handler cannot see whether it is local. What API Gateway does before a function runs, this does too:
//! CORS, the limits of headers and bodies, 404 and 405.

mod answer;
mod api;
mod body;
mod connection;
mod cors;
mod event;
mod metrics;
mod refusal;
mod routes;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use crate::stopping::Stopping;

pub use api::Api;
pub use routes::{RouteError, Routes};

/// Connections that wait to be accepted; a fleet that comes back all at once is not turned away.
const BACKLOG: u32 = 1_024;

/// Opens the port, on loopback only.
///
/// # Errors
/// It is taken, or may not be opened.
pub fn listen(port: u16) -> io::Result<TcpListener> {
    listen_at(Ipv4Addr::LOCALHOST.into(), port)
}

/// Opens the port on one address of this machine: loopback, or that of the containers' own network.
///
/// # Errors
/// It is taken, or may not be opened.
pub fn listen_at(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((address, port)))?;
    socket.listen(BACKLOG)
}

/// A gateway that serves. Dropping it ends it, with the requests under way.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    stopping: Stopping,
    accepting: JoinHandle<()>,
}

impl Gateway {
    /// Serves on a listener, in tasks of the current runtime.
    ///
    /// # Errors
    /// The listener has no address.
    pub fn start(listener: TcpListener, api: Arc<Api>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let stopping = Stopping::new();
        let accepting = tokio::spawn(connection::accept(listener, api, stopping.listen()));
        Ok(Self { address, stopping, accepting })
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: no new connections, and requests under way have `grace` to end.
    pub async fn stop(mut self, grace: Duration) {
        self.stopping.stop();
        // Dropping `self` then ends what is left.
        let _ = tokio::time::timeout(grace, &mut self.accepting).await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
