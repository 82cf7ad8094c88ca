//! How a platform is to run.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use platform::clock::{Clock, SystemClock};
use platform::config::Variable;
use platform::entropy::Entropy;

use crate::error::StartError;
use crate::triggers::Schedules;

/// The port of the API.
pub const PORT: Variable =
    Variable { name: "PORT", default: "8080", doc: "port of the API, on 127.0.0.1; 0 for a free one" };
/// The data directory.
pub const MOLECULE_DATA_DIR: Variable = Variable {
    name: "MOLECULE_DATA_DIR",
    default: ".molecule",
    doc: "directory of the data and the admin token; made if there is none",
};
/// DynamoDB and SQS that run elsewhere.
pub const AWS_ENDPOINT_URL: Variable = Variable {
    name: "AWS_ENDPOINT_URL",
    default: "",
    doc: "DynamoDB and SQS to use instead of the embedded ones, such as LocalStack's http://127.0.0.1:4566",
};
/// Where functions in containers reach the embedded DynamoDB and SQS.
pub const FUNCTIONS_ADDRESS: Variable = Variable {
    name: "FUNCTIONS_ADDRESS",
    default: "",
    doc: "gateway of a Docker network for `sam local`: the embedded DynamoDB and SQS listen there too, with all data for whoever is in that network",
};
/// What is logged.
pub const RUST_LOG: Variable =
    Variable { name: "RUST_LOG", default: "info", doc: "what is logged on stderr; http=off leaves out the requests" };

/// The variables of the local run, beside those of the functions.
pub const VARIABLES: &[Variable] = &[PORT, MOLECULE_DATA_DIR, AWS_ENDPOINT_URL, FUNCTIONS_ADDRESS, RUST_LOG];

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// In a directory, kept.
    Directory(PathBuf),
    /// In memory, gone with the platform.
    Memory,
}

/// How a platform is to run.
#[derive(Debug)]
pub struct Options {
    /// Port of the API on 127.0.0.1; 0 for a free one.
    pub port: u16,
    /// Where the data is. With an endpoint elsewhere the directory holds the admin token only.
    pub data: Data,
    /// The functions' variables. `MOLECULE_ENV` is `development` unless given; queue URLs and the admin token are filled in.
    pub variables: HashMap<String, String>,
    /// DynamoDB and SQS to use instead of the embedded ones.
    pub aws_endpoint: Option<String>,
    /// Address of a network of containers, in which functions reach the embedded DynamoDB and SQS.
    pub functions_address: Option<IpAddr>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and secrets.
    pub entropy: Entropy,
    /// When schedules start their functions.
    pub schedules: Schedules,
    /// The HTTP client of the functions' SDK clients: to count requests, or to make them fail. The platform's own work,
    /// such as polling queues, goes another way.
    pub http_client: Option<SharedHttpClient>,
}

impl Options {
    /// A platform in memory, on a free port, without schedules: for a test.
    pub fn memory() -> Self {
        Self {
            port: 0,
            data: Data::Memory,
            variables: HashMap::new(),
            aws_endpoint: None,
            functions_address: None,
            clock: Arc::new(SystemClock),
            entropy: Entropy::system(),
            schedules: Schedules::Off,
            http_client: None,
        }
    }

    /// What `cargo run` starts with these variables.
    ///
    /// # Errors
    /// A variable that cannot be used. Those of the functions are looked at by [`start`](crate::start).
    pub fn from_variables(variables: HashMap<String, String>) -> Result<Self, StartError> {
        let text = |variable: &Variable| {
            let given = variables.get(variable.name).map(|value| value.trim()).filter(|value| !value.is_empty());
            given.unwrap_or(variable.default).to_owned()
        };
        let port = text(&PORT).parse().map_err(|_| StartError::LocalVariable {
            name: PORT.name,
            problem: "must be a port from 0 to 65535".into(),
        })?;
        let endpoint = Some(text(&AWS_ENDPOINT_URL)).filter(|endpoint| !endpoint.is_empty());
        if let Some(endpoint) = &endpoint
            && !url::Url::parse(endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        {
            return Err(StartError::LocalVariable {
                name: AWS_ENDPOINT_URL.name,
                problem: "must be a URL such as http://127.0.0.1:4566".into(),
            });
        }
        let functions_address = match text(&FUNCTIONS_ADDRESS) {
            none if none.is_empty() => None,
            address => Some(private(&address).ok_or_else(|| StartError::LocalVariable {
                name: FUNCTIONS_ADDRESS.name,
                problem: "must be a private address of this machine, such as a Docker network's gateway".into(),
            })?),
        };
        let data = Data::Directory(text(&MOLECULE_DATA_DIR).into());
        let schedules = Schedules::AsDeclared;
        Ok(Self { port, data, variables, aws_endpoint: endpoint, functions_address, schedules, ..Self::memory() })
    }
}

/// An address that is nobody's on the Internet, and not all of this machine's.
fn private(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    let is_private = match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    };
    is_private.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(variables: &[(&str, &str)]) -> Result<Options, StartError> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Options::from_variables(variables)
    }

    #[test]
    fn defaults_are_those_documented() {
        let options = options(&[("PORT", " "), ("AWS_ENDPOINT_URL", "")]).unwrap();
        assert_eq!(options.port, 8080);
        assert_eq!(options.data, Data::Directory(".molecule".into()));
        assert_eq!(options.aws_endpoint, None);
    }

    #[test]
    fn bad_variables_are_named() {
        for (name, value) in [
            ("PORT", "80800"),
            ("PORT", "http"),
            ("PORT", "-1"),
            ("AWS_ENDPOINT_URL", "localhost:4566"),
            ("AWS_ENDPOINT_URL", "ftp://localhost"),
            ("FUNCTIONS_ADDRESS", "0.0.0.0"),
            ("FUNCTIONS_ADDRESS", "::"),
            ("FUNCTIONS_ADDRESS", "8.8.8.8"),
            ("FUNCTIONS_ADDRESS", "localhost"),
        ] {
            let line = options(&[(name, value)]).unwrap_err().line();
            assert!(line.starts_with(&format!("error: {name}: must be")), "{line}");
        }
    }
}
