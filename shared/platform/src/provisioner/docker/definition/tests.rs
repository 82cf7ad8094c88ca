use rules::tier::TierLimits;

use super::*;
use crate::config::Secret;

fn launch(tier: Tier, dir: Option<&str>, access: WorkspaceAccess) -> Launch {
    Launch {
        workspace_id: "0a0b0c0d-1111-4222-8333-444455556666".parse().unwrap(),
        generation: 3,
        runtime: "langgraph".to_owned(),
        tier,
        limits: TierLimits { memory_mb: 512, cpu_shares: 1024 },
        image: "molecule-workspace:latest".to_owned(),
        command: None,
        max_concurrent_tasks: 1,
        boot_credential: Secret("boot".to_owned()),
        platform_url: "http://172.18.0.1:8080".to_owned(),
        workspace_dir: dir.map(str::to_owned),
        workspace_access: access,
    }
}

fn defined(tier: Tier, privileged: bool) -> (ContainerCreateBody, HostConfig) {
    let host_port = shares_host_network(tier, privileged).then_some(4000);
    let place = Place { network: "net".to_owned(), cpus: 2, privileged, host_port };
    let mut body = container(&launch(tier, None, WorkspaceAccess::None), &place, Labels::new());
    let host = body.host_config.take().unwrap();
    (body, host)
}

#[test]
fn no_tier_has_rights_over_its_host_unless_allowed() {
    for tier in Tier::ALL {
        let (body, host) = defined(tier, false);
        assert_eq!(host.privileged, Some(false), "{tier}");
        assert_eq!(host.pid_mode, None, "{tier}");
        assert_eq!(host.network_mode.as_deref(), Some("net"), "{tier}");
        assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]), "{tier}");
        assert_eq!(host.security_opt, Some(vec!["no-new-privileges".to_owned()]), "{tier}");
        assert_eq!(host.memory, Some(512 * MIB));
        assert_eq!(host.memory_swap, host.memory, "no swap");
        assert_eq!(host.pids_limit, Some(MAX_PIDS));
        assert_eq!(host.restart_policy.unwrap().name, Some(RestartPolicyNameEnum::NO));
        let binding = &host.port_bindings.unwrap()[PORT_KEY];
        assert_eq!(binding.as_ref().unwrap()[0].host_ip.as_deref(), Some("127.0.0.1"));
        let variables = body.env.unwrap();
        for variable in [
            "WORKSPACE_LISTEN=0.0.0.0",
            "WORKSPACE_PORT=8000",
            "WORKSPACE_TOKEN_FILE=/configs/.auth_token",
            "MOLECULE_WORKSPACE_URL=http://ws-0a0b0c0d-111:8000",
        ] {
            assert!(variables.iter().any(|given| given == variable), "{variable} in {variables:?}");
        }
    }
}

#[test]
fn the_sandbox_writes_nothing_but_its_configuration() {
    let (_, host) = defined(Tier::Sandboxed, false);
    assert_eq!(host.readonly_rootfs, Some(true));
    assert_eq!(host.tmpfs.unwrap()["/tmp"], "rw,noexec,nosuid,size=64m,mode=1777");
    assert_eq!(host.cap_add, Some(Vec::new()));
    let targets: Vec<_> = host.mounts.unwrap().into_iter().filter_map(|mount| mount.target).collect();
    assert_eq!(targets, ["/configs"]);
}

#[test]
fn allowed_tiers_share_their_host() {
    for tier in [Tier::Sandboxed, Tier::Standard] {
        assert_eq!(defined(tier, true).1.privileged, Some(false), "{tier}");
    }
    let (_, host) = defined(Tier::Privileged, true);
    assert_eq!((host.privileged, host.pid_mode.as_deref()), (Some(true), Some("host")));
    assert_eq!(host.network_mode.as_deref(), Some("net"));
    let (body, host) = defined(Tier::FullHost, true);
    assert_eq!(host.network_mode.as_deref(), Some("host"));
    assert_eq!(host.port_bindings, None);
    let variables = body.env.unwrap();
    assert!(variables.contains(&"WORKSPACE_LISTEN=127.0.0.1".to_owned()), "not on the host's own network");
    assert!(variables.contains(&"MOLECULE_WORKSPACE_URL=http://127.0.0.1:4000".to_owned()));
}

#[test]
fn shares_become_processors_that_the_engine_has() {
    for (shares, cpus, expected) in
        [(1024, 2, 1_000_000_000), (512, 2, 500_000_000), (4096, 2, 2_000_000_000), (1, 2, MIN_NANO_CPUS)]
    {
        assert_eq!(nano_cpus(shares, cpus), expected, "{shares} of {cpus}");
    }
}

#[test]
fn a_directory_of_the_host_takes_the_place_of_the_volume() {
    use WorkspaceAccess::{None as NoAccess, ReadOnly, ReadWrite};
    let volume = "ws-0a0b0c0d-1111-4222-8333-444455556666-workspace";
    for (dir, access, typ, source, read_only) in [
        (None, NoAccess, MountType::VOLUME, volume, false),
        (Some("/srv/x"), ReadWrite, MountType::BIND, "/srv/x", false),
        (Some("/srv/x"), ReadOnly, MountType::BIND, "/srv/x", true),
        (Some("/srv/x"), NoAccess, MountType::VOLUME, volume, false),
    ] {
        let launch = launch(Tier::Standard, dir, access);
        let work = mounts(&launch).pop().unwrap();
        assert_eq!(work.target.as_deref(), Some("/workspace"));
        assert_eq!((work.typ, work.source.as_deref(), work.read_only), (Some(typ), Some(source), Some(read_only)));
        assert_eq!(volumes(&launch).len(), if typ == MountType::VOLUME { 2 } else { 1 });
    }
    let sandboxed = launch(Tier::Sandboxed, Some("/srv/x"), ReadWrite);
    assert_eq!(mounts(&sandboxed).len(), 1, "the sandbox has no directory of the host");
}
