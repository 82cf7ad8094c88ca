//! Starting the platform, piece by piece, and stopping it the other way round.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use platform::Platform;
use platform::config::Config;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::aws::{Clients, Endpoints};
use crate::backend::Backend;
use crate::data::DataDirectory;
use crate::engine::Engine;
use crate::error::StartError;
use crate::function::Function;
use crate::gateway::{self, Api, Gateway, Routes};
use crate::options::{Data, Options};
use crate::outside::Outside;
use crate::registry::Registry;
use crate::template::{self, QueueSource, Schedule, Template};
use crate::triggers::{Poller, Rule, Schedules, Triggers};
use crate::{aws, functions, metrics, queues};

/// How long requests and invocations under way may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// A platform that runs. [`Running::stop`] ends it cleanly; dropping it ends it at once.
#[derive(Debug)]
pub struct Running {
    gateway: Gateway,
    /// The same, on the address of the containers' network.
    inner: Option<Gateway>,
    engine: Engine,
    triggers: Triggers,
    registry: Registry,
    region: String,
    backend: Backend,
    platform: Platform,
    admin_token: String,
    upkeep: JoinSet<()>,
    _outside: Option<Outside>,
    _data: Option<DataDirectory>,
}

/// Starts a platform in tasks of the current runtime.
///
/// # Errors
/// It cannot run; nothing is left running then.
pub async fn start(options: Options) -> Result<Running, StartError> {
    let mut variables = options.variables;
    variables.entry("MOLECULE_ENV".into()).or_insert_with(|| "development".into());
    // Nobody pays for the seconds of a poll here.
    variables.entry("INBOX_WAIT_MAX_SECONDS".into()).or_insert_with(|| "20".into());
    if matches!(options.data, Data::Directory(_)) {
        variables.entry("PROVISIONER".into()).or_insert_with(|| "process".into());
    }
    // As they were given: the token that is made below must not stand in for the one that production asks for.
    Config::from_map(&variables)?;
    let data = match &options.data {
        Data::Directory(path) => Some(DataDirectory::open(path)?),
        Data::Memory => None,
    };
    let admin_token = match (variables.get("ADMIN_TOKEN").filter(|token| !token.trim().is_empty()), &data) {
        (Some(token), _) => token.trim().to_owned(),
        (None, Some(data)) => data.admin_token(&options.entropy)?,
        (None, None) => options.entropy.secret(),
    };
    variables.insert("ADMIN_TOKEN".into(), admin_token.clone());
    if let Some(data) = data.as_ref().filter(|_| !is_set(&variables, "SECRETS_ENCRYPTION_KEY")) {
        variables.insert("SECRETS_ENCRYPTION_KEY".into(), data.secrets_key(&options.entropy)?);
    }
    let config = Config::from_map(&variables)?;

    let template = Template::read(template::TEXT, &variables)?;
    let registry = Registry::bind(&template, functions::all())?;
    let routes = Routes::new(&registry.routes)?;
    let listener = listen(options.port)?;

    let address = listener.local_addr().map_err(|error| port_error(options.port, &error))?;
    let engine = Engine::open(&config.engine, data.as_ref(), address.port()).await?;
    if let Some(url) = &engine.platform_url {
        variables.entry("WORKSPACE_PLATFORM_URL".into()).or_insert_with(|| url.clone());
    }
    let second = engine.also_listen.map(|gateway| gateway::listen_at(gateway, address.port())).transpose();
    let second = second.map_err(|error| port_error(options.port, &error))?;

    let backend = Backend::start(data.as_ref(), options.aws_endpoint, &options.clock).await?;
    let own = Clients::new(backend.endpoints(), &variables, platform::aws::http_client()).await;
    backend.bootstrap(&own, &config.table_name).await?;
    let made = queues::create(&own.sqs, &template).await.map_err(|problem| backend.queue_error(problem))?;
    for (variable, queue) in &template.queue_variables {
        let url = made.get(queue).map(|queue| queue.url.clone()).unwrap_or_default();
        variables.insert(variable.clone(), url);
    }
    let config = Config::from_map(&variables)?;
    let outside = match &data {
        Some(data) => {
            let (endpoints, embedded) = (backend.endpoints(), backend.is_embedded());
            Some(Outside::open(data, &variables, endpoints, embedded, options.functions_address).await?)
        }
        None => None,
    };
    let clients = match options.http_client {
        Some(http) => Clients::new(backend.endpoints(), &variables, http).await,
        None => own.clone(),
    };
    let platform =
        Platform::new(config, clients.dynamodb, clients.sqs, options.clock, options.entropy, engine.provisioner());
    metrics::install();
    recover(&platform).await?;

    let pollers = pollers(&registry, &made, &own, &platform);
    let region = aws::region(&variables).to_owned();
    let rules = rules(&registry, &platform, &region, options.schedules);
    let api = Arc::new(Api::new(routes, &template.cors, platform.clone()));
    let start = |listener, api| Gateway::start(listener, api).map_err(|error| port_error(options.port, &error));
    let inner = second.map(|listener| start(listener, Arc::clone(&api))).transpose()?;
    let gateway = start(listener, api)?;
    let mut upkeep = JoinSet::new();
    upkeep.spawn(metrics::upkeep());
    engine.watch(&platform, &mut upkeep);
    Ok(Running {
        gateway,
        inner,
        engine,
        triggers: Triggers::start(pollers, rules),
        registry,
        region,
        backend,
        platform,
        admin_token,
        upkeep,
        _outside: outside,
        _data: data,
    })
}

/// Takes up what was open when the platform last stopped, before anything is served. The embedded queues are empty at a
/// start, as they are kept in memory; the messages themselves are in the table.
async fn recover(platform: &Platform) -> Result<(), StartError> {
    let sent = dispatch::recover(platform).await.map_err(|problem| StartError::Recovery(problem.message))?;
    if sent > 0 {
        tracing::info!(messages = sent, "open messages are in their queues again");
    }
    Ok(())
}

fn listen(port: u16) -> Result<TcpListener, StartError> {
    gateway::listen(port).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => StartError::PortInUse(port),
        _ => StartError::Port { port, problem: error.to_string() },
    })
}

fn is_set(variables: &HashMap<String, String>, name: &str) -> bool {
    variables.get(name).is_some_and(|value| !value.trim().is_empty())
}

fn port_error(port: u16, error: &std::io::Error) -> StartError {
    StartError::Port { port, problem: error.to_string() }
}

fn pollers(
    registry: &Registry,
    made: &BTreeMap<String, queues::Made>,
    own: &Clients,
    platform: &Platform,
) -> Vec<Poller> {
    let poller = |(source, function): &(QueueSource, Arc<Function>)| {
        Some(Poller {
            client: own.sqs.clone(),
            queue: made.get(&source.queue)?.clone(),
            source: source.clone(),
            function: Arc::clone(function),
            platform: platform.clone(),
        })
    };
    registry.sources.iter().filter_map(poller).collect()
}

fn rules(registry: &Registry, platform: &Platform, region: &str, schedules: Schedules) -> Vec<Rule> {
    let rule = |(schedule, function): &(Schedule, Arc<Function>)| {
        let every = schedules.interval(schedule.every)?;
        Some(Rule {
            name: schedule.name.clone(),
            every,
            function: Arc::clone(function),
            platform: platform.clone(),
            region: region.to_owned(),
        })
    };
    registry.schedules.iter().filter_map(rule).collect()
}

impl Running {
    /// Where the API is, such as `http://127.0.0.1:8080`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where the API is.
    pub fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// What the functions run on.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// The operator's token.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// Where DynamoDB and SQS are, for a client of one's own.
    pub fn endpoints(&self) -> &Endpoints {
        self.backend.endpoints()
    }

    /// Starts a scheduled function now and waits for its end; whether there is one of that name.
    pub async fn fire(&self, function: &str) -> bool {
        let all = rules(&self.registry, &self.platform, &self.region, Schedules::AsDeclared);
        let Some(rule) = all.into_iter().find(|rule| rule.function.name == function) else { return false };
        rule.fire().await;
        true
    }

    /// Tells the embedded queues that a clock which moves only when told to has moved.
    pub fn poke(&self) {
        self.backend.poke();
    }

    /// Stops: no new requests and invocations, a few seconds for those under way, then the queues and the data.
    pub async fn stop(mut self) {
        // Children that end now were told to: nobody is to start them again.
        self.upkeep.shutdown().await;
        let inner = async {
            if let Some(inner) = self.inner {
                inner.stop(GRACE).await;
            }
        };
        // They may still say how they ended.
        self.engine.close().await;
        tokio::join!(self.gateway.stop(GRACE), inner, self.triggers.stop(GRACE));
        self.backend.shutdown().await;
    }
}
