//! Queues that start functions: what is deleted, what comes again, and where it ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use aws_sdk_sqs::types::QueueAttributeName;
use local::handler::Handler;
use local::queues::{self, Made};
use local::registry::Registry;
use local::template::Template;
use local::triggers::{Poller, Triggers};
use local::{Options, Running};
use platform::Platform;
use tokio::sync::mpsc;

const TEMPLATE: &str = "
Resources:
  Function:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: f}}
    Properties:
      Timeout: 5
      Events:
        E:
          Type: SQS
          Properties:
            Queue: !GetAtt Queue.Arn
            BatchSize: 5
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 2}
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: things
      VisibilityTimeout: 1
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2}
  Dead:
    Type: AWS::SQS::Queue
    Properties: {QueueName: things-dead}
";

struct World {
    running: Running,
    triggers: Triggers,
    queue: Made,
    dead: Made,
}

impl World {
    async fn start(handler: Handler) -> Self {
        let running = local::start(Options::memory()).await.unwrap();
        let template = Template::read(TEMPLATE, &HashMap::new()).unwrap();
        let registry = Registry::bind(&template, vec![("f", handler)]).unwrap();
        let client = running.platform().queues.client().clone();
        let made = queues::create(&client, &template).await.unwrap();
        let (source, function) = registry.sources[0].clone();
        let (queue, dead) = (made["Queue"].clone(), made["Dead"].clone());
        let platform = running.platform().clone();
        let poller = Poller { client, queue: queue.clone(), source, function, platform };
        Self { running, triggers: Triggers::start(vec![poller], Vec::new()), queue, dead }
    }

    fn client(&self) -> &aws_sdk_sqs::Client {
        self.running.platform().queues.client()
    }

    async fn send(&self, body: &str) {
        self.client().send_message().queue_url(&self.queue.url).message_body(body).send().await.unwrap();
    }

    /// Waits until the queue has no message, visible or not.
    async fn drained(&self) {
        loop {
            let counts = [
                QueueAttributeName::ApproximateNumberOfMessages,
                QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            ];
            let request = self.client().get_queue_attributes().queue_url(&self.queue.url);
            let answer = request.set_attribute_names(Some(counts.to_vec())).send().await.unwrap();
            if answer.attributes.unwrap().values().all(|count| count == "0") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn stop(self) {
        self.triggers.stop(Duration::from_secs(5)).await;
        self.running.stop().await;
    }
}

#[tokio::test]
async fn what_a_function_took_is_deleted_and_what_failed_comes_again_until_it_is_dead() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let world = World::start(Handler::queue(move |_: Platform, event: SqsEvent| {
        let tell = tell.clone();
        async move {
            let mut response = SqsBatchResponse::default();
            for record in event.records {
                let body = record.body.unwrap();
                if body == "bad" {
                    let mut failure = BatchItemFailure::default();
                    failure.item_identifier = record.message_id.unwrap();
                    response.batch_item_failures.push(failure);
                }
                tell.send((body, record.attributes["ApproximateReceiveCount"].clone())).unwrap();
            }
            response
        }
    }))
    .await;
    for body in ["good", "bad", "good"] {
        world.send(body).await;
    }
    tokio::time::timeout(Duration::from_secs(20), world.drained()).await.unwrap();
    let mut seen: Vec<_> = std::iter::from_fn(|| told.try_recv().ok()).collect();
    seen.sort();
    let expected = [("bad", "1"), ("bad", "2"), ("good", "1"), ("good", "1")];
    assert_eq!(seen, expected.map(|(body, count)| (body.to_owned(), count.to_owned())));
    let dead = world.client().receive_message().queue_url(&world.dead.url).wait_time_seconds(5).send().await.unwrap();
    assert_eq!(dead.messages.unwrap()[0].body.as_deref(), Some("bad"));
    world.stop().await;
}

#[tokio::test]
async fn a_panic_leaves_the_whole_batch_in_the_queue() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let world = World::start(Handler::queue(move |_: Platform, _: SqsEvent| {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(call > 0, "a panic, as asked for");
            SqsBatchResponse::default()
        }
    }))
    .await;
    world.send("once more").await;
    tokio::time::timeout(Duration::from_secs(20), world.drained()).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    world.stop().await;
}

#[tokio::test]
async fn no_more_run_at_once_than_the_template_allows() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let parts = (Arc::clone(&running), Arc::clone(&most));
    let world = World::start(Handler::queue(move |_: Platform, event: SqsEvent| {
        let (running, most) = parts.clone();
        async move {
            assert!(event.records.len() <= 5, "more than the batch size");
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            SqsBatchResponse::default()
        }
    }))
    .await;
    for number in 0..40 {
        world.send(&number.to_string()).await;
    }
    tokio::time::timeout(Duration::from_secs(20), world.drained()).await.unwrap();
    assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
    world.stop().await;
}

#[tokio::test]
async fn queues_are_made_any_number_of_times_and_follow_a_new_template() {
    let running = local::start(Options::memory()).await.unwrap();
    let client = running.platform().queues.client();
    let template = Template::read(TEMPLATE, &HashMap::new()).unwrap();
    let first = queues::create(client, &template).await.unwrap();
    assert_eq!(queues::create(client, &template).await.unwrap(), first);

    let changed = TEMPLATE.replace("VisibilityTimeout: 1", "VisibilityTimeout: 7");
    let changed = Template::read(&changed, &HashMap::new()).unwrap();
    assert_eq!(queues::create(client, &changed).await.unwrap(), first);
    let request = client.get_queue_attributes().queue_url(&first["Queue"].url);
    let attributes = request.attribute_names(QueueAttributeName::All).send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "7");
    assert!(attributes[&QueueAttributeName::RedrivePolicy].contains(&first["Dead"].arn));
    running.stop().await;
}
