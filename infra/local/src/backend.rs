//! DynamoDB and SQS: the embedded ones, or those of an endpoint elsewhere.

use std::net::Ipv4Addr;
use std::sync::Arc;

use platform::clock::Clock;
use platform::schema::{self, SchemaError};
use platform::store::Store;
use tokio::net::{TcpListener, TcpSocket};

use crate::aws::{Clients, Endpoints, explain};
use crate::data::DataDirectory;
use crate::dynamodb::{self, Database};
use crate::error::StartError;
use crate::sqs;

/// What the functions keep their state in.
#[derive(Debug)]
pub struct Backend {
    endpoints: Endpoints,
    embedded: Option<Embedded>,
    /// What to name in an error of the embedded database.
    place: String,
}

#[derive(Debug)]
struct Embedded {
    dynamodb: dynamodb::Server,
    sqs: sqs::Server,
}

impl Backend {
    /// Starts the embedded ones, with their data in the directory or in memory; or takes the endpoint elsewhere.
    ///
    /// # Errors
    /// They do not start.
    pub async fn start(
        data: Option<&DataDirectory>,
        elsewhere: Option<String>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        if let Some(endpoint) = elsewhere {
            let endpoints = Endpoints { dynamodb: endpoint.clone(), sqs: endpoint };
            return Ok(Self { endpoints, embedded: None, place: String::new() });
        }
        let file = data.map(DataDirectory::database).transpose()?;
        let place = file.as_ref().map_or_else(|| "it".to_owned(), |file| file.display().to_string());
        let failed = |problem: String| StartError::Database { place: place.clone(), problem };
        let database = match &file {
            Some(file) => Database::open(file),
            None => Database::memory(Arc::clone(clock)),
        };
        let database = database.map_err(failed)?;
        let dynamodb = dynamodb::Server::start(database).await.map_err(|error| failed(error.to_string()))?;
        let sqs = start_sqs(Arc::clone(clock)).map_err(|error| StartError::Queue(error.to_string()))?;
        let endpoints = Endpoints { dynamodb: dynamodb.endpoint().to_owned(), sqs: sqs.endpoint().to_owned() };
        Ok(Self { endpoints, embedded: Some(Embedded { dynamodb, sqs }), place })
    }

    /// Where they are.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Whether they are the embedded ones.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Makes the table where there is none.
    ///
    /// # Errors
    /// DynamoDB does not answer, or the table is a newer release's.
    pub async fn bootstrap(&self, clients: &Clients, table: &str) -> Result<(), StartError> {
        // A short question first: its failure can be told in few words.
        let asked = clients.dynamodb.list_tables().limit(1).send().await;
        asked.map_err(|error| self.database_error(explain(&error)))?;
        let store = Store::new(clients.dynamodb.clone(), table.to_owned());
        schema::bootstrap(&store).await.map_err(|error| match error {
            SchemaError::Newer { .. } => StartError::Schema { table: table.to_owned(), problem: error.to_string() },
            error => self.database_error(error.to_string()),
        })
    }

    fn database_error(&self, problem: String) -> StartError {
        if self.embedded.is_some() {
            return StartError::Database { place: self.place.clone(), problem };
        }
        StartError::Endpoint { service: "DynamoDB", endpoint: self.endpoints.dynamodb.clone(), problem }
    }

    /// The error of a start that failed on SQS.
    pub fn queue_error(&self, problem: String) -> StartError {
        if self.embedded.is_some() {
            return StartError::Queue(problem);
        }
        StartError::Endpoint { service: "SQS", endpoint: self.endpoints.sqs.clone(), problem }
    }

    /// Tells the embedded SQS that a clock which moves only when told to has moved.
    pub fn poke(&self) {
        if let Some(embedded) = &self.embedded {
            embedded.sqs.poke();
        }
    }

    /// Stops the embedded ones.
    pub async fn shutdown(self) {
        if let Some(embedded) = self.embedded {
            embedded.sqs.shutdown().await;
            embedded.dynamodb.shutdown().await;
        }
    }
}

fn start_sqs(clock: Arc<dyn Clock>) -> std::io::Result<sqs::Server> {
    let clock: sqs::Clock = Arc::new(move || clock.now().millis());
    sqs::Server::start(listen()?, clock)
}

fn listen() -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    socket.listen(1_024)
}
