//! The embedded SQS as a server: a clock of the test's own, clients that go away, stopping and starting again.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as its own lines do")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use futures::future::join_all;
use local::sqs::{Clock, Server, system_clock};
use tests::conformance::sqs::client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn start(clock: Clock) -> (Server, Client) {
    let server = Server::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), clock).unwrap();
    let client = client(server.endpoint());
    (server, client)
}

async fn fifo(client: &Client, name: &str) -> String {
    let request = client.create_queue().queue_name(name).attributes(QueueAttributeName::FifoQueue, "true");
    let request = request.attributes(QueueAttributeName::ContentBasedDeduplication, "true");
    request.send().await.unwrap().queue_url.unwrap()
}

async fn send(client: &Client, url: &str, group: &str, body: &str) {
    client.send_message().queue_url(url).message_group_id(group).message_body(body).send().await.unwrap();
}

/// A clock that stands until it is moved.
fn virtual_clock() -> (Arc<AtomicI64>, Clock) {
    let time = Arc::new(AtomicI64::new(1_700_000_000_000));
    let shown = Arc::clone(&time);
    (time, Arc::new(move || shown.load(Ordering::SeqCst)))
}

#[tokio::test]
async fn a_poll_lives_by_the_virtual_clock() {
    let (time, clock) = virtual_clock();
    let (server, client) = start(clock).await;
    let url = fifo(&client, "q.fifo").await;
    send(&client, &url, "a", "x").await;
    let request = client.receive_message().queue_url(&url).visibility_timeout(43_200);
    assert_eq!(request.send().await.unwrap().messages().len(), 1);

    let poll = tokio::spawn(client.receive_message().queue_url(&url).wait_time_seconds(20).send());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!poll.is_finished(), "neither its end nor the message's has come");
    time.fetch_add(20_000, Ordering::SeqCst);
    server.poke();
    assert!(poll.await.unwrap().unwrap().messages().is_empty(), "twenty virtual seconds are over");

    time.fetch_add(43_200_000 - 21_000, Ordering::SeqCst);
    let poll = tokio::spawn(client.receive_message().queue_url(&url).wait_time_seconds(20).send());
    tokio::time::sleep(Duration::from_millis(200)).await;
    time.fetch_add(1000, Ordering::SeqCst);
    server.poke();
    assert_eq!(poll.await.unwrap().unwrap().messages().len(), 1, "twelve virtual hours are over");

    time.fetch_add(5 * DAY_MS, Ordering::SeqCst);
    let late = client.receive_message().queue_url(&url).send().await.unwrap();
    assert!(late.messages().is_empty(), "the four days of retention are over");
    server.shutdown().await;
}

#[tokio::test]
async fn polls_that_are_gone_take_no_messages() {
    const ROUNDS: usize = 200;
    // On a thread of its own, so that a client may be gone before the server's runtime has looked at its socket.
    let (ready, started) = tokio::sync::oneshot::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let (server, _) = start(system_clock()).await;
            ready.send(server.endpoint().to_owned()).unwrap();
            let _ = stopped.await;
            server.shutdown().await;
        });
    });
    let client = client(&started.await.unwrap());
    let url = fifo(&client, "q.fifo").await;
    for round in 0..ROUNDS {
        let poll = tokio::spawn(client.receive_message().queue_url(&url).wait_time_seconds(20).send());
        // So that polls are aborted at every stage: not begun, on their way, waiting.
        tokio::time::sleep(Duration::from_millis((round % 5) as u64)).await;
        poll.abort();
        let _ = poll.await;
        send(&client, &url, "a", &round.to_string()).await;
        let answer = client.receive_message().queue_url(&url).send().await.unwrap();
        let message = answer.messages().first().unwrap_or_else(|| panic!("the dead poll {round} took its message"));
        assert_eq!(message.body(), Some(round.to_string().as_str()));
        let handle = message.receipt_handle().unwrap();
        client.delete_message().queue_url(&url).receipt_handle(handle).send().await.unwrap();
    }
    stop.send(()).unwrap();
    tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_stop_ends_polls_and_idle_connections_soon() {
    let (server, client) = start(system_clock()).await;
    let url = fifo(&client, "q.fifo").await;
    let polls = (0..5).map(|_| tokio::spawn(client.receive_message().queue_url(&url).wait_time_seconds(20).send()));
    let polls: Vec<_> = polls.collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    server.shutdown().await;
    for poll in join_all(polls).await {
        assert!(poll.unwrap().unwrap().messages().is_empty());
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(client.list_queues().send().await.is_err());
}

#[tokio::test]
async fn a_queue_url_of_an_earlier_run_is_good_and_a_handle_is_stale() {
    let (server, client) = start(system_clock()).await;
    let url = fifo(&client, "q.fifo").await;
    send(&client, &url, "a", "x").await;
    let old = client.receive_message().queue_url(&url).send().await.unwrap().messages.unwrap().remove(0);
    server.shutdown().await;

    let (server, client) = start(system_clock()).await;
    let unknown = client.receive_message().queue_url(&url).send().await.unwrap_err();
    assert!(unknown.as_service_error().unwrap().is_queue_does_not_exist());
    fifo(&client, "q.fifo").await;
    send(&client, &url, "a", "x").await;
    assert_eq!(client.receive_message().queue_url(&url).send().await.unwrap().messages().len(), 1);
    let handle = old.receipt_handle.unwrap();
    client.delete_message().queue_url(&url).receipt_handle(handle).send().await.unwrap();
    let counts = client.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let counts = counts.send().await.unwrap().attributes.unwrap();
    assert_eq!(counts[&QueueAttributeName::ApproximateNumberOfMessagesNotVisible], "1");
    server.shutdown().await;
}

#[tokio::test]
async fn a_poll_at_a_queue_that_is_deleted_is_told() {
    let (server, client) = start(system_clock()).await;
    let url = fifo(&client, "q.fifo").await;
    let poll = tokio::spawn(client.receive_message().queue_url(&url).wait_time_seconds(20).send());
    tokio::time::sleep(Duration::from_millis(200)).await;
    client.delete_queue().queue_url(&url).send().await.unwrap();
    let told = poll.await.unwrap().unwrap_err();
    assert!(told.as_service_error().unwrap().is_queue_does_not_exist());
    server.shutdown().await;
}

#[tokio::test]
async fn what_is_no_request_is_refused_as_the_protocol_says() {
    let (server, client) = start(system_clock()).await;
    let unsupported = client.add_permission().queue_url("q").label("l").aws_account_ids("1").actions("*");
    let error = unsupported.send().await.unwrap_err().into_service_error();
    assert!(error.is_unsupported_operation(), "{error:?}");

    let address = server.endpoint().trim_start_matches("http://").to_owned();
    let huge = format!("X-Amz-Target: AmazonSQS.SendMessage\r\nContent-Length: {}", 64 << 20);
    for (head, code) in [
        ("Content-Length: 2", "SerializationException"),
        ("X-Amz-Target: AmazonSQS.SendMessage\r\nContent-Length: 2", "SerializationException"),
        (huge.as_str(), "InvalidParameterValue"),
    ] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let request = format!("POST / HTTP/1.1\r\nHost: q\r\nConnection: close\r\n{head}\r\n\r\n{{}}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains(&format!("x-amzn-query-error: {code};Sender")), "{answer}");
        assert!(answer.contains(&format!("com.amazonaws.sqs#{code}")), "{answer}");
    }
    server.shutdown().await;
}

/// Prints how many messages go through in a second. To be run by hand, in a release build.
#[tokio::test]
#[ignore = "a measurement"]
async fn throughput() {
    const TASKS: usize = 32;
    const EACH: usize = 300;
    let (server, client) = start(system_clock()).await;
    let url = fifo(&client, "q.fifo").await;
    let body = "x".repeat(300);
    let begun = Instant::now();
    join_all((0..TASKS).map(|task| {
        let (client, url, body) = (&client, &url, &body);
        async move {
            for number in 0..EACH {
                send(client, url, &format!("{task}-{}", number % 50), &format!("{body}{task}-{number}")).await;
            }
        }
    }))
    .await;
    let sent = begun.elapsed();
    let begun = Instant::now();
    let pairs: usize = join_all((0..TASKS).map(|_| {
        let (client, url) = (&client, &url);
        async move {
            let mut pairs = 0;
            loop {
                let request = client.receive_message().queue_url(url);
                let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
                let Some(message) = request.send().await.unwrap().messages.and_then(|mut all| all.pop()) else { break };
                let handle = message.receipt_handle.unwrap();
                client.delete_message().queue_url(url).receipt_handle(handle).send().await.unwrap();
                pairs += 1;
            }
            pairs
        }
    }))
    .await
    .into_iter()
    .sum();
    let drained = begun.elapsed();
    println!("{:.0} sends/s", (TASKS * EACH) as f64 / sent.as_secs_f64());
    println!("{:.0} receives with delete/s", pairs as f64 / drained.as_secs_f64());
    server.shutdown().await;
}
