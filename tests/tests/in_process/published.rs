//! Workspace events on the event bus: the table's stream as Lambda hands it on, what reaches the bus, and what comes again.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::BoxFuture;
use local::handler::Handler;
use platform::bus::{Bus, BusError, EventBridge};
use platform::entropy::Entropy;
use platform::provisioner::NoEngine;
use platform::{Platform, Services, sealing};
use rules::published::Published;
use serde_json::{Value, json};
use tests::played::Plays as _;
use tests::recorded::Service;
use tests::{ADMIN, World};

/// Takes events, but for those whose type it is told to refuse.
#[derive(Debug, Default)]
struct FakeBus {
    taken: Mutex<Vec<Published>>,
    refuses: Mutex<Option<&'static str>>,
    silent: bool,
}

impl Bus for FakeBus {
    fn put<'a>(&'a self, events: &'a [Published]) -> BoxFuture<'a, Result<Vec<bool>, BusError>> {
        Box::pin(async move {
            if self.silent {
                return Err(BusError("no answer".to_owned()));
            }
            let refused = *self.refuses.lock().unwrap();
            let taken: Vec<bool> = events.iter().map(|event| Some(event.detail_type.as_str()) != refused).collect();
            let fine = events.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(event, _)| event.clone());
            self.taken.lock().unwrap().extend(fine);
            Ok(taken)
        })
    }
}

impl FakeBus {
    fn types(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|event| event.detail_type.clone()).collect()
    }
}

fn in_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::M(fields) => {
            json!({ "M": fields.iter().map(|(name, value)| (name.clone(), in_json(value))).collect::<serde_json::Map<_, _>>() })
        }
        AttributeValue::L(items) => json!({ "L": items.iter().map(in_json).collect::<Vec<_>>() }),
        _ => json!({ "NULL": true }),
    }
}

/// The stream's records of all that is in the world's table, events in the order of their ids, as Lambda hands them on
/// where no filter is.
pub(crate) async fn stream(world: &World) -> Value {
    let store = &world.platform.store;
    let items = store.client().scan().table_name(store.table()).send().await.unwrap().items.unwrap();
    let mut images: Vec<Value> =
        items.iter().map(|item| in_json(&AttributeValue::M(item.clone()))["M"].take()).collect();
    images.sort_by_key(|image| image["sk"]["S"].as_str().unwrap_or_default().to_owned());
    let records = images.into_iter().enumerate().map(|(number, image)| {
        json!({
            "eventID": format!("{number}"), "eventName": "INSERT", "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:111122223333:table/molecule/stream/2026-01-01T00:00:00.000",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_767_225_600, "SequenceNumber": format!("{number:021}"),
                "SizeBytes": 100, "StreamViewType": "NEW_AND_OLD_IMAGES",
                "Keys": { "pk": image["pk"], "sk": image["sk"] }, "NewImage": image,
            },
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

/// What the function answers to an event, on this bus.
async fn publish(world: &World, bus: &Arc<FakeBus>, event: &Value) -> Value {
    let config = world.platform.config.clone();
    let services = Services {
        provisioner: Arc::new(NoEngine),
        sealer: sealing::from_config(&config),
        bus: Arc::<FakeBus>::clone(bus),
    };
    let (dynamodb, sqs) = (world.platform.store.client().clone(), world.platform.queues.client().clone());
    let platform = Platform::with(config, dynamodb, sqs, world.platform.clock.clone(), Entropy::seeded(9), services);
    let (_, handler): (_, Handler) = local::functions::all().into_iter().find(|(name, _)| *name == "publish").unwrap();
    let answer = handler.invoke()(platform, event.to_string().into_bytes(), false).await.unwrap();
    serde_json::from_slice(&answer.into_json()).unwrap()
}

/// A world in which a workspace has come, changed and gone.
async fn eventful() -> (World, String) {
    let world = World::new().await;
    let agent = world.external("bob").await;
    let card = json!({ "id": agent.id, "agent_card": { "name": "bob" }, "delivery_mode": "poll" });
    world.call("POST", "/registry/register", Some(&agent.token), &card).await.expect(200);
    let path = format!("/workspaces/{}", agent.id);
    world.call("PATCH", &path, Some(ADMIN), &json!({ "role": "tester" })).await.expect(200);
    (world, agent.id)
}

#[tokio::test]
async fn every_event_of_a_workspace_reaches_the_bus_once_and_in_order() {
    let (world, id) = eventful().await;
    let bus = Arc::new(FakeBus::default());
    let answer = publish(&world, &bus, &stream(&world).await).await;
    assert_eq!(answer["batchItemFailures"], json!([]));
    let told = world.events(&id).await;
    assert!(told.len() >= 3, "{told:?}");
    assert_eq!(bus.types(), told);
    for event in bus.taken.lock().unwrap().iter() {
        let detail: Value = serde_json::from_str(&event.detail).unwrap();
        assert_eq!((&detail["workspace_id"], &detail["org_id"]), (&json!(id), &json!("default")));
        assert!(detail["payload"].is_object(), "{detail}");
    }
    // What changed or went is no event.
    let mut again = stream(&world).await;
    for record in again["Records"].as_array_mut().unwrap() {
        record["eventName"] = json!("MODIFY");
    }
    publish(&world, &bus, &again).await;
    assert_eq!(bus.types(), told);
}

#[tokio::test]
async fn what_the_bus_does_not_take_comes_again_from_there() {
    let (world, id) = eventful().await;
    let told = world.events(&id).await;
    let event = stream(&world).await;
    let number_of = |answer: &Value| answer["batchItemFailures"][0]["itemIdentifier"].as_str().unwrap().to_owned();
    let refusing = Arc::new(FakeBus { refuses: Mutex::new(Some("WORKSPACE_ONLINE")), ..FakeBus::default() });
    let answer = publish(&world, &refusing, &event).await;
    let failed = number_of(&answer);
    let record =
        event["Records"].as_array().unwrap().iter().find(|record| record["dynamodb"]["SequenceNumber"] == failed);
    assert_eq!(record.unwrap()["dynamodb"]["NewImage"]["event_type"]["S"], "WORKSPACE_ONLINE");
    // A bus that does not answer takes nothing: all comes again.
    let silent = Arc::new(FakeBus { silent: true, ..FakeBus::default() });
    let first = event["Records"]
        .as_array()
        .unwrap()
        .iter()
        .find(|record| record["dynamodb"]["Keys"]["sk"]["S"].as_str().unwrap().starts_with("EVENT#"));
    assert_eq!(number_of(&publish(&world, &silent, &event).await), first.unwrap()["dynamodb"]["SequenceNumber"]);
    // One that cannot be read holds up nobody.
    let mut broken = event.clone();
    for record in broken["Records"].as_array_mut().unwrap() {
        if record["dynamodb"]["NewImage"]["event_type"]["S"] == "WORKSPACE_ONLINE" {
            record["dynamodb"]["NewImage"]["event_type"] = json!({ "S": "NOT_AN_EVENT" });
        }
    }
    let bus = Arc::new(FakeBus::default());
    assert_eq!(publish(&world, &bus, &broken).await["batchItemFailures"], json!([]));
    assert_eq!(bus.types().len(), told.len() - 1);
}

#[tokio::test]
async fn eventbridge_is_asked_as_its_api_says_and_its_refusals_are_read() {
    let service = Service::answering(vec![(
        200,
        json!({ "FailedEntryCount": 1, "Entries": [
            { "EventId": "11710aed-b79e-4468-a20b-bb3c0c3b4860" },
            { "ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded" },
        ]}),
    )]);
    let config = aws_sdk_eventbridge::Config::builder()
        .behavior_version(aws_sdk_eventbridge::config::BehaviorVersion::v2026_01_12())
        .region(aws_sdk_eventbridge::config::Region::new("eu-west-1"))
        .credentials_provider(aws_sdk_eventbridge::config::Credentials::new("test", "test", None, None, "tests"))
        .http_client(service.client())
        .build();
    let bus = EventBridge::new(aws_sdk_eventbridge::Client::from_conf(config), "molecule-events".to_owned());
    let entry = |kind: &str| Published {
        detail_type: kind.to_owned(),
        detail: "{}".to_owned(),
        at: rules::Timestamp::from_millis(1_767_225_600_000),
    };
    let taken = bus.put(&[entry("A"), entry("B"), entry("C")]).await.unwrap();
    assert_eq!(taken, [true, false, false], "what the answer leaves out was not taken for certain");
    let (operation, body) = service.asked().remove(0);
    assert_eq!(operation, "PutEvents");
    assert_eq!(
        body["Entries"][0],
        json!({ "Time": 1_767_225_600, "Source": "molecule", "DetailType": "A", "Detail": "{}", "EventBusName": "molecule-events" })
    );
}
