//! What every handler gets: settings, store, queues, agents, clock and entropy.

use std::ops::Deref;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::agents::AgentClient;
use crate::bus::{Bus, NoBus};
use crate::clock::Clock;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::provisioner::Provisioner;
use crate::queues::Queues;
use crate::sealing::{self, Sealer};
use crate::store::Store;

/// Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Platform(Arc<Parts>);

/// The parts of a [`Platform`].
#[derive(Debug)]
pub struct Parts {
    /// Settings.
    pub config: Config,
    /// DynamoDB.
    pub store: Store,
    /// SQS.
    pub queues: Queues,
    /// Calls to agents.
    pub agents: AgentClient,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and secrets.
    pub entropy: Entropy,
    /// What starts the runtimes of workspaces.
    pub provisioner: Arc<dyn Provisioner>,
    /// What encrypts secrets.
    pub sealer: Arc<dyn Sealer>,
    /// Where events are published.
    pub bus: Arc<dyn Bus>,
    /// Room for senders that wait for an answer.
    pub waiting: Arc<Semaphore>,
}

/// What only some functions use.
#[derive(Debug, Clone)]
pub struct Services {
    /// What starts the runtimes of workspaces.
    pub provisioner: Arc<dyn Provisioner>,
    /// What encrypts secrets.
    pub sealer: Arc<dyn Sealer>,
    /// Where events are published.
    pub bus: Arc<dyn Bus>,
}

impl Platform {
    /// Puts the parts together; secrets are sealed under the settings' own key, if there is one, and nothing is published.
    pub fn new(
        config: Config,
        dynamodb: aws_sdk_dynamodb::Client,
        sqs: aws_sdk_sqs::Client,
        clock: Arc<dyn Clock>,
        entropy: Entropy,
        provisioner: Arc<dyn Provisioner>,
    ) -> Self {
        let services = Services { provisioner, sealer: sealing::from_config(&config), bus: Arc::new(NoBus) };
        Self::with(config, dynamodb, sqs, clock, entropy, services)
    }

    /// As [`Platform::new`], with other services.
    pub fn with(
        config: Config,
        dynamodb: aws_sdk_dynamodb::Client,
        sqs: aws_sdk_sqs::Client,
        clock: Arc<dyn Clock>,
        entropy: Entropy,
        services: Services,
    ) -> Self {
        let Services { provisioner, sealer, bus } = services;
        let store = Store::new(dynamodb, config.table_name.clone());
        let queues = Queues::new(sqs, &config);
        let agents = AgentClient::new(config.url_profile());
        let waiting = Arc::new(Semaphore::new(config.max_waiting));
        Self(Arc::new(Parts { config, store, queues, agents, clock, entropy, provisioner, sealer, bus, waiting }))
    }

    /// Now.
    pub fn now(&self) -> rules::Timestamp {
        self.clock.now()
    }
}

impl Deref for Platform {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
