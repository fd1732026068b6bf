//! Clones and fetches.

use tokio::join;

use crate::server::Server;
use crate::work::{Work, git, ran};

#[tokio::test]
async fn an_app_without_a_push_is_cloned_empty() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().expect("a folder");
    let output = git(dir.path()).args(["clone", &server.url(), "copy"]).output().await.expect("git runs");
    let ran = ran(output);
    assert!(ran.ok && ran.said.contains("You appear to have cloned an empty repository."), "{}", ran.said);
}

#[tokio::test]
async fn what_was_pushed_is_cloned_and_fetched() {
    let (server, work) = (Server::start().await, Work::new().await);
    let url = server.url();
    let (pushed, _) = join!(work.push(&url, "main:master"), server.build_next());
    assert!(pushed.ok, "{}", pushed.said);
    // The branch that there is becomes the one that a clone checks out.
    let head = server.repo().join("HEAD");
    let names_master = || std::fs::read_to_string(&head).is_ok_and(|text| text == "ref: refs/heads/master\n");
    server.until("HEAD names master", names_master).await;
    for protocol in ["version=0", "version=1", "version=2"] {
        let dir = tempfile::tempdir().expect("a folder");
        let config = format!("protocol.{protocol}");
        let output = git(dir.path()).args(["-c", &config, "clone", "-q", &url, "copy"]).output();
        assert!(output.await.expect("git runs").status.success(), "{protocol}");
        let text = std::fs::read_to_string(dir.path().join("copy/web.py")).expect("a file");
        assert_eq!(text, "print('one')\n");
        if protocol == "version=2" {
            // Many commits in common: the request of the fetch is long enough to be sent as gzip.
            let copy = Work { dir };
            for i in 0..40 {
                work.commit("web.py", format!("{i}").as_bytes()).await;
                let inner = git(&copy.dir.path().join("copy"));
                commit_here(inner, i).await;
            }
            let (pushed, _) = join!(work.push(&url, "main:master"), server.build_next());
            assert!(pushed.ok, "{}", pushed.said);
            let fetched = copy.try_git(&["-C", "copy", "fetch", "-q", "origin"]).await;
            assert!(fetched.ok, "{}", fetched.said);
            let theirs = copy.git(&["-C", "copy", "show", "origin/master:web.py"]).await.out;
            assert_eq!(theirs, "39");
        }
    }
}

async fn commit_here(mut git: tokio::process::Command, number: u32) {
    let message = format!("mine {number}");
    let status = git.args(["commit", "-q", "--allow-empty", "-m", &message]).status().await;
    assert!(status.expect("git runs").success());
}

#[tokio::test]
async fn many_pushes_leave_few_packs() {
    let (server, work) = (Server::start().await, Work::new().await);
    let packs = server.repo().join("objects/pack");
    let count = || {
        let entries = std::fs::read_dir(&packs).map(|entries| entries.flatten().collect::<Vec<_>>());
        let is_pack = |entry: &std::fs::DirEntry| entry.path().extension().is_some_and(|end| end == "pack");
        entries.unwrap_or_default().iter().filter(|entry| is_pack(entry)).count()
    };
    let mut most = 0;
    for i in 0..20 {
        // Enough objects for a pack of its own.
        for file in 0..110 {
            std::fs::write(work.dir.path().join(format!("f{file}")), format!("{i} {file}")).expect("a file");
        }
        work.commit("web.py", format!("{i}").as_bytes()).await;
        work.git(&["push", "-q", &server.url(), "main:topic"]).await;
        most = most.max(count());
    }
    assert!(most > 5, "each push leaves a pack: {most}");
    server.until("few packs are left", || count() <= 16).await;
    let dir = tempfile::tempdir().expect("a folder");
    let output = git(dir.path()).args(["clone", "-q", "-b", "topic", &server.url(), "copy"]).output();
    assert!(output.await.expect("git runs").status.success());
}
