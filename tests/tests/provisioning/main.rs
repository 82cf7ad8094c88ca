//! Managed workspaces from end to end: the platform as a process, over HTTP, with each engine. Where no Docker Engine
//! answers, the tests of that engine say so and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod absent;
mod crashes;
mod credentials;
mod deaths;
mod ends;
mod engine;
mod memory;
mod output;
mod restarts;
mod rests;
mod site;
mod starts;

/// Each case is two tests: `process::…` and `docker::…`.
macro_rules! cases {
    ($($file:ident: $($case:ident),+;)+) => {
        mod process {
            $($(
                #[tokio::test]
                async fn $case() {
                    crate::$file::$case(crate::engine::Engine::Process).await;
                }
            )+)+
        }
        mod docker {
            $($(
                #[tokio::test]
                async fn $case() {
                    crate::$file::$case(crate::engine::Engine::Docker).await;
                }
            )+)+
        }
    };
}

cases! {
    starts: a_workspace_comes_online_soon, a_start_that_cannot_be_fails_and_says_why;
    deaths: an_agent_that_is_killed_is_replaced_and_answers_what_waited;
    memory: a_turn_over_its_tiers_memory_is_killed_and_the_workspace_says_so;
    crashes: a_runtime_that_dies_each_time_is_given_up_with_its_last_words;
    restarts: a_storm_of_restarts_is_one, a_change_amid_a_storm_is_one_more, a_new_secret_is_in_the_next_generation;
    ends: a_delete_leaves_nothing, what_a_turn_left_running_ends_with_it, what_no_record_knows_is_removed;
    credentials: an_old_generation_gets_nothing, lost_token_recovers_without_an_operator,
        restart_under_its_own_hostname_is_not_degraded;
    output: child_output_never_deadlocks;
    rests: a_pause_stops_all_below_and_a_resume_starts_them, a_message_wakes_a_hibernated_workspace,
        a_platform_that_was_killed_finds_its_workspaces_again, a_platform_that_is_stopped_kills_nobody;
}
