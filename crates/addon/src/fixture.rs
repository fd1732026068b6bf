//! What the tests of this crate share: real servers in temporary folders, `psql`, and an app in a real store.

use std::fs::{self, Permissions};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::account::Email;
use model::addon::{Plan, plan};
use model::config_var::Secret;
use model::time::Timestamp;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use store::{App, NewApp, Store, StoreError, Tx};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::credentials::Credentials;
use crate::postgres::postmaster::members;
use crate::postgres::{Cluster, ClusterConfig, TlsFiles};

/// Longest a test waits for something that should happen soon.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with all that a server needs. Dropping it kills the server.
pub(crate) struct Home {
    pub(crate) config: ClusterConfig,
    pub(crate) dir: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self::named("postgres")
    }

    pub(crate) fn named(name: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::set_permissions(dir.path(), Permissions::from_mode(0o711)).expect("passable");
        let tls = TlsFiles { cert_pem: dir.path().join("cert.pem"), key_pem: dir.path().join("key.pem") };
        let config = ClusterConfig {
            dir: dir.path().join(name),
            bin_dir: None,
            port: 0,
            listen: vec!["127.0.0.1".parse().expect("an address")],
            advertised_host: "127.0.0.1".to_owned(),
            tls,
            os_user: "postgres".to_owned(),
        };
        let home = Self { config, dir };
        home.new_certificate();
        home
    }

    /// Writes a certificate of its own making for the server; returns its text.
    pub(crate) fn new_certificate(&self) -> String {
        let names = vec!["127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let TlsFiles { cert_pem, key_pem } = &self.config.tls;
        fs::write(cert_pem, made.cert.pem()).expect("written");
        fs::write(key_pem, made.signing_key.serialize_pem()).expect("written");
        made.cert.pem()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.config.dir.canonicalize().unwrap_or_else(|_| self.config.dir.clone()).join("data")
    }

    pub(crate) async fn open(&self) -> Cluster {
        Cluster::open(self.config.clone()).await.expect("a server")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for pid in members(&self.data()) {
            let _gone = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// What `psql` printed, or how it failed. `sslmode` as in `PGSSLMODE`.
pub(crate) async fn psql(url: &Secret, sslmode: &str, statement: &str) -> Result<String, String> {
    let output = tokio::process::Command::new("psql")
        .args([
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--set",
            "ON_ERROR_STOP=1",
            "--command",
            statement,
        ])
        .arg(url.expose_secret())
        .env("PGSSLMODE", sslmode)
        .env("PGCONNECT_TIMEOUT", "20")
        .env("HOME", "/nonexistent")
        .env_remove("PGPASSWORD")
        .current_dir("/")
        .output()
        .await
        .expect("psql is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// The same URL with another database.
pub(crate) fn with_database(credentials: &Credentials, database: &str) -> Secret {
    let url = credentials.url();
    let (place, _) = url.expose_secret().rsplit_once('/').expect("a URL");
    Secret::new(format!("{place}/{database}"))
}

pub(crate) fn mini() -> &'static Plan {
    plan("heroku-postgresql:mini").expect("a plan")
}

/// Looks again and again until `look` finds what is waited for.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

/// A clock that is one second later at each look, or as much as it is put forward.
#[derive(Clone)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    /// It begins on 22 November 2026 at 14:55:34 UTC.
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_795_359_334)))
    }

    pub(crate) fn put_forward(&self, time: Duration) {
        let seconds = i64::try_from(time.as_secs()).expect("not too far");
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

/// A store with this clock.
pub(crate) fn open_store(dir: &Path, clock: &Clock) -> Store {
    let ticks = Arc::clone(&clock.0);
    let now = Arc::new(move || Timestamp::from_micros(ticks.fetch_add(1, Ordering::Relaxed) * 1_000_000));
    Store::open(dir, now).expect("the store opens")
}

/// An app of `owner@example.com`.
pub(crate) fn new_app(tx: &Tx<'_>, name: &str) -> Result<App, StoreError> {
    let email: Email = "owner@example.com".parse().expect("an address");
    let owner = match tx.account_by_email(&email)? {
        Some(owner) => owner,
        None => tx.create_account(&email, None, true)?,
    };
    tx.create_app(&NewApp {
        name: name.parse().expect("an app name"),
        owner: owner.id,
        stack: "hokku-12".to_owned(),
        hostname: format!("{name}.localhost").parse().expect("a host name"),
    })
}

/// Tells where a host is; none may not be asked.
#[derive(Clone, Copy)]
pub(crate) struct Guide(pub(crate) fn(&str) -> Option<IpAddr>);

impl Guide {
    /// To every address that stands for itself.
    pub(crate) const ANYWHERE: Self = Self(|host| host.parse().ok());
}

impl Resolve for Guide {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.0)(name.as_str()).map(|address| SocketAddr::new(address, 0));
        let told = found.ok_or_else(|| io::Error::from(io::ErrorKind::PermissionDenied).into());
        Box::pin(std::future::ready(told.map(|address| Box::new(std::iter::once(address)) as Addrs)))
    }
}

/// A `psql` that stays connected.
pub(crate) struct Session {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Session {
    pub(crate) async fn start(url: &Secret) -> Self {
        let mut child = tokio::process::Command::new("psql")
            .args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet"])
            .arg(url.expose_secret())
            .env("PGSSLMODE", "require")
            .env("HOME", "/nonexistent")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("psql is installed");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut session = Self { child, input, output };
        assert_eq!(session.ask("SELECT 'here'").await, "here");
        session
    }

    /// Runs a query with one row and one column.
    pub(crate) async fn ask(&mut self, query: &str) -> String {
        self.input.write_all(format!("{query};\n").as_bytes()).await.expect("it listens");
        let line = tokio::time::timeout(PATIENCE, self.output.next_line()).await.expect("an answer in time");
        line.expect("readable").unwrap_or_else(|| "(ended)".to_owned())
    }

    /// The server has ended the session.
    pub(crate) async fn is_ended(&mut self) {
        let _gone = self.input.write_all(b"SELECT 1;\n").await;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends");
        assert!(!ended.expect("a status").success(), "it was thrown out");
    }
}
