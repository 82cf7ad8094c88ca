//! What the gateway costs per request, in CPU time: `cargo bench -p local`.
//!
//! A server has a thread of its own, whose CPU time the system counts; a blocking client on another thread sends requests
//! over one kept connection. Compared are a bare hyper server and the gateway with a function that does next to nothing.
//! The difference is what it costs to make an event of a request, to hand it over as JSON, and to make a response of the
//! answer.
#![expect(clippy::unwrap_used, reason = "a measurement has nobody to tell of an error")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use local::Options;
use local::gateway::{Api, Gateway, Routes, listen};
use local::handler::Handler;
use local::registry::Registry;
use local::template::Template;
use platform::{Call, Platform, Reply, Router};

const REQUESTS: u32 = 20_000;
const BODY: &str = r#"{"workspace_id":"0b7e1a52-93c0-4d7e-8c7e-0f4f8f6d1c11","error_rate":0.01,"sample_error":"","active_tasks":1,"uptime_seconds":86400,"current_task":"reading the quarterly report and writing a summary of it","monthly_spend":1250,"runtime_state":"ok"}"#;
const TEMPLATE: &str = "
Resources:
  Function:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: heartbeat}}
    Properties:
      Timeout: 30
      Events:
        Beat: {Type: HttpApi, Properties: {Method: POST, Path: /registry/heartbeat}}
";

fn main() {
    let bare = measure("bare hyper", || async {
        let listener = listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                tokio::spawn(http1::Builder::new().serve_connection(
                    TokioIo::new(stream),
                    service_fn(|request: hyper::Request<hyper::body::Incoming>| async {
                        request.into_body().collect().await.unwrap();
                        let body: Full<Bytes> = Full::from(r#"{"status":"ok"}"#);
                        Ok::<_, Infallible>(hyper::Response::new(body))
                    }),
                ));
            }
        });
        (address, ())
    });
    let gateway = measure("gateway", || async {
        let running = local::start(Options::memory()).await.unwrap();
        let template = Template::read(TEMPLATE, &HashMap::new()).unwrap();
        let router = Router::new().route("POST /registry/heartbeat", beat);
        let registry = Registry::bind(&template, vec![("heartbeat", Handler::http(router))]).unwrap();
        let routes = Routes::new(&registry.routes).unwrap();
        let api = Api::new(routes, &template.cors, running.platform().clone());
        let gateway = Gateway::start(listen(0).unwrap(), Arc::new(api)).unwrap();
        (gateway.address(), (running, gateway))
    });
    println!("gateway over bare hyper: {:.1} µs of CPU per request", gateway - bare);
}

async fn beat(_: Platform, call: Call) -> platform::Result<Reply> {
    let beat: serde_json::Value = call.json()?;
    Ok(Reply::ok(&serde_json::json!({ "status": "ok", "active_tasks": beat["active_tasks"] })))
}

/// Runs a server on a thread of its own; gives its CPU time per request in microseconds.
fn measure<F, T>(name: &str, serve: impl FnOnce() -> F + Send + 'static) -> f64
where
    F: Future<Output = (SocketAddr, T)>,
    T: 'static,
{
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (address, _kept) = serve().await;
            let thread = std::fs::read_link("/proc/thread-self").unwrap();
            tell.send((address, thread)).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let (address, thread) = told.recv().unwrap();
    let cpu = || -> f64 {
        let stat = std::fs::read_to_string(std::path::Path::new("/proc").join(&thread).join("schedstat")).unwrap();
        stat.split(' ').next().unwrap().parse().unwrap()
    };
    let mut client = Client::new(address);
    client.send(REQUESTS / 10);
    let (before, started) = (cpu(), Instant::now());
    client.send(REQUESTS);
    let (after, wall) = (cpu(), started.elapsed());
    let each = (after - before) / 1_000.0 / f64::from(REQUESTS);
    let wall = wall.as_secs_f64() * 1_000_000.0 / f64::from(REQUESTS);
    println!("{name}: {each:.1} µs of CPU per request, {wall:.1} µs from end to end");
    each
}

struct Client {
    stream: TcpStream,
    request: String,
}

impl Client {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let request = format!(
            "POST /registry/heartbeat HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             accept: */*\r\nuser-agent: agent/1.0\r\ncontent-length: {}\r\n\r\n{BODY}",
            "t".repeat(43),
            BODY.len()
        );
        Self { stream, request }
    }

    fn send(&mut self, count: u32) {
        let mut buffer = [0; 4096];
        for _ in 0..count {
            self.stream.write_all(self.request.as_bytes()).unwrap();
            let read = self.stream.read(&mut buffer).unwrap();
            assert!(buffer[..read].starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&buffer[..read]));
        }
    }
}
