//! A lean HTTP/1.1 client: prepared bytes out, one answer in, so that the load costs little of the two cores.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::figures::{Figures, cpu};

/// Where the platform is, and its operator's token.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) admin: String,
}

impl Target {
    /// One call that must succeed.
    pub(crate) async fn call(&self, method: &str, path: &str, token: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut buffer = Vec::new();
        stream.write_all(&request(method, path, token, body)).await.unwrap();
        let (status, head) = answer(&mut stream, &mut buffer).await;
        let text = String::from_utf8_lossy(&buffer[head..]).into_owned();
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

/// The bytes of a request on a kept connection.
pub(crate) fn request(method: &str, path: &str, token: &str, body: &Value) -> Vec<u8> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends the requests round and round over `connections` connections for `length`.
pub(crate) async fn run(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    connections: usize,
    length: Duration,
) -> Figures {
    let (begin, cpu_before) = (Instant::now(), cpu());
    let mut tasks = tokio::task::JoinSet::new();
    for connection in 0..connections {
        let requests = Arc::clone(&requests);
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut figures = Figures::new();
            let mut buffer = Vec::with_capacity(8192);
            let mut next = connection * requests.len() / connections;
            while begin.elapsed() < length {
                let start = Instant::now();
                stream.write_all(&requests[next % requests.len()]).await.unwrap();
                let (status, _) = answer(&mut stream, &mut buffer).await;
                figures.micros.record(u64::try_from(start.elapsed().as_micros()).unwrap().max(1)).unwrap();
                figures.count += 1;
                figures.errors += u64::from(status != 200);
                next += 1;
            }
            figures
        });
    }
    let mut total = Figures::new();
    while let Some(figures) = tasks.join_next().await {
        let figures = figures.unwrap();
        total.count += figures.count;
        total.errors += figures.errors;
        total.micros.add(&figures.micros).unwrap();
    }
    total.length = begin.elapsed();
    total.cpu = cpu() - cpu_before;
    total
}

/// Reads one answer; its status and where its body begins.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> (u16, usize) {
    buffer.clear();
    loop {
        let read = stream.read_buf(buffer).await.unwrap();
        assert!(read > 0, "the platform closed the connection");
        let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head]).unwrap();
        let status = text[9..12].parse().unwrap();
        let length = text
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:").map(|n| n.trim().parse().unwrap())
            })
            .unwrap_or(0_usize);
        if buffer.len() >= head + 4 + length {
            return (status, head + 4);
        }
    }
}
