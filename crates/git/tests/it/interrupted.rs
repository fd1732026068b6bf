//! Clients that vanish, pushes at the same time, servers that stop, apps that go.

use logs::Filter;
use model::build::BuildStatus;
use model::id::BuildId;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::join;

use crate::server::Server;
use crate::work::Work;

fn kill(push: &tokio::process::Child) {
    let id = push.id().and_then(|id| i32::try_from(id).ok()).expect("it runs");
    killpg(Pid::from_raw(id), Signal::SIGKILL).expect("it is killed");
}

#[tokio::test]
async fn a_build_goes_on_when_its_client_is_killed() {
    let (server, work) = (Server::start().await, Work::new().await);
    let mut push = work.start_push(&[&server.url(), "main"]);
    let (build, mut writer) = server.claim().await;
    writer.append(b"-----> Python app detected\n").expect("a transcript");
    kill(&push);
    push.wait().await.expect("it ended");
    let noted = async {
        loop {
            let lines = server.logs.history(server.app.id, &Filter::default(), 10).await.expect("a history");
            if lines.iter().any(|entry| entry.line.message.contains("its deploy goes on")) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(crate::server::PATIENCE, noted).await.expect("the log says so");
    // What git had received goes away once git itself is gone.
    let repo = server.repo();
    let objects = repo.join("objects");
    let is_quarantine =
        |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("tmp_objdir");
    let quarantined = || std::fs::read_dir(&objects).expect("a folder").flatten().any(is_quarantine);
    server.until("the quarantine is gone", || !quarantined()).await;

    let second = work.try_git(&["push", &server.url(), "main"]).await;
    assert!(!second.ok && second.said.contains("Another deploy of this app is running."), "{}", second.said);
    let id = build.id;
    let release = server.succeed(build, writer, "web: ./serve\n").await;
    server.roll_out(&release).await;
    let ended = server.store.read(move |tx| tx.build(id)).await.expect("read").expect("a build");
    assert_eq!(ended.status, BuildStatus::Succeeded);
    let url = server.url();
    let (third, _) = join!(work.push(&url, "main"), server.build_next());
    assert!(third.ok, "{}", third.said);
}

#[tokio::test]
async fn of_two_pushes_at_once_one_is_turned_away() {
    let (server, work) = (Server::start().await, Work::new().await);
    let first = work.start_push(&[&server.url(), "main"]);
    let (build, writer) = server.claim().await;
    let second = work.try_git(&["push", &server.url(), "main"]).await;
    assert!(!second.ok && second.said.contains("Another deploy of this app is running."), "{}", second.said);
    // Other branches are no deploys.
    work.git(&["push", &server.url(), "main:topic"]).await;
    let release = server.succeed(build, writer, "web: ./serve\n").await;
    // Still the first one's turn: it has yet to see its release through.
    let third = work.try_git(&["push", &server.url(), "main"]).await;
    assert!(!third.ok && third.said.contains("Another deploy of this app is running."), "{}", third.said);
    server.roll_out(&release).await;
    let first = Work::end_of(first).await;
    assert!(first.ok, "{}", first.said);
    let app = server.app.id;
    assert_eq!(server.store.read(move |tx| tx.builds(app)).await.expect("read").len(), 1);
}

#[tokio::test]
async fn a_push_to_a_branch_that_moved_meanwhile_is_turned_away() {
    let (server, work) = (Server::start().await, Work::new().await);
    let url = server.url();
    let (pushed, _) = join!(work.push(&url, "main"), server.build_next());
    assert!(pushed.ok, "{}", pushed.said);
    // The branch moves between the list of references and the push, as if another push had ended just then.
    let commit = work.commit("web.py", b"two").await;
    let hooks = work.dir.path().join(".git/hooks");
    let other = format!("{}1", &commit[..39]);
    let script = format!(
        "#!/bin/sh\necho {other} > '{}/refs/heads/main'\n",
        server.repo().display().to_string().replace('\'', r"'\''")
    );
    std::fs::create_dir_all(&hooks).expect("a folder");
    std::fs::write(hooks.join("pre-push"), script).expect("a file");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(hooks.join("pre-push"), mode).expect("a mode");
    let ran = work.push(&url, "main").await;
    assert!(!ran.ok && ran.said.contains("main was changed by another push meanwhile."), "{}", ran.said);
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let (server, work) = (Server::start().await, Work::new().await);
    let push = work.start_push(&[&server.url(), "main"]);
    let (build, _writer) = server.claim().await;
    server.stop.cancel();
    let ran = Work::end_of(push).await;
    assert!(!ran.ok && ran.said.contains("The Hokku server is being stopped"), "{}", ran.said);
    server.tasks.close();
    tokio::time::timeout(crate::server::PATIENCE, server.tasks.wait()).await.expect("all ends");
    let id = build.id;
    let build = server.store.read(move |tx| tx.build(id)).await.expect("read").expect("a build");
    assert_eq!(build.status, BuildStatus::Running);
}

#[tokio::test]
async fn an_app_that_is_destroyed_takes_its_push_and_its_repository_along() {
    let (server, work) = (Server::start().await, Work::new().await);
    let push = work.start_push(&[&server.url(), "main"]);
    let (build, _writer) = server.claim().await;
    let app = server.app.id;
    server.store.write(move |tx| tx.delete_app(app)).await.expect("the app is destroyed");
    let ran = Work::end_of(push).await;
    assert!(!ran.ok && ran.said.contains("The app was destroyed meanwhile."), "{}", ran.said);
    server.until("the repository is gone", || !server.repo().exists()).await;
    assert_eq!(build.app, app);
}

#[tokio::test]
async fn what_a_killed_git_left_is_removed_at_the_first_use() {
    let (server, work) = (Server::start().await, Work::new().await);
    let repo = server.repo();
    for left in ["refs/heads", "objects/tmp_objdir-incoming-abc/pack"] {
        std::fs::create_dir_all(repo.join(left)).expect("a folder");
    }
    std::fs::create_dir_all(repo.join("objects/pack")).expect("a folder");
    for left in ["objects/pack/tmp_pack_x", "objects/pack/.tmp-1-pack-x.pack"] {
        std::fs::write(repo.join(left), "").expect("a file");
    }
    for lock in ["refs/heads/main.lock", "packed-refs.lock", "HEAD.lock"] {
        std::fs::write(repo.join(lock), "").expect("a file");
    }
    let url = server.url();
    let (ran, _) = join!(work.push(&url, "main"), server.build_next());
    assert!(ran.ok, "{}", ran.said);
    assert!(!repo.join("objects/tmp_objdir-incoming-abc").exists());
    let packs = std::fs::read_dir(repo.join("objects/pack")).map_or(0, Iterator::count);
    assert_eq!(packs, 0, "the push itself is small enough to leave no pack");
}

#[tokio::test]
async fn archives_that_never_became_builds_are_swept_away() {
    let server = Server::start().await;
    let folder = server.dir.path().join("sources");
    std::fs::create_dir_all(&folder).expect("a folder");
    let (app, user) = (server.app.id, server.app.owner);
    let wanted = BuildId::new();
    let new = store::NewBuild {
        id: wanted,
        app,
        user,
        source: format!("{wanted}.tar"),
        commit: None,
        stack: server.app.stack.clone(),
    };
    server.store.write(move |tx| tx.create_build(&new)).await.expect("a build");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    let file = |name: String, is_old: bool| {
        let path = folder.join(name);
        let file = std::fs::File::create(&path).expect("a file");
        if is_old {
            file.set_modified(old).expect("a time");
        }
        path
    };
    let kept = [
        file(format!("{wanted}.tar"), true),
        file(format!("{}.tar", BuildId::new()), false),
        file(format!("{}.push", BuildId::new()), false),
        file("README".to_owned(), true),
    ];
    let gone =
        [file(format!("{}.tar", BuildId::new()), true), file(format!("{}.push", BuildId::new()), true)];
    // Whatever happens to an app wakes the sweeper.
    server.store.write(move |tx| tx.set_maintenance(app, true)).await.expect("a change");
    server.until("they are gone", || gone.iter().all(|path| !path.exists())).await;
    assert!(kept.iter().all(|path| path.exists()));
}

#[tokio::test]
async fn a_push_does_not_wait_without_end() {
    let limits = git::Limits { push_time: std::time::Duration::from_millis(300), ..git::Limits::default() };
    let (server, work) = (Server::start_with(limits).await, Work::new().await);
    let ran = work.try_git(&["push", &server.url(), "main"]).await;
    assert!(!ran.ok && ran.said.contains("This push has waited for too long."), "{}", ran.said);
    let (build, _writer) = server.claim().await;
    assert_eq!(build.status, BuildStatus::Running, "the deploy itself goes on");
}
