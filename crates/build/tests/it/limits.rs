//! What a build may not do, and what becomes of it when things are killed.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use build::Limits;
use model::build::BuildStatus;
use model::id::BuildId;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::{in_lab, names, tree};

/// A source whose hook runs a script.
fn hook(script: &str) -> tempfile::TempDir {
    let script = format!("#!/bin/bash\n{script}\n");
    tree(&[("requirements.txt", ""), (".python-version", "3.12"), ("bin/post_compile", &script)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_sees_nothing_of_the_server_and_leaves_nothing_running() {
    in_lab(Limits::default(), |lab| async move {
        let app = lab.app("curious").await;
        let script = "id -u; ls /hokku; ls -d /work /root/* 2> /dev/null
        env | cut -d= -f1 | grep -vE '^(PIP_|UV_)|proxy|PROXY' | sort | tr '\\n' ' '; echo
        mount -t tmpfs x /mnt 2>&1 | head -1; touch /hokku/kit/app.sh 2>&1
        tr '\\0' ' ' < /proc/1/cmdline | cut -d' ' -f 1,2
        (sleep 1000 &); (setsid sleep 1000 > /dev/null 2>&1 &)";
        let ended = lab.build(&app, hook(script).path()).await;
        assert_eq!(ended.build.status, BuildStatus::Succeeded, "{}", ended.transcript);
        insta::assert_snapshot!(
            ended
                .transcript
                .split_once("post_compile hook\n")
                .expect("ran")
                .1
                .split_once("----->")
                .expect("ended")
                .0
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_that_takes_too_long_is_ended() {
    in_lab(Limits { compile: Duration::from_secs(20), ..Limits::default() }, |lab| async move {
        let app = lab.app("slow").await;
        // Makes the Python if need be, which is not within the limit that matters here.
        lab.build(&app, hook("true").path()).await;
        let ended = lab.build(&app, hook("echo waiting; sleep 1000").path()).await;
        assert_eq!(ended.build.status, BuildStatus::Failed);
        assert!(
            ended.transcript.contains("       waiting\n\n !     Build timed out"),
            "{}",
            ended.transcript
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_that_wants_too_much_memory_is_told_so() {
    let limits = Limits { memory_bytes: 256 << 20, scratch_bytes: 128 << 20, ..Limits::default() };
    in_lab(limits, |lab| async move {
        let app = lab.app("greedy").await;
        let ended = lab.build(&app, hook("exec python -c 'x = bytearray(1 << 30)'").path()).await;
        assert_eq!(ended.build.status, BuildStatus::Failed);
        assert!(
            ended.transcript.contains(" !     Error: The build ran out of memory.\n"),
            "{}",
            ended.transcript
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn builds_work_on_the_disk_where_memory_is_short() {
    in_lab(Limits { scratch_bytes: 1 << 50, ..Limits::default() }, |lab| async move {
        let app = lab.app("disk").await;
        let ended = lab.build(&app, hook("true").path()).await;
        assert_eq!(ended.build.status, BuildStatus::Succeeded, "{}", ended.transcript);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn builds_of_one_app_wait_and_those_of_others_do_not() {
    in_lab(Limits::default(), |lab| async move {
        let (one, two) = (lab.app("one").await, lab.app("two").await);
        let waits = hook("until [ -e /tmp/never ]; do sleep 0.05; done");
        let first = lab.push(&one, waits.path()).await;
        lab.until(first, BuildStatus::Running).await;
        let second = lab.push(&one, hook("true").path()).await;
        let other = lab.build(&two, hook("true").path()).await;
        assert_eq!(other.build.status, BuildStatus::Succeeded, "{}", other.transcript);
        let status = |id| lab.cx.store.read(move |tx| tx.build(id));
        assert_eq!(status(second).await.expect("read").expect("there").status, BuildStatus::Pending);
        lab.end_containers();
        assert_eq!(lab.ended(first).await.build.status, BuildStatus::Failed);
        assert_eq!(lab.ended(second).await.build.status, BuildStatus::Succeeded);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_whose_server_is_killed_is_built_again() {
    in_lab(Limits::default(), |lab| async move {
        let app = lab.app("again").await;
        let id =
            lab.push(&app, hook("[ $(cat /proc/uptime | cut -d. -f1) -lt 0 ] || sleep 1000").path()).await;
        lab.until(id, BuildStatus::Running).await;
        lab.until_containers(1).await;
        lab.kill().await;
        // The leash is gone with the server: the container ends by itself.
        lab.until_containers(0).await;
        let left_over = lab.cx.builds.join("left-over");
        fs::create_dir_all(&left_over).expect("made");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "left"]).arg(&left_over).status();
        assert!(mounted.expect("mount runs").success());
        fs::create_dir_all(left_over.join("box-1/state")).expect("made");
        // This time the source does not wait.
        let archive = lab.cx.sources.join(format!("{id}.tar"));
        pack(hook("echo second time").path(), &archive);
        lab.restart().await;
        let ended = lab.ended(id).await;
        assert_eq!(
            (ended.build.status, ended.build.generation),
            (BuildStatus::Succeeded, 2),
            "{}",
            ended.transcript
        );
        let told =
            "\n !     The platform was restarted during this build; it begins again.\n\n-----> Building on";
        assert!(ended.transcript.contains(told), "{}", ended.transcript);
        assert!(!names(&lab.cx.builds).contains(&"left-over".to_owned()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_box_is_the_platforms_fault_and_its_container_is_ended() {
    in_lab(Limits::default(), |lab| async move {
        let app = lab.app("boxed").await;
        let id = lab.push(&app, hook("sleep 1000").path()).await;
        lab.until(id, BuildStatus::Running).await;
        lab.until_containers(1).await;
        for pid in boxes(&lab.cx.builds) {
            kill(pid, Signal::SIGKILL).expect("killed");
        }
        let ended = lab.ended(id).await;
        assert_eq!(ended.build.status, BuildStatus::Failed);
        assert!(
            ended.transcript.contains(" !     Error: The platform could not finish this build."),
            "{}",
            ended.transcript
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_whose_failure_was_told_before_the_server_was_killed_is_not_repeated() {
    in_lab(Limits::default(), |lab| async move {
        let app = lab.app("told").await;
        let id = BuildId::new();
        let mut transcript = lab.cx.transcripts.writer(&format!("build-{id}")).expect("begun");
        transcript.append(b" !     Push failed\n").expect("written");
        transcript.finish().expect("finished");
        lab.push_as(id, &app, hook("true").path()).await;
        let ended = lab.ended(id).await;
        assert_eq!(ended.build.status, BuildStatus::Failed);
        assert_eq!(ended.transcript, " !     Push failed\n");
    })
    .await;
}

/// The processes that hold containers of this lab's builds.
fn boxes(builds: &Path) -> Vec<Pid> {
    let is_box = |pid: &i32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&builds.display().to_string())
    };
    let entries = fs::read_dir("/proc").expect("processes").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_box);
    pids.map(Pid::from_raw).collect()
}

fn pack(tree: &Path, archive: &Path) {
    let tar = Command::new("tar").arg("-cf").arg(archive).arg("-C").arg(tree).arg(".").status();
    assert!(tar.expect("tar runs").success());
}
