//! What is left in the end: nothing.

use std::fs;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tests::process::docker::{TEST_IMAGE, docker};
use tests::process::{BOUND, Process, eventually};

use crate::engine::{Engine, runs};
use crate::site::{Ground, Site, now};

pub(crate) async fn a_delete_leaves_nothing(engine: Engine) {
    let Some(mut site) = Site::new(engine, &[]).await else { return };
    // Busy with a turn, whose process must go too.
    let parent = site.online(&json!({ "name": "parent", "command": "touch began; sleep 600" })).await;
    let child = site.online(&json!({ "name": "child", "parent_id": parent })).await;
    let sent = site.send_to(&parent, "work").await.expect(202);
    let with_agent = async || Some(site.entry(&sent).await).filter(|entry| entry["status"] != "queued");
    eventually("the turn begins", BOUND, with_agent).await;
    for id in [&parent, &child] {
        assert_ne!(site.left(id), "");
    }
    let path = format!("/workspaces/{parent}?confirm=true");
    let deleted = site.call("DELETE", &path, None, &Value::Null).await.expect(200);
    assert_eq!(deleted.body["cascade_deleted"], 1);
    for id in [&parent, &child] {
        eventually("nothing is left", BOUND, async || site.left(id).is_empty().then_some(())).await;
        assert_eq!(site.show(id).await["status"], "removed");
    }
    site.platform.process.signal(Signal::SIGTERM);
    assert_eq!(site.platform.process.ended(BOUND).await.code, Some(0));
    if let Some(stack) = &site.stack {
        assert_eq!(stack.left(), "", "its network neither");
    }
}

pub(crate) async fn what_a_turn_left_running_ends_with_it(engine: Engine) {
    let Some(site) = Site::new(engine, &[]).await else { return };
    let command = "sleep 600 > /dev/null 2>&1 < /dev/null & echo $!";
    let id = site.online(&json!({ "name": "bob", "command": command })).await;
    let left = site.ask(&id, "leave something").await;
    if engine == Engine::Process {
        assert!(runs(&left), "it outlives its turn");
    }
    site.call("DELETE", &format!("/workspaces/{id}"), None, &Value::Null).await.expect(200);
    eventually("nothing is left", BOUND, async || site.left(&id).is_empty().then_some(())).await;
    if engine == Engine::Process {
        eventually("what it left running is gone", BOUND, async || (!runs(&left)).then_some(())).await;
    }
}

pub(crate) async fn what_no_record_knows_is_removed(engine: Engine) {
    let Some(ground) = Ground::new(engine, &[]) else { return };
    let id = uuid::Uuid::new_v4().to_string();
    let stray = match engine {
        Engine::Process => {
            let folder = ground.home.data().join("processes").join(&id);
            fs::create_dir_all(&folder).unwrap();
            let stray = Process::start(Command::new("sleep").arg("600").current_dir(&folder));
            let record = json!({ "pid": stray.id(), "started": now().as_secs(), "generation": 1, "url": null });
            fs::write(folder.join("process.json"), record.to_string()).unwrap();
            Some(stray)
        }
        Engine::Docker => {
            let stack = format!("molecule.stack={}", ground.stack.as_ref().unwrap().name);
            let labels = ["molecule.platform.managed=true", &stack, &format!("molecule.workspace={id}")];
            let labels = labels.map(|label| ["--label", label]).concat();
            docker(&[&["volume", "create"][..], &labels].concat());
            let run = [&["run", "--detach", "--label", "molecule.generation=1"][..], &labels].concat();
            docker(&[&run[..], &["--entrypoint", "/bin/sleep", TEST_IMAGE, "600"]].concat());
            None
        }
    };
    let site = ground.open().await;
    if engine == Engine::Docker {
        eventually("all of it is removed", BOUND, async || site.left(&id).is_empty().then_some(())).await;
    }
    if let Some(stray) = stray {
        let gone = async || (!runs(&stray.id().to_string()) && !site.folder(&id).exists()).then_some(());
        eventually("the process and its folder are gone", BOUND, gone).await;
    }
    assert!(site.platform.process.log().contains("an orphan"), "it is told");
}
