//! A git server on loopback with one app, and the stages after it, played by the test.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use git::{Config, Context, Limits};
use logs::transcript::{TranscriptWriter, Transcripts};
use logs::{Logs, LogsConfig};
use model::account::Email;
use model::build::Build;
use model::config_var::Secret;
use model::id::{BuildId, SlugId};
use model::procfile::Procfile;
use model::release::{Release, ReleaseEvent};
use model::slug::Slug;
use model::time::Timestamp;
use store::{App, NewApp, NewRelease, NewToken, Store, StoreError, Tx};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) const TOKEN: &str = "a-token-of-jane";
pub(crate) const STRANGERS_TOKEN: &str = "a-token-of-joe";
/// A collaborator of the app, with a token to read.
pub(crate) const READERS_TOKEN: &str = "readers-token";
/// Longest a test waits for something that should happen soon.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Server {
    pub(crate) dir: TempDir,
    pub(crate) store: Store,
    pub(crate) logs: Logs,
    pub(crate) transcripts: Transcripts,
    pub(crate) app: App,
    pub(crate) context: Context,
    pub(crate) address: String,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn now() -> Timestamp {
    Timestamp::default().plus(SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970"))
}

/// The hook, built as this package's example, beside the folder of the test's own executable.
fn hook() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows itself");
    let hook = own.parent().and_then(Path::parent).expect("target/debug").join("examples/git-pre-receive");
    assert!(hook.exists(), "`cargo test -p git` builds the hook; a single `--test` does not");
    hook
}

fn make_rows(tx: &Tx<'_>) -> Result<App, StoreError> {
    let mut owners = Vec::new();
    for (address, token, scope) in [
        ("jane@example.com", TOKEN, "global"),
        ("joe@example.com", STRANGERS_TOKEN, "global"),
        ("kim@example.com", READERS_TOKEN, "read"),
    ] {
        let email: Email = address.parse().expect("an address");
        let account = tx.create_account(&email, None, owners.is_empty())?;
        owners.push(account.id);
        tx.create_token(&NewToken {
            account: account.id,
            token: Secret::from(token),
            description: "a test".to_owned(),
            scopes: scope.parse().expect("a scope"),
            expires_at: None,
        })?;
    }
    let app = tx.create_app(&NewApp {
        name: "demo".parse().expect("a name"),
        owner: owners[0],
        stack: model::slug::STACK.to_owned(),
        hostname: "demo.localhost".parse().expect("a host"),
    })?;
    tx.add_collaborator(app.id, owners[2])?;
    Ok(app)
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits::default()).await
    }

    pub(crate) async fn start_with(limits: Limits) -> Self {
        let dir = tempfile::Builder::new().prefix("it's git").tempdir().expect("a folder");
        let store = Store::open(dir.path(), Arc::new(now)).expect("a store");
        let app = store.write(make_rows).await.expect("rows");
        let logs = Logs::open(LogsConfig::new(dir.path().join("logs")), Arc::new(now)).expect("logs");
        let transcripts = Transcripts::open(&dir.path().join("transcripts")).expect("transcripts");
        let context = Context::new(Config {
            store: store.clone(),
            transcripts: transcripts.clone(),
            logs: logs.clone(),
            repos: dir.path().join("repos"),
            sources: dir.path().join("sources"),
            hook_socket: dir.path().join("run/hooks"),
            // A path with all that could go wrong in a shell.
            hokku_exe: link(&hook(), &dir.path().join("hokku $(exit) \"x")),
            limits,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let stopped = stop.clone().cancelled_owned();
        let serving = axum::serve(listener, git::routes(context.clone())).with_graceful_shutdown(stopped);
        tasks.spawn(async move { serving.await.expect("it serves") });
        let (cx, hooks_stop) = (context.clone(), stop.clone());
        tasks.spawn(async move { git::serve_hooks(cx, hooks_stop).await.expect("hooks are served") });
        let server = Self { dir, store, logs, transcripts, app, context, address, stop, tasks };
        server.until("the socket is there", || server.dir.path().join("run/hooks").exists()).await;
        server
    }

    pub(crate) fn url(&self) -> String {
        self.url_as(TOKEN, "demo")
    }

    pub(crate) fn url_as(&self, token: &str, app: &str) -> String {
        format!("http://heroku:{token}@{}/{app}.git", self.address)
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.dir.path().join(format!("repos/{}.git", self.app.id))
    }

    /// What a branch of the app's repository points to.
    pub(crate) fn branch(&self, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.repo().join("refs/heads").join(name)).ok()?;
        Some(text.trim().to_owned())
    }

    pub(crate) async fn until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let waiting = async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("in vain: {what}"));
    }

    /// Looks into the store until there is what is looked for.
    pub(crate) async fn find<T: Send + 'static>(
        &self,
        what: &str,
        look: impl Fn(&Tx<'_>) -> Result<Option<T>, StoreError> + Send + Clone + 'static,
    ) -> T {
        let searching = async {
            loop {
                if let Some(found) = self.store.read(look.clone()).await.expect("the store is read") {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, searching).await.unwrap_or_else(|_| panic!("in vain: {what}"))
    }

    // === What the stages after git would do

    /// Takes the next build.
    pub(crate) async fn claim(&self) -> (Build, TranscriptWriter) {
        let pending = |build: &Build| build.status == model::build::BuildStatus::Pending;
        let id = self.find("a build", move |tx| Ok(tx.open_builds()?.into_iter().find(pending))).await.id;
        let build = self.store.write(move |tx| tx.claim_build(id)).await.expect("a claim");
        let writer = self.transcripts.writer(&format!("build-{id}")).expect("a transcript");
        (build, writer)
    }

    pub(crate) async fn fail(&self, build: Build, writer: TranscriptWriter) {
        writer.finish().expect("a transcript");
        self.store.write(move |tx| tx.fail_build(&build)).await.expect("a failed build");
    }

    /// Ends a build well and makes its release, queued.
    pub(crate) async fn succeed(
        &self,
        build: Build,
        mut writer: TranscriptWriter,
        procfile: &str,
    ) -> Release {
        let slug = Slug {
            id: SlugId::new(),
            app: build.app,
            stack: build.stack.clone(),
            commit: build.commit.clone(),
            language: "Python".to_owned(),
            bytes: 1,
            processes: Procfile::parse(procfile),
            manifest: "{}".to_owned(),
            created_at: build.created_at,
        };
        let release = self
            .store
            .write(move |tx| {
                tx.succeed_build(&build, &slug, &["heroku/python".to_owned()])?;
                let release = make_release(tx, &build, Some(slug.id))?;
                tx.set_build_release(build.id, release.id)?;
                tx.sync_formation(build.app, &slug.processes, false)?;
                Ok::<_, StoreError>(release)
            })
            .await
            .expect("a release");
        let text = format!("-----> Launching...\n       Released {}\n\n", release.version);
        writer.append(text.as_bytes()).and_then(|()| writer.finish()).expect("a transcript");
        release
    }

    pub(crate) async fn on(&self, release: &Release, event: ReleaseEvent) {
        let id = release.id;
        self.store.write(move |tx| tx.release_on(id, event)).await.expect("a release moves on");
    }

    /// A release without a command, from its turn to its end.
    pub(crate) async fn roll_out(&self, release: &Release) {
        self.on(release, ReleaseEvent::Begin { command: false }).await;
        self.on(release, ReleaseEvent::Switched).await;
    }

    /// Does everything for the next build.
    pub(crate) async fn build_next(&self) -> BuildId {
        let (build, mut writer) = self.claim().await;
        let id = build.id;
        writer.append(b"-----> Python app detected\n").expect("a transcript");
        let release = self.succeed(build, writer, "web: ./serve\n").await;
        self.roll_out(&release).await;
        id
    }
}

fn make_release(tx: &Tx<'_>, build: &Build, slug: Option<SlugId>) -> Result<Release, StoreError> {
    tx.create_release(&NewRelease {
        app: build.app,
        slug,
        description: "Deploy".to_owned(),
        user: build.user,
        runs_command: true,
    })
}

fn link(to: &Path, at: &Path) -> PathBuf {
    std::os::unix::fs::symlink(to, at).expect("a link");
    at.to_owned()
}
