//! The HTTP front of the engine: the AWS JSON 1.0 protocol of SQS on a socket, and the waiting of long polls.
//!
//! A request locks the engine for one operation and never across an await. A long poll tries a receive, and tries
//! again whenever its queue is woken, until its time is over. Queues are woken by the operation of another request
//! (a send, a delete that frees a group, a visibility of 0, a redrive) or by the alarm, one task that sleeps until
//! the engine's next instant.

mod alarm;
mod answers;
mod connection;
mod operations;
mod poll;
mod protocol;
mod requests;
mod shared;
mod waiters;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::engine::Engine;
use shared::Shared;

/// Tells the time in Unix milliseconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The time of the machine.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
    })
}

/// An SQS that runs. Dropping it stops it too, without waiting for the requests under way.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
    alarm: JoinHandle<()>,
}

impl Server {
    /// Serves on a listener, in tasks of the current tokio runtime, an engine without queues.
    ///
    /// The engine lives by `clock`. On a virtual clock call [`poke`](Self::poke) after each step of it.
    /// An error if the listener has no address.
    pub fn start(listener: TcpListener, clock: Clock) -> io::Result<Self> {
        let mut address = listener.local_addr()?;
        if address.ip().is_unspecified() {
            address = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
        }
        let shared = Arc::new(Shared::new(Engine::new(incarnation()), clock, format!("http://{address}")));
        let accepting = tokio::spawn(connection::accept(listener, Arc::clone(&shared)));
        let alarm = tokio::spawn(alarm::run(Arc::clone(&shared)));
        Ok(Self { shared, accepting, alarm })
    }

    /// The endpoint for an SDK, such as `http://127.0.0.1:9324`.
    pub fn endpoint(&self) -> &str {
        self.shared.endpoint()
    }

    /// Looks at the clock: what is due happens, and every long poll is tried again.
    ///
    /// To be called after a virtual clock was advanced, and after a change through [`engine`](Self::engine). On the
    /// machine's clock there is no need.
    pub fn poke(&self) {
        self.shared.poke();
    }

    /// The engine itself, for a test that wants to look inside or to spare itself the socket.
    pub fn engine(&self) -> Arc<Mutex<Engine>> {
        self.shared.engine()
    }

    /// Stops: no new connections, long polls answer with no messages, the other requests are answered. A request
    /// that is not complete after two seconds is cut off.
    pub async fn shutdown(mut self) {
        self.shared.stop();
        let grace = Duration::from_secs(2);
        // Dropping `self` then aborts what is left.
        let _ = tokio::time::timeout(grace, &mut self.accepting).await;
        let _ = tokio::time::timeout(grace, &mut self.alarm).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop();
        self.accepting.abort();
        self.alarm.abort();
    }
}

/// A number that no other run has, so that receipt handles of an earlier run are recognised as such.
fn incarnation() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0
}
