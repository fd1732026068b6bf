//! What else can be pushed, and what cannot.

use insta::assert_snapshot;
use tokio::join;

use crate::server::Server;
use crate::work::{Ran, Work};

async fn push_and_build(server: &Server, work: &Work, args: &[&str]) -> Ran {
    let url = server.url();
    let args: Vec<&str> =
        ["push"].iter().chain(args).map(|arg| if *arg == "URL" { &url } else { *arg }).collect();
    let (ran, _) = join!(work.try_git(&args), server.build_next());
    assert!(ran.ok, "{}", ran.said);
    ran
}

async fn builds(server: &Server) -> usize {
    let app = server.app.id;
    server.store.read(move |tx| tx.builds(app)).await.expect("read").len()
}

#[tokio::test]
async fn every_push_to_main_or_master_is_a_deploy_even_by_force() {
    let (server, work) = (Server::start().await, Work::new().await);
    let first = work.git(&["rev-parse", "HEAD"]).await.out.trim().to_owned();
    push_and_build(&server, &work, &["URL", "main"]).await;
    let second = work.commit("web.py", b"two").await;
    push_and_build(&server, &work, &["URL", "main"]).await;
    assert_eq!(server.branch("main"), Some(second));
    let again = work.git(&["push", &server.url(), "main"]).await;
    assert!(again.said.contains("Everything up-to-date"), "{}", again.said);
    assert_eq!(builds(&server).await, 2);

    work.git(&["reset", "-q", "--hard", &first]).await;
    let refused = work.try_git(&["push", &server.url(), "main"]).await;
    assert!(!refused.ok && refused.said.contains("[rejected]"), "{}", refused.said);
    push_and_build(&server, &work, &["--force", "URL", "main"]).await;
    assert_eq!(server.branch("main"), Some(first.clone()));
    push_and_build(&server, &work, &["URL", "main:master"]).await;
    assert_eq!((server.branch("master"), builds(&server).await), (Some(first), 4));
}

#[tokio::test]
async fn other_branches_and_tags_are_only_kept() {
    let (server, work) = (Server::start().await, Work::new().await);
    let url = server.url();
    let ran = work.git(&["push", &url, "main:topic"]).await;
    assert!(ran.said.contains("Pushed to non-main branch, skipping build.\n"), "{}", ran.said);
    assert!(server.branch("topic").is_some());
    work.git(&["tag", "v1"]).await;
    let ran = work.git(&["push", &url, "v1"]).await;
    assert!(!ran.said.contains("skipping"), "{}", ran.said);
    work.git(&["push", &url, ":topic"]).await;
    assert_eq!((server.branch("topic"), builds(&server).await), (None, 0));
    let many: Vec<String> = (0..300).map(|i| format!("main:refs/heads/many-{i}")).collect();
    let mut args = vec!["push", "-q", &url];
    args.extend(many.iter().map(String::as_str));
    work.git(&args).await;
}

#[tokio::test]
async fn the_deployed_branch_cannot_be_deleted_nor_two_be_deployed_at_once() {
    let (server, work) = (Server::start().await, Work::new().await);
    let url = server.url();
    push_and_build(&server, &work, &["URL", "main"]).await;
    let ran = work.push(&url, ":main").await;
    assert!(!ran.ok);
    assert!(
        ran.said.contains(" !     The branch main cannot be deleted: it is what is deployed."),
        "{}",
        ran.said
    );
    assert!(server.branch("main").is_some());
    work.commit("web.py", b"two").await;
    let ran = work.try_git(&["push", &url, "main", "main:master"]).await;
    assert!(!ran.ok);
    assert!(ran.said.contains("Both `main` and `master` were pushed"), "{}", ran.said);
    assert_eq!((server.branch("master"), builds(&server).await), (None, 1));
}

#[tokio::test]
async fn an_empty_commit_is_refused_and_submodules_are_announced() {
    let (server, work) = (Server::start().await, Work::new().await);
    let url = server.url();
    work.git(&["checkout", "-q", "--orphan", "bare"]).await;
    work.git(&["rm", "-qrf", "."]).await;
    work.git(&["commit", "-q", "--allow-empty", "-m", "nothing"]).await;
    let ran = work.push(&url, "bare:main").await;
    assert!(!ran.ok);
    assert_snapshot!(ran.said.split("To http://").next().unwrap_or_default());
    work.git(&["checkout", "-q", "main"]).await;
    let module = work.git(&["rev-parse", "HEAD"]).await.out.trim().to_owned();
    let entry = format!("160000,{module},lib");
    work.git(&["update-index", "--add", "--cacheinfo", &entry]).await;
    work.git(&["commit", "-q", "-m", "a submodule"]).await;
    let ran = push_and_build(&server, &work, &["URL", "main"]).await;
    assert!(ran.said.contains("Updated 1 path from "), "{}", ran.said);
    assert!(ran.said.contains("Warning: the commit has a submodule"), "{}", ran.said);
}

#[tokio::test]
async fn a_commit_that_unpacks_to_too_much_is_refused() {
    let limits = git::Limits { source_bytes: 1 << 20, ..git::Limits::default() };
    let (server, work) = (Server::start_with(limits).await, Work::new().await);
    work.commit("zeros", &vec![0; 2 << 20]).await;
    let ran = work.try_git(&["push", &server.url(), "main"]).await;
    assert!(!ran.ok);
    assert!(ran.said.contains("The commit's files are larger than 1 MiB together."), "{}", ran.said);
    assert_eq!(builds(&server).await, 0);
    let left = std::fs::read_dir(server.dir.path().join("sources")).expect("a folder").count();
    assert_eq!(left, 0, "nothing is left over");
}
