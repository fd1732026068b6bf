//! Our own server: made once, started detached so that it outlives us, adopted again, watched, stopped.
//!
//! ```text
//!  open: folders ─► initdb (once) ─► certificate, settings ─► adopt the running one │ start
//!  watch: a session of ours ends ─► the server died ─► clear up, start (with back-off)
//! ```

use std::fs;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::backup::workshop::Workshop;
use crate::postgres::admin::{Admin, SUPERUSER};
use crate::postgres::databases::Databases;
use crate::postgres::failure::{OpenError, StopError};
use crate::postgres::files::{self, Settings};
use crate::postgres::place::{Owner, Place, PlaceError};
use crate::postgres::postmaster::{self, Postmaster};
use crate::postgres::programs::Programs;
use crate::service::{Endpoint, ServiceError};

/// Where a port is looked for, first to last, when none is given.
const PORTS: std::ops::Range<u16> = 5432..6432;
/// How often a port is chosen, as somebody else may take it at the last moment.
const PORT_TRIES_MAX: usize = 5;
/// Longest wait for a data folder to be made.
const INITDB_MAX: Duration = Duration::from_secs(120);
/// Longest wait for a server to start, which includes making good what a crash left.
const START_SECONDS_MAX: u64 = 120;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// First and longest pause before a server that died is started again.
const RESTART_AFTER: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// A server that ran for so long gets the first pause again.
const STEADY_AFTER: Duration = Duration::from_secs(60);
/// How often old log files are removed and a new certificate is looked for.
const TIDY_EVERY: Duration = Duration::from_secs(60 * 60);
/// Log files kept, of at most 10 MB each.
const LOG_FILES_MAX: usize = 10;
/// Most of what a failed program said, in bytes.
const SAID_BYTES_MAX: usize = 2000;
/// What the server says before it writes its own log.
const FIRST_WORDS: &str = "start.log";

/// How our own server is to be.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// Its folder, made when missing. All folders above must let `os_user` pass (`o+x`).
    pub dir: PathBuf,
    /// Folder of the programs; otherwise the newest version installed is taken.
    pub bin_dir: Option<PathBuf>,
    /// Its port; 0 chooses a free one and keeps it as long as it is free.
    pub port: u16,
    /// Addresses at which it is reached by TLS; each must exist.
    pub listen: Vec<IpAddr>,
    /// The host name or address that apps are told; never `localhost`.
    pub advertised_host: String,
    /// Its certificate and key.
    pub tls: TlsFiles,
    /// The user it runs as; whoever is not root runs it as himself.
    pub os_user: String,
}

/// A certificate and its key; they are read at the start and again every hour.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate, with those between it and its authority (PEM).
    pub cert_pem: PathBuf,
    /// Its private key (PEM).
    pub key_pem: PathBuf,
}

/// Our own server, running. Clones are the same server; dropping them all leaves it running.
#[derive(Debug, Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: ClusterConfig,
    place: Place,
    owner: Owner,
    programs: Programs,
    port: u16,
    admin: Admin,
    databases: Arc<Databases>,
    /// Held while the server is started or stopped; true when it is to stay stopped.
    stopped: Mutex<bool>,
}

impl Cluster {
    /// Makes the server when there is none, starts it when it does not run, and takes it over when it does. A
    /// running one is restarted only if its settings have changed.
    ///
    /// # Errors
    /// [`OpenError`]; what it says is for whoever runs the platform.
    pub async fn open(config: ClusterConfig) -> Result<Self, OpenError> {
        let owner = Owner::of(&config.os_user)
            .ok_or_else(|| OpenError::NoUser { os_user: config.os_user.clone() })?;
        let place = Place::prepare(&config.dir, &owner)
            .map_err(|error: PlaceError| OpenError::Place(Box::new(error)))?;
        let programs = Programs::find(config.bin_dir.as_deref(), place.data_major())
            .await
            .map_err(|error| OpenError::NoPrograms(error.to_string()))?;
        if place.data_major().is_none() {
            make_data(&place, &programs, &owner).await?;
        }
        let mut tries = PORT_TRIES_MAX;
        loop {
            let port = choose_port(&config, &place)?;
            let cluster = Self::at_port(&config, &place, &owner, &programs, port);
            let Err(error) = cluster.bring_up().await else { return Ok(cluster) };
            // Somebody else may have taken the port since it was chosen.
            tries -= 1;
            let is_taken = is_in_use(&error) || try_listening(&config, port).is_err_and(|it| is_in_use(&it));
            if tries == 0 || config.port != 0 || !is_taken {
                return Err(error);
            }
        }
    }

    fn at_port(config: &ClusterConfig, place: &Place, owner: &Owner, programs: &Programs, port: u16) -> Self {
        let admin = Admin::socket(&place.run, port);
        let endpoint = Endpoint { host: config.advertised_host.clone(), port };
        let databases = Arc::new(Databases::of_cluster(admin.clone(), endpoint));
        let inner = Inner {
            config: config.clone(),
            place: place.clone(),
            owner: owner.clone(),
            programs: programs.clone(),
            port,
            admin,
            databases,
            stopped: Mutex::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The databases in it, for the stage's context.
    #[must_use]
    pub fn databases(&self) -> Arc<Databases> {
        Arc::clone(&self.inner.databases)
    }

    /// Where apps reach it.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        self.inner.databases.endpoint()
    }

    /// It as a place where transfers are done. `tag` tells this platform from others: lower-case letters and digits, at
    /// most 8.
    #[must_use]
    pub fn workshop(&self, tag: &str) -> Workshop {
        let Inner { config, programs, port, admin, .. } = &*self.inner;
        let host = config.listen.first().map_or_else(|| config.advertised_host.clone(), ToString::to_string);
        Workshop::of_cluster(admin.clone(), host, *port, programs, tag)
    }

    /// Its first process, if it runs.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        Postmaster::of(&self.inner.place.data).map(|postmaster| postmaster.pid)
    }

    /// Starts the server again whenever it dies, until `stop`. The server itself goes on then.
    pub async fn watch(&self, stop: CancellationToken) {
        let (first, longest) = RESTART_AFTER;
        let mut pause = first;
        loop {
            let since = Instant::now();
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.attend() => {}
            }
            pause = if since.elapsed() >= STEADY_AFTER { first } else { pause };
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(pause) => {}
            }
            pause = (pause * 2).min(longest);
            // Not broken off by `stop`: a server half started would be left behind by nobody's fault but ours.
            match self.bring_up().await {
                Ok(()) => info!("Postgres runs again"),
                Err(OpenError::Stopped) => return,
                Err(error) => error!(error = &error as &dyn std::error::Error, "could not start Postgres"),
            }
        }
    }

    /// Ends all sessions and the server with all its processes; [`Cluster::watch`] will not start it again.
    ///
    /// # Errors
    /// [`StopError`] when a process cannot be killed.
    pub async fn stop(&self) -> Result<(), StopError> {
        let mut stopped = self.inner.stopped.lock().await;
        *stopped = true;
        let Place { data, run, .. } = &self.inner.place;
        if postmaster::stop(data, run).await { Ok(()) } else { Err(StopError) }
    }

    /// Returns when the server died, or does not answer. A session of ours ends with it, so nothing is polled.
    async fn attend(&self) {
        let session = match self.inner.admin.connect(None).await {
            Ok(session) => session,
            Err(error) => {
                return warn!(error = &error as &dyn std::error::Error, "Postgres does not answer");
            }
        };
        let mut tidying = tokio::time::interval(TIDY_EVERY);
        let ended = session.ended();
        tokio::pin!(ended);
        loop {
            tokio::select! {
                () = &mut ended => return warn!("Postgres ended its session with us"),
                _ = tidying.tick() => self.tidy(),
            }
        }
    }

    fn tidy(&self) {
        remove_old_logs(&self.inner.place.log);
        match self.write_certificate() {
            Ok(false) => {}
            Ok(true) => {
                if let Some(postmaster) = Postmaster::of(&self.inner.place.data) {
                    postmaster.reload();
                }
            }
            Err(error) => {
                error!(
                    error = &error as &dyn std::error::Error,
                    "could not renew the certificate of Postgres"
                );
            }
        }
    }

    /// Whatever state the server is in: afterwards it runs with our settings and answers.
    async fn bring_up(&self) -> Result<(), OpenError> {
        let stopped = self.inner.stopped.lock().await;
        if *stopped {
            return Err(OpenError::Stopped);
        }
        let Inner { place, owner, .. } = &*self.inner;
        let settings = self.settings();
        let mut running = Postmaster::of(&place.data);
        if running.is_some() && place.read(files::SERVER).as_ref() != Some(&settings) {
            info!("restarting Postgres with changed settings");
            if !postmaster::stop(&place.data, &place.run).await {
                return Err(OpenError::Stuck);
            }
            running = None;
        }
        self.write_certificate()?;
        self.write(files::ACCESS, files::access().as_bytes())?;
        self.write(files::IDENTITIES, files::identities(&owner.name).as_bytes())?;
        match running {
            // Also when nothing is new now: we may have been killed after writing.
            Some(postmaster) => postmaster.reload(),
            None => {
                self.write(files::SERVER, settings.as_bytes())?;
                self.start().await?;
            }
        }
        self.close_to_strangers().await
    }

    async fn start(&self) -> Result<(), OpenError> {
        let Inner { config, place, owner, programs, port, .. } = &*self.inner;
        if !postmaster::clear(&place.data, &place.run).await {
            return Err(OpenError::Stuck);
        }
        try_listening(config, *port)?;
        let path = place.etc.join(FIRST_WORDS);
        let failed = |cause| OpenError::File { path: path.clone(), cause };
        let words = fs::File::create(&path).map_err(failed)?;
        let status = owner
            .command(&programs.path("pg_ctl"))
            .args(["start", "--wait", "--silent", "--timeout", &START_SECONDS_MAX.to_string(), "--pgdata"])
            .arg(&place.etc)
            .stdin(Stdio::null())
            .stdout(words.try_clone().map_err(failed)?)
            .stderr(words)
            .status()
            .await
            .map_err(|cause| OpenError::Run { program: "pg_ctl", cause })?;
        if status.success() {
            return Ok(());
        }
        let said = fs::read(&path).map_err(failed)?;
        Err(OpenError::Failed { program: "pg_ctl start", said: last_of(&said), log: place.log.clone() })
    }

    /// The databases that every server has are for nobody but us. Also waits until the server answers: after a
    /// crash it first makes good what that left.
    async fn close_to_strangers(&self) -> Result<(), OpenError> {
        let began = Instant::now();
        let silent = |error| OpenError::Silent(Box::new(error));
        let session = loop {
            match self.inner.admin.connect(None).await {
                Ok(session) => break session,
                Err(error) if began.elapsed().as_secs() > START_SECONDS_MAX || self.pid().is_none() => {
                    return Err(silent(error));
                }
                Err(_) => sleep(LOOK_EVERY).await,
            }
        };
        let statement = format!("REVOKE ALL ON DATABASE {SUPERUSER}, template1 FROM PUBLIC");
        session.client.batch_execute(&statement).await.map_err(|cause| {
            let (doing, database) = ("close to strangers", SUPERUSER.to_owned());
            silent(ServiceError::Statement { doing, database, cause })
        })
    }

    fn settings(&self) -> String {
        let Inner { config, place, port, .. } = &*self.inner;
        let Place { data, etc, log, run, .. } = place;
        files::server(&Settings {
            data,
            etc,
            log,
            run,
            listen: &config.listen,
            port: *port,
            ram_bytes: ram_bytes(),
        })
    }

    /// True when it is another than before.
    fn write_certificate(&self) -> Result<bool, OpenError> {
        let TlsFiles { cert_pem, key_pem } = &self.inner.config.tls;
        let mut is_new = false;
        for (from, to) in [(cert_pem, files::CERTIFICATE), (key_pem, files::KEY)] {
            let contents = fs::read(from).map_err(|cause| OpenError::File { path: from.clone(), cause })?;
            is_new |= self.write(to, &contents)?;
        }
        Ok(is_new)
    }

    fn write(&self, name: &str, contents: &[u8]) -> Result<bool, OpenError> {
        let Inner { place, owner, .. } = &*self.inner;
        place
            .write(name, contents, owner)
            .map_err(|cause| OpenError::File { path: place.etc.join(name), cause })
    }
}

/// Makes the data folder whole or not at all.
async fn make_data(place: &Place, programs: &Programs, owner: &Owner) -> Result<(), OpenError> {
    info!("making the data folder of Postgres {}", programs.major);
    let failed = |cause| OpenError::File { path: place.data.clone(), cause };
    let half = place.make_half(owner).map_err(failed)?;
    let run = owner
        .command(&programs.path("initdb"))
        .args(["--username", SUPERUSER, "--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums"])
        .args(["--auth-local", "peer", "--auth-host", "scram-sha-256", "--no-instructions", "--pgdata"])
        .arg(&half)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(INITDB_MAX, run)
        .await
        .map_err(|_| OpenError::TimedOut { program: "initdb", limit: INITDB_MAX })?
        .map_err(|cause| OpenError::Run { program: "initdb", cause })?;
    if !output.status.success() {
        let said = last_of(&output.stderr);
        return Err(OpenError::Failed { program: "initdb", said, log: place.log.clone() });
    }
    place.keep_half().map_err(failed)
}

/// The port of the running server, else the one it had, else a free one.
fn choose_port(config: &ClusterConfig, place: &Place) -> Result<u16, OpenError> {
    if config.port != 0 {
        return Ok(config.port);
    }
    if let Some(postmaster) = Postmaster::of(&place.data) {
        return Ok(postmaster.port);
    }
    let kept = place.read(files::SERVER).and_then(|text| files::port_of(&text));
    for port in kept.into_iter().chain(PORTS) {
        match try_listening(config, port) {
            Ok(()) => return Ok(port),
            Err(error) if is_in_use(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Err(OpenError::NoPort { first: PORTS.start, last: PORTS.end - 1 })
}

/// Postgres itself would make do with those addresses that it gets.
fn try_listening(config: &ClusterConfig, port: u16) -> Result<(), OpenError> {
    for address in &config.listen {
        TcpListener::bind((*address, port)).map_err(|cause| OpenError::Listen {
            address: *address,
            port,
            cause,
        })?;
    }
    Ok(())
}

fn is_in_use(error: &OpenError) -> bool {
    matches!(error, OpenError::Listen { cause, .. } if cause.kind() == io::ErrorKind::AddrInUse)
}

fn remove_old_logs(log: &Path) {
    let (begin, end) = files::LOG_NAME;
    let mut names: Vec<_> = fs::read_dir(log)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(begin) && name.ends_with(end))
        .collect();
    names.sort();
    for name in names.iter().rev().skip(LOG_FILES_MAX) {
        if let Err(cause) = fs::remove_file(log.join(name)) {
            warn!(error = &cause as &dyn std::error::Error, "could not remove the old log file {name}");
        }
    }
}

fn last_of(said: &[u8]) -> String {
    let from = said.len().saturating_sub(SAID_BYTES_MAX);
    String::from_utf8_lossy(&said[from..]).trim().to_owned()
}

/// The machine's memory; where it cannot be read, as little as any has.
fn ram_bytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(1 << 20) << 10
}

#[cfg(test)]
mod tests;
