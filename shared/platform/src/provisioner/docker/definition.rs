//! What a workspace's container is: a pure translation of a launch.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount, MountType, PortBinding, RestartPolicy,
    RestartPolicyNameEnum,
};
use rules::field::WorkspaceAccess;
use rules::tier::Tier;

use super::names::{self, Labels};
use crate::provisioner::Launch;

/// The port of a runtime inside its container.
pub(super) const PORT: u16 = 8000;
/// [`PORT`], as the Engine writes it.
pub(super) const PORT_KEY: &str = "8000/tcp";
/// Processes and threads of a container.
const MAX_PIDS: i64 = 512;
/// The least share of a CPU that the Engine takes, in billionths.
const MIN_NANO_CPUS: i64 = 10_000_000;
const MIB: i64 = 1024 * 1024;
/// What an image that begins as root needs to hand its files to a user, become that user and end what that user runs.
/// An image that begins as somebody else has none of it.
const CAPABILITIES: [&str; 6] = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"];

/// What is to be known of an Engine and its settings.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The network of the containers.
    pub network: String,
    /// The Engine's CPUs: it refuses more than it has.
    pub cpus: i64,
    /// Tiers 3 and 4 get rights over the host.
    pub privileged: bool,
    /// A free port of the host, for a container that shares its network.
    pub host_port: Option<u16>,
}

/// The rights of a tier here: over the host's processes, and its network too.
pub(super) fn shares_host_network(tier: Tier, privileged: bool) -> bool {
    privileged && tier == Tier::FullHost
}

/// The container of a launch.
pub(super) fn container(launch: &Launch, place: &Place, labels: Labels) -> ContainerCreateBody {
    let name = names::container(launch.workspace_id);
    // A container in the host's network listens on loopback, or everybody on the host's own network could call it.
    let (listen, port, url) = match place.host_port {
        Some(port) => ("127.0.0.1", port, format!("http://127.0.0.1:{port}")),
        None => ("0.0.0.0", PORT, format!("http://{name}:{PORT}")),
    };
    let mut variables = launch.environment(Some(&url));
    variables.extend([
        ("WORKSPACE_LISTEN", listen.to_owned()),
        ("WORKSPACE_PORT", port.to_string()),
        ("WORKSPACE_TOKEN_FILE", "/configs/.auth_token".to_owned()),
    ]);
    ContainerCreateBody {
        image: Some(launch.image.clone()),
        hostname: place.host_port.is_none().then_some(name),
        env: Some(variables.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(labels),
        exposed_ports: place.host_port.is_none().then(|| vec![PORT_KEY.to_owned()]),
        host_config: Some(host_config(launch, place)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(launch: &Launch, place: &Place) -> HostConfig {
    let memory = i64::from(launch.limits.memory_mb) * MIB;
    let host_rights = launch.tier.has_host_rights() && place.privileged;
    let sandboxed = launch.tier == Tier::Sandboxed;
    let capabilities = if sandboxed { Vec::new() } else { CAPABILITIES.map(str::to_owned).to_vec() };
    let tmpfs = || HashMap::from([("/tmp".to_owned(), "rw,noexec,nosuid,size=64m,mode=1777".to_owned())]);
    let loopback = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: None };
    let shared_network = place.host_port.is_some();
    HostConfig {
        memory: Some(memory),
        // Together with swap: so there is none.
        memory_swap: Some(memory),
        nano_cpus: Some(nano_cpus(launch.limits.cpu_shares, place.cpus)),
        pids_limit: Some(MAX_PIDS),
        readonly_rootfs: Some(sandboxed),
        tmpfs: sandboxed.then(tmpfs),
        mounts: Some(mounts(launch)),
        privileged: Some(host_rights),
        pid_mode: host_rights.then(|| "host".to_owned()),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        cap_drop: (!host_rights).then(|| vec!["ALL".to_owned()]),
        cap_add: (!host_rights).then_some(capabilities),
        // Takes in what a turn's processes leave behind. With the host's process ids there is one already.
        init: Some(!host_rights),
        network_mode: Some(if shared_network { "host".to_owned() } else { place.network.clone() }),
        port_bindings: (!shared_network).then(|| HashMap::from([(PORT_KEY.to_owned(), Some(vec![loopback]))])),
        restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some([("max-size", "10m"), ("max-file", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
        }),
        ..HostConfig::default()
    }
}

/// 1024 shares are one CPU; at least what the Engine takes, at most what it has.
fn nano_cpus(shares: u32, cpus: i64) -> i64 {
    let wanted = i64::from(shares) * 1_000_000_000 / 1024;
    wanted.min(cpus.max(1) * 1_000_000_000).max(MIN_NANO_CPUS)
}

/// `/configs` for everyone; `/workspace` from the host or from a volume, unless sandboxed. A directory of the host that
/// is not there is an error, not an empty directory.
fn mounts(launch: &Launch) -> Vec<Mount> {
    let mount = |typ, source: String, target: &str, read_only| Mount {
        typ: Some(typ),
        source: Some(source),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        ..Mount::default()
    };
    let mut mounts = vec![mount(MountType::VOLUME, names::configs_volume(launch.workspace_id), "/configs", false)];
    if launch.tier == Tier::Sandboxed {
        return mounts;
    }
    let bind = |dir: &String, read_only| mount(MountType::BIND, dir.clone(), "/workspace", read_only);
    mounts.push(match (&launch.workspace_dir, launch.workspace_access) {
        (Some(dir), WorkspaceAccess::ReadWrite) => bind(dir, false),
        (Some(dir), WorkspaceAccess::ReadOnly) => bind(dir, true),
        // A directory without access counts as none, and work still outlasts its container.
        (Some(_), WorkspaceAccess::None) | (None, _) => {
            mount(MountType::VOLUME, names::workspace_volume(launch.workspace_id), "/workspace", false)
        }
    });
    mounts
}

/// The volumes of a container.
pub(super) fn volumes(launch: &Launch) -> Vec<String> {
    let volumes = mounts(launch).into_iter().filter(|mount| mount.typ == Some(MountType::VOLUME));
    volumes.filter_map(|mount| mount.source).collect()
}

#[cfg(test)]
mod tests;
