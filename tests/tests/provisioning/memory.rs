//! Memory: a turn that wants more than its tier has.

use serde_json::json;
use tests::process::{BOUND, eventually};

use crate::engine::Engine;
use crate::site::Site;

/// Wants 200 MB for as long as the test may take; a second one answers.
const EATER: &str =
    "read text; case $text in eat) x=$(head -c 200000000 /dev/zero | tr '\\0' x); sleep 60;; *) echo $text;; esac";

/// A container loses the turn and answers with the error; of the process engine's the whole workspace is killed, as nothing
/// fences a turn in there.
pub(crate) async fn a_turn_over_its_tiers_memory_is_killed_and_the_workspace_says_so(engine: Engine) {
    let variables = [("TIER2_MEMORY_MB", "64"), ("MAX_RESTART_ATTEMPTS", "0")];
    let Some(site) = Site::new(engine, &variables).await else { return };
    let id = site.online(&json!({ "name": "bob", "command": EATER })).await;
    let sent = site.send_to(&id, "eat").await;
    match engine {
        Engine::Process => {
            let shown = site.until_status(&id, "failed", BOUND).await;
            let reasons = shown["status_reasons"].as_array().unwrap();
            let codes: Vec<_> = reasons.iter().map(|reason| reason["code"].as_str().unwrap()).collect();
            assert_eq!(codes, ["crash_loop", "out_of_memory"]);
            let evidence = reasons[1]["evidence"].as_str().unwrap();
            assert!(evidence.starts_with("out of memory at 64 MiB in tier 2"), "{evidence}");
            assert!(reasons[1]["hint"].as_str().unwrap().contains("larger tier"), "{shown}");
            let gone = async || site.left(&id).lines().all(|line| !line.starts_with("/proc")).then_some(());
            eventually("the turn that took it is gone too", BOUND, gone).await;
        }
        Engine::Docker => {
            let answer = site.answer(sent).await;
            let error = answer["error"]["message"].as_str().unwrap_or_else(|| panic!("no error: {answer}"));
            assert_eq!(error, "command was killed (SIGKILL): out of memory at 64 MiB");
            let told = async || {
                let shown = site.show(&id).await;
                let error = shown["last_sample_error"].as_str().unwrap_or_default();
                error.contains("out of memory at 64 MiB").then_some(())
            };
            eventually("the workspace says so", BOUND, told).await;
            assert_eq!(site.show(&id).await["generation"], 1, "the runtime lives on");
            assert_eq!(site.ask(&id, "hello").await.trim(), "hello");
        }
    }
}
