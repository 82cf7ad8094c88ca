use super::*;
use crate::fixtures::{NOW, ago, lease, run_out, workspace};
use crate::liveness::effective;
use crate::workspace::{AuthFailure, RegisterFailure};

const LIMITS: TierLimits = TierLimits { memory_mb: 512, cpu_shares: 1024 };

fn told(workspace: &Workspace, lease: Option<&Lease>, engine: Engine) -> (String, Vec<Finding>) {
    let truth = effective(workspace, lease, NOW);
    let facts = Facts {
        workspace,
        lease,
        slots: &Slots::default(),
        truth: &truth,
        engine,
        log: "",
        limits: LIMITS,
        tokens: 1,
        paused_ancestor: false,
        now: NOW,
    };
    let (summary, findings) = diagnose(&facts);
    assert!(findings.iter().all(|finding| finding.ok || finding.advice.is_some()), "{findings:?}");
    (summary, findings)
}

fn summary(workspace: &Workspace, lease: Option<&Lease>, engine: Engine) -> String {
    told(workspace, lease, engine).0
}

fn finding(workspace: &Workspace, engine: Engine, check: &str) -> Finding {
    told(workspace, None, engine).1.into_iter().find(|finding| finding.check == check).unwrap()
}

#[test]
fn the_first_thing_in_the_way_is_the_summary() {
    let online = workspace(Status::Online);
    let alive = lease(&online);
    assert_eq!(summary(&online, Some(&alive), Engine::Runs), "all is well; it is online");
    assert!(summary(&online, Some(&run_out(&online)), Engine::Runs).contains("heartbeat_lost"));
    let exit = Exit { code: Some(1), ..Exit::default() };
    assert_eq!(summary(&online, Some(&alive), Engine::Gone(exit)), "exited with code 1");
    let mut stuck = workspace(Status::Provisioning);
    stuck.start.launched = true;
    stuck.register_failure = Some(RegisterFailure { at: ago(5), code: "url_validate_failed".into() });
    assert!(summary(&stuck, None, Engine::Runs).contains("its register is refused: url_validate_failed"));
    let mut lost = online.clone();
    lost.auth_failure = Some(AuthFailure { since: ago(100), last: ago(5) });
    assert!(summary(&lost, Some(&alive), Engine::Runs).starts_with("401"));
    let silent = Engine::Silent("the engine does not answer: refused".into());
    assert!(summary(&online, Some(&alive), silent).starts_with("the engine does not answer"));
    let mut short = online.clone();
    short.start.memory_killed_at = Some(ago(5));
    assert!(summary(&short, Some(&alive), Engine::Runs).contains("out of memory at 512 MiB in tier"));
    let mut looping = workspace(Status::Failed);
    looping.status_reasons = vec![StatusReason::new(ReasonCode::CrashLoop, ago(5), "6 deaths in a row")];
    assert!(summary(&looping, None, Engine::None).contains("crash_loop: 6 deaths in a row"));
}

#[test]
fn no_finding_speaks_against_another() {
    let exit = Exit { code: Some(137), out_of_memory: true, ..Exit::default() };
    let offline = workspace(Status::Offline);
    assert!(!finding(&offline, Engine::Gone(exit), "memory").ok, "the engine says that it was ended for it");
    let mut failed = workspace(Status::Failed);
    failed.status_reasons = vec![StatusReason::new(ReasonCode::OutOfMemory, ago(5), "seen")];
    assert!(!finding(&failed, Engine::None, "memory").ok, "so does its reason");
    assert!(finding(&offline, Engine::None, "memory").ok);
    let credentials = finding(&workspace(Status::Removed), Engine::None, "credentials");
    assert!(credentials.ok, "nobody can give a removed one another: {credentials:?}");
}
