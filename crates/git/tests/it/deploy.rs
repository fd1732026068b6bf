//! Pushes to `main`.

use std::path::Path;

use insta::assert_snapshot;
use model::dyno::{Dyno, DynoKind};
use model::release::{Release, ReleaseEvent};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::join;
use tokio::time::timeout;

use crate::server::{PATIENCE, Server};
use crate::work::{Ran, Work, noise};

/// What a push said, up to git's own summary, with what differs each time made equal.
fn transcript(ran: &Ran, commit: &str) -> String {
    let ours = ran.said.split("To http://").next().unwrap_or_default();
    ours.replace(commit, "<commit>").replace(&commit[..7], "<seven>")
}

fn archive_names(tar: &Path) -> String {
    let output = std::process::Command::new("tar").arg("-tf").arg(tar).output().expect("tar runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn a_first_push_is_built_released_and_verified() {
    let (server, work) = (Server::start().await, Work::new().await);
    // More than the 1 MiB that git sends in one piece: it probes first, then sends chunks.
    let bytes = noise(3 << 20);
    std::fs::write(work.dir.path().join(".gitattributes"), "secret export-ignore\n").expect("a file");
    std::fs::write(work.dir.path().join("secret"), "kept").expect("a file");
    let commit = work.commit("noise", &bytes).await;
    let url = server.url();
    let pushing = work.push(&url, "main");
    let (ran, build) = join!(pushing, server.build_next());
    assert!(ran.ok, "{}", ran.said);
    assert_snapshot!(transcript(&ran, &commit));
    assert_eq!(server.branch("main").as_deref(), Some(commit.as_str()));
    let tar = server.dir.path().join(format!("sources/{build}.tar"));
    // The files as committed: what `git archive` would leave out is there.
    assert_eq!(archive_names(&tar), ".gitattributes\nnoise\nsecret\nweb.py\n");
    let app = server.app.id;
    // The probe was a push as well, of nothing.
    let is_large = |app: store::App| app.repo_bytes.is_some_and(|bytes| bytes > 3 << 20);
    let noted = move |tx: &store::Tx<'_>| Ok(tx.app(app)?.filter(|app| is_large(app.clone())));
    server.find("the repository's size", noted).await;
    let found = server.store.read(move |tx| tx.build(build)).await.expect("read").expect("a build");
    assert_eq!(found.commit.as_deref(), Some(commit.as_str()));
}

#[tokio::test]
async fn the_output_is_seen_while_the_build_runs() {
    let (server, work) = (Server::start().await, Work::new().await);
    let mut push = work.start_push(&[&server.url(), "main"]);
    let mut lines = BufReader::new(push.stderr.take().expect("a pipe")).lines();
    let (build, mut writer) = server.claim().await;
    for step in ["-----> one", "-----> two", "-----> three"] {
        writer.append(format!("{step}\n").as_bytes()).expect("a transcript");
        let seeing = async {
            while let Some(line) = lines.next_line().await.expect("text") {
                if line.contains(step) {
                    return;
                }
            }
            panic!("the push ended before `{step}` was seen");
        };
        // The build goes on only after the line was seen.
        timeout(PATIENCE, seeing).await.expect("the line is seen");
    }
    assert_eq!(server.branch("main"), None, "the branch moves at the end only");
    let release = server.succeed(build, writer, "web: ./serve\n").await;
    server.roll_out(&release).await;
    while lines.next_line().await.expect("text").is_some() {}
    assert!(push.wait().await.expect("git ends").success());
    assert!(server.branch("main").is_some());
}

#[tokio::test]
async fn a_failed_build_rejects_the_push_and_a_mended_one_passes() {
    let (server, work) = (Server::start().await, Work::new().await);
    let commit = work.git(&["rev-parse", "HEAD"]).await.out.trim().to_owned();
    let url = server.url();
    for name in ["first", "again"] {
        let pushing = work.push(&url, "main");
        let failing = async {
            let (build, mut writer) = server.claim().await;
            let text = "-----> Python app detected\n !     Push rejected, failed to compile Python app.\n\n !     Push failed\n";
            writer.append(text.as_bytes()).expect("a transcript");
            server.fail(build, writer).await;
        };
        let (ran, ()) = join!(pushing, failing);
        assert!(!ran.ok);
        assert!(
            ran.said.contains("! [remote rejected] main -> main (pre-receive hook declined)"),
            "{}",
            ran.said
        );
        assert_snapshot!(format!("a_failed_build_{name}"), transcript(&ran, &commit));
        assert_eq!(server.branch("main"), None);
    }
    let mended = work.commit("web.py", b"print('mended')\n").await;
    let pushing = work.push(&url, "main");
    let (ran, _) = join!(pushing, server.build_next());
    assert!(ran.ok, "{}", ran.said);
    assert_eq!(server.branch("main"), Some(mended));
}

/// A release that is in its command, with the dyno that runs it.
async fn begin_command(server: &Server, release: &Release) {
    let name = "release.1".parse().expect("a name");
    let dyno = Dyno {
        kind: DynoKind::Release,
        command: "./migrate".to_owned(),
        ..Dyno::new(release.app, name, release.id, release.created_at)
    };
    let id = release.id;
    let begun = server.store.write(move |tx| {
        tx.create_dyno(&dyno)?;
        tx.set_command_dyno(id, dyno.id)?;
        tx.release_on(id, ReleaseEvent::Begin { command: true })
    });
    begun.await.expect("a command begins");
}

async fn fail_release(server: &Server, release: &Release, event: ReleaseEvent, failure: &'static str) {
    let id = release.id;
    let failed = server.store.write(move |tx| {
        tx.set_release_failure(id, failure)?;
        tx.release_on(id, event)
    });
    failed.await.expect("a release fails");
}

#[tokio::test]
async fn a_release_command_is_shown_and_its_failure_rejects_the_push() {
    let (server, work) = (Server::start().await, Work::new().await);
    let procfile = "web: ./serve\nrelease: ./migrate\nworker: ./work\n";
    let url = server.url();
    for (name, output, passes) in [
        ("that_prints", "Applying 0001_initial... OK", true),
        ("that_is_silent", "", true),
        ("that_fails", "no such table\n", false),
    ] {
        let commit = work.commit("web.py", name.as_bytes()).await;
        let pushing = work.push(&url, "main");
        let deploying = async {
            let (build, writer) = server.claim().await;
            let release = server.succeed(build, writer, procfile).await;
            begin_command(&server, &release).await;
            let id = format!("release-{}", release.id);
            let mut writer = server.transcripts.writer(&id).expect("a transcript");
            writer.append(output.as_bytes()).and_then(|()| writer.finish()).expect("a transcript");
            if passes {
                server.on(&release, ReleaseEvent::CommandDone).await;
                server.on(&release, ReleaseEvent::Switched).await;
            } else {
                let reason = "The release command exited with status 1.";
                fail_release(&server, &release, ReleaseEvent::Fail, reason).await;
            }
        };
        let (ran, ()) = join!(pushing, deploying);
        assert_eq!(ran.ok, passes, "{}", ran.said);
        assert_snapshot!(format!("a_release_command_{name}"), transcript(&ran, &commit));
        assert_eq!(server.branch("main") == Some(commit), passes);
    }
}

#[tokio::test]
async fn dynos_that_do_not_start_reject_the_push_with_the_reason() {
    let (server, work) = (Server::start().await, Work::new().await);
    let url = server.url();
    let reason =
        "web.1 exited with status 1 while it was starting:\n  ModuleNotFoundError: No module named 'x'";
    // The first release stays though it fails; the second has an older one to fall back to.
    for (name, event) in [("first", ReleaseEvent::Switched), ("later", ReleaseEvent::Fail)] {
        let commit = work.commit("web.py", name.as_bytes()).await;
        let pushing = work.push(&url, "main");
        let deploying = async {
            let (build, writer) = server.claim().await;
            let release = server.succeed(build, writer, "web: ./serve\n").await;
            server.on(&release, ReleaseEvent::Begin { command: false }).await;
            fail_release(&server, &release, event, reason).await;
        };
        let (ran, ()) = join!(pushing, deploying);
        assert!(!ran.ok);
        assert_snapshot!(format!("dynos_that_do_not_start_{name}"), transcript(&ran, &commit));
        assert_eq!(server.branch("main"), None);
    }
}

#[tokio::test]
async fn a_push_follows_the_release_that_takes_its_place() {
    let (server, work) = (Server::start().await, Work::new().await);
    let commit = work.git(&["rev-parse", "HEAD"]).await.out.trim().to_owned();
    let url = server.url();
    let pushing = work.push(&url, "main");
    let deploying = async {
        let (build, writer) = server.claim().await;
        let (app, user) = (build.app, build.user);
        let release = server.succeed(build, writer, "web: ./serve\n").await;
        server.on(&release, ReleaseEvent::Begin { command: false }).await;
        // A config change makes a release of the same code, which is rolled out instead.
        let newer = server.store.write(move |tx| {
            let newer = tx.create_release(&store::NewRelease {
                app,
                slug: None,
                description: "Set A config vars".to_owned(),
                user,
                runs_command: true,
            })?;
            tx.release_on(release.id, ReleaseEvent::Supersede)?;
            Ok::<_, store::StoreError>(newer)
        });
        server.roll_out(&newer.await.expect("a release")).await;
    };
    let (ran, ()) = join!(pushing, deploying);
    assert!(ran.ok, "{}", ran.said);
    assert_snapshot!(transcript(&ran, &commit));
    assert_eq!(server.branch("main"), Some(commit));
}
