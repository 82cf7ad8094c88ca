//! The image of a container: whether the Engine has it, and where it could come from.

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::TryStreamExt as _;
use rules::engine::{StartCause, StartFailure};

use super::DockerEngine;
use super::call::{CallError, found, within};

impl DockerEngine {
    /// Sees to it that the Engine has an image: one whose name says where it comes from is pulled.
    pub(super) async fn ensure_image(&self, image: &str) -> Result<(), StartFailure> {
        let client = self.client()?;
        if found(self.look(client.inspect_image(image)).await)?.is_some() {
            return Ok(());
        }
        let missing = |why: &str| StartFailure {
            cause: StartCause::ImageMissing,
            evidence: format!("the image {image} is not there{why}"),
        };
        if !has_registry(image) {
            return Err(missing("; build it, or name one with its registry"));
        }
        let options = CreateImageOptionsBuilder::new().from_image(&tagged(image)).build();
        let pulled = client.create_image(Some(options), None, None).try_for_each(|_| std::future::ready(Ok(())));
        match within(self.settings.pull_timeout, pulled).await {
            Ok(()) => Ok(()),
            // The Engine that has just answered waits for the registry.
            Err(
                CallError::NotFound(text)
                | CallError::Conflict(text)
                | CallError::Refused(text)
                | CallError::Unreachable(text),
            ) => Err(missing(&format!(" and cannot be pulled: {text}"))),
        }
    }
}

/// Whether a name begins with a host, by the rule of all Docker tools: a first part with a dot or a port, or `localhost`.
fn has_registry(image: &str) -> bool {
    image.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost")
}

/// Without tag and digest, the Engine would pull every tag there is.
fn tagged(image: &str) -> String {
    let name = image.rsplit_once('/').map_or(image, |(_, name)| name);
    if name.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_a_host() {
        for (image, registry, full) in [
            ("molecule-workspace:latest", false, "molecule-workspace:latest"),
            ("example/agent", false, "example/agent:latest"),
            ("ghcr.io/example/agent", true, "ghcr.io/example/agent:latest"),
            ("ghcr.io/example/agent@sha256:00", true, "ghcr.io/example/agent@sha256:00"),
            ("127.0.0.1:5000/agent", true, "127.0.0.1:5000/agent:latest"),
            ("localhost/agent:2", true, "localhost/agent:2"),
        ] {
            assert_eq!(has_registry(image), registry, "{image}");
            assert_eq!(tagged(image), full);
        }
    }
}
