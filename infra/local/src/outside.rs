//! Functions that run outside this process, started by `cargo lambda watch` or `sam local`: what they need to know to work
//! on this platform's table and queues, and, for those in containers, a way there.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::aws::{self, Endpoints};
use crate::data::DataDirectory;
use crate::error::StartError;
use crate::options::FUNCTIONS_ADDRESS;

/// Variables for `cargo lambda watch --env-file`.
pub const ENV_FILE: &str = "functions.env";
/// The same for `sam local --env-vars`.
pub const SAM_FILE: &str = "functions.json";

/// The way for functions in containers; it ends with this.
#[derive(Debug)]
pub struct Outside {
    _relays: JoinSet<()>,
}

impl Outside {
    /// Writes the files; listens at `address`, if there is one, for what belongs to the endpoints.
    ///
    /// # Errors
    /// The address cannot be listened at, or a file cannot be written.
    pub async fn open(
        data: &DataDirectory,
        variables: &HashMap<String, String>,
        endpoints: &Endpoints,
        embedded: bool,
        address: Option<IpAddr>,
    ) -> Result<Self, StartError> {
        let settings = settings(variables);
        data.give(ENV_FILE, &env_file(&settings, endpoints))?;
        let mut relays = JoinSet::new();
        let Some(address) = address else {
            data.take_back(SAM_FILE)?;
            return Ok(Self { _relays: relays });
        };
        let endpoints = match embedded {
            false => endpoints.clone(),
            true => Endpoints {
                dynamodb: relay(address, &endpoints.dynamodb, &mut relays).await?,
                sqs: relay(address, &endpoints.sqs, &mut relays).await?,
            },
        };
        data.give(SAM_FILE, &json!({ "Parameters": with_endpoints(&settings, &endpoints) }).to_string())?;
        Ok(Self { _relays: relays })
    }
}

/// The functions' own variables, all of them, as what the template says of them is for AWS; the rest of the environment is
/// none of theirs.
fn settings(variables: &HashMap<String, String>) -> BTreeMap<&str, &str> {
    let of_functions = platform::config::VARIABLES.iter().map(|variable| {
        let given = variables.get(variable.name).map(|value| value.trim()).filter(|value| !value.is_empty());
        (variable.name, given.unwrap_or(variable.default))
    });
    let mut settings: BTreeMap<_, _> = of_functions.collect();
    settings.insert("AWS_REGION", aws::region(variables));
    settings
}

fn with_endpoints<'a>(settings: &BTreeMap<&'a str, &'a str>, endpoints: &'a Endpoints) -> BTreeMap<&'a str, &'a str> {
    let mut all = settings.clone();
    all.insert("DYNAMODB_ENDPOINT_URL", &endpoints.dynamodb);
    all.insert("SQS_ENDPOINT_URL", &endpoints.sqs);
    all
}

/// Emulators take any keys; the SDK asks for some.
const KEYS: &str = "AWS_ACCESS_KEY_ID=test\nAWS_SECRET_ACCESS_KEY=test\n";

fn env_file(settings: &BTreeMap<&str, &str>, endpoints: &Endpoints) -> String {
    let set = with_endpoints(settings, endpoints).into_iter().filter(|(_, value)| !value.is_empty());
    // Quoted for the shell that reads it.
    let lines = set.map(|(name, value)| format!("{name}='{}'\n", value.replace('\'', r"'\''")));
    lines.chain([KEYS.to_owned()]).collect()
}

/// Hands on to an endpoint on loopback what comes to a port at `address`; gives the URL there.
async fn relay(address: IpAddr, endpoint: &str, relays: &mut JoinSet<()>) -> Result<String, StartError> {
    let failed = |problem: String| StartError::LocalVariable { name: FUNCTIONS_ADDRESS.name, problem };
    let to = endpoint.strip_prefix("http://").and_then(|to| to.trim_end_matches('/').parse::<SocketAddr>().ok());
    let to = to.ok_or_else(|| failed(format!("{endpoint} has no address")))?;
    let unusable = |error: io::Error| failed(format!("{address} cannot be listened at: {error}"));
    let listener = TcpListener::bind((address, 0)).await.map_err(unusable)?;
    let here = listener.local_addr().map_err(unusable)?;
    relays.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((from, _)) => {
                        connections.spawn(hand_on(from, to));
                    }
                    // Too many open files, most likely.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    });
    Ok(format!("http://{here}"))
}

async fn hand_on(mut from: TcpStream, to: SocketAddr) {
    if let Ok(mut to) = TcpStream::connect(to).await {
        // Either side may end it.
        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn endpoints() -> Endpoints {
        Endpoints { dynamodb: "http://127.0.0.1:1".to_owned(), sqs: "http://127.0.0.1:2".to_owned() }
    }

    #[test]
    fn functions_get_their_own_variables_and_no_other() {
        let variables =
            [("TABLE_NAME", "things"), ("HOME", "/root"), ("ADMIN_TOKEN", "it's $a"), ("EVENT_BUS_NAME", " ")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let text = env_file(&settings(&HashMap::from(variables)), &endpoints());
        for line in [
            r"ADMIN_TOKEN='it'\''s $a'",
            "AWS_REGION='us-east-1'",
            "DYNAMODB_ENDPOINT_URL='http://127.0.0.1:1'",
            "SQS_ENDPOINT_URL='http://127.0.0.1:2'",
            "TABLE_NAME='things'",
            "QUEUE_PREFIX='molecule'",
            "AWS_SECRET_ACCESS_KEY=test",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
        assert!(!text.contains("HOME=") && !text.contains("EVENT_BUS_NAME"), "{text}");
    }

    #[tokio::test]
    async fn a_relay_hands_on_both_ways_and_ends_with_its_owner() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut relays = JoinSet::new();
        let endpoint = format!("http://{}", server.local_addr().unwrap());
        let url = relay(IpAddr::from([127, 0, 0, 1]), &endpoint, &mut relays).await.unwrap();
        let here: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        assert_ne!(url, endpoint);
        let mut caller = TcpStream::connect(here).await.unwrap();
        let (mut called, _) = server.accept().await.unwrap();
        caller.write_all(b"ask").await.unwrap();
        let mut asked = [0; 3];
        called.read_exact(&mut asked).await.unwrap();
        called.write_all(b"told").await.unwrap();
        let mut told = [0; 4];
        caller.read_exact(&mut told).await.unwrap();
        assert_eq!((&asked, &told), (b"ask", b"told"));
        relays.shutdown().await;
        assert!(TcpStream::connect(here).await.is_err());
    }
}
