//! `hokku server`: puts the parts together, runs them, and takes them down in order.
//!
//! ```text
//!  start   lock ─ store ─ logs ─ network ─ router ─ stack ─ Postgres ─ engine ─ stages ─ control socket ─ ready
//!  SIGTERM router drains ─ stages ─ dynos ─ Postgres ─ network          nothing is left running
//!  SIGHUP  stages                                                       the rest goes on; the next server takes it up
//!  SIGKILL (nothing)                                                    the same
//! ```

use std::fs::{self, File};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use deliver::Outside;
use dyno::local::{Local, LocalConfig};
use logs::transcript::Transcripts;
use logs::{Logs, LogsConfig};
use model::site::Site;
use oci::layers::Layers;
use oci::network::{Network, NetworkConfig};
use oci::spec::Bind;
use slug::Blobs;
use store::Store;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::addons::{Addons, postgres_host};
use crate::ca::Ca;
use crate::certificates::Rendezvous;
use crate::config::ServerArgs;
use crate::data_plane::DataPlane;
use crate::layout::Layout;
use crate::outside_s3::OutsideFile;
use crate::{backups, buckets, certificates, clock, control, exports, first_start, janitor};

/// Network namespaces kept ready, so that a dyno need not wait for one.
const NETWORK_POOL: usize = 2;
/// How long stages may take to end.
const STAGES_END_WITHIN: Duration = Duration::from_secs(10);
/// Trusted certificates of the machine.
pub(crate) const CA_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Everything stops: SIGTERM, SIGINT.
    Stop,
    /// Only this process ends; dynos, router and Postgres go on: SIGHUP, for an upgrade.
    HandOver,
}

/// Runs a server until `ending` says how it is to end.
///
/// # Errors
/// When it cannot start, or a part of it fails; the text says what to do about it.
pub async fn serve(args: ServerArgs, ending: impl Future<Output = Ending>) -> anyhow::Result<()> {
    // For TLS towards others; it fails only if this process has a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let site = args.site()?;
    check_machine()?;
    if let Some(outside) = OutsideFile::of(&args)? {
        outside.check().await?;
    }
    let layout = Layout::open(&args.data_dir)?;
    let _lock = lock(&layout)?;
    let parts = Parts::open(args, layout, site).await?;
    let stop = CancellationToken::new();
    let mut running = parts.start(&stop).await?;
    parts.announce();
    let ended = tokio::select! {
        ending = ending => Ok(ending),
        failed = first_end(&mut running) => Err(failed),
    };
    if let Ok(Ending::Stop) = ended {
        info!("stopping: requests in flight finish first");
        if let Err(error) = parts.data_plane.drain().await {
            warn!(error = format!("{error:#}"), "could not drain the router");
        }
    }
    stop.cancel();
    let all = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(STAGES_END_WITHIN, all).await.is_err() {
        warn!("some parts did not end in time");
    }
    match ended? {
        Ending::Stop => parts.stop().await,
        Ending::HandOver => {
            info!("dynos, router and Postgres go on; start `hokku server` again to take them up")
        }
    }
    Ok(())
}

/// A part that ends by itself is an error: each runs until it is told to stop.
async fn first_end(running: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Error {
    match running.join_next().await {
        Some(Ok(Err(error))) => error,
        Some(Err(panic)) => anyhow::Error::from(panic).context("a part of the server panicked"),
        Some(Ok(Ok(()))) | None => anyhow::anyhow!("a part of the server ended by itself"),
    }
}

/// Tells everything that is missing at once, with remedies.
fn check_machine() -> anyhow::Result<()> {
    let problems = oci::probe::probe();
    for problem in problems.iter().filter(|problem| !problem.fatal) {
        warn!(remedy = problem.remedy, "{}", problem.what);
    }
    let fatal: Vec<_> = problems.iter().filter(|problem| problem.fatal).collect();
    if fatal.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> =
        fatal.iter().map(|problem| format!("  - {}: {}", problem.what, problem.remedy)).collect();
    bail!("this machine cannot run dynos yet:\n{}", lines.join("\n"))
}

/// One server per data folder.
fn lock(layout: &Layout) -> anyhow::Result<File> {
    let path = layout.path("lock");
    let file = File::create(&path).with_context(|| format!("could not make {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => bail!("another `hokku server` uses {}; stop it first", layout.dir().display()),
    }
}

struct Parts {
    args: ServerArgs,
    layout: Layout,
    site: Site,
    exe: PathBuf,
    store: Store,
    logs: Logs,
    transcripts: Transcripts,
    ca: Ca,
    network: Arc<Network>,
    data_plane: DataPlane,
    blobs: Blobs,
    layers: Layers,
    stacks: slug::Stacks,
    runtimes: slug::Runtimes,
    uv: PathBuf,
    addons: Addons,
    engine: Local,
    reports: std::sync::Mutex<Option<tokio::sync::mpsc::Receiver<dyno::engine::Report>>>,
    first_start: bool,
}

impl Parts {
    async fn open(args: ServerArgs, layout: Layout, site: Site) -> anyhow::Result<Self> {
        // What may be missing is looked for before anything is started.
        let uv = find_uv(&args)?;
        let exe = std::env::current_exe().context("could not find this program's own file")?;
        let store = Store::open(layout.dir(), clock::wall())?;
        let logs = Logs::open(LogsConfig::new(layout.path("logs")), clock::wall())?;
        let transcripts = Transcripts::open(&layout.path("transcripts"))?;
        let first_start = first_start::ensure_owner(&store, &layout, &args.owner).await?;
        let ca = Ca::open(&layout.path("tls"), site.control_hosts(), clock::wall())?;
        let network = Arc::new(open_network(&args, &layout).await?);
        for warning in network.warnings() {
            warn!("{warning}");
        }
        let data_plane = DataPlane::new(&layout, exe.clone(), args.listen.clone());
        data_plane.prepare(&certificates::first_table(&ca, &site, &layout))?;
        data_plane.ensure().await?;
        let blobs = Blobs::open(&layout.path("slugs"))?;
        let stacks = slug::Stacks::open(&args.cache_dir)?;
        exports::note_site(layout.dir(), &site)?;
        let stack = ensure_stack(&stacks).await?;
        let runtimes = slug::Runtimes::open(blobs.clone(), &args.cache_dir, python_sources(&args, &uv))?;
        let addons = Addons::open(&args, &site, &layout, &ca, &network, exe.clone()).await?;
        oci::cgroup::Hierarchy::find()?.create_parent(&cgroup_parent(&layout))?;
        let config = local_config(&args, &site, &layout, &ca, &network, &exe, &stack)?;
        let layers = config.layers.clone();
        let (engine, reports) = Local::open(config, blobs.clone(), Arc::clone(&network)).await?;
        let reports = std::sync::Mutex::new(Some(reports));
        Ok(Self {
            args,
            layout,
            site,
            exe,
            store,
            logs,
            transcripts,
            ca,
            network,
            data_plane,
            blobs,
            layers,
            stacks,
            runtimes,
            uv,
            addons,
            engine,
            reports,
            first_start,
        })
    }

    /// Starts every part that runs all the time.
    async fn start(&self, stop: &CancellationToken) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
        let mut running = JoinSet::new();
        let spool = self.layout.path("spool");
        let (logs, ended) = (self.logs.clone(), stop.clone());
        running.spawn(async move {
            tokio::select! {
                followed = logs.follow(&spool) => followed.context("the log intake ended"),
                () = ended.cancelled() => Ok(()),
            }
        });
        let (data_plane, ended) = (self.data_plane.clone(), stop.clone());
        running.spawn(async move {
            data_plane.watch(ended).await;
            Ok(())
        });
        self.addons.start(&mut running, &self.store, &self.logs, stop);
        let cluster = self.addons.cluster();
        let outside = self.outside()?;
        let backups = backups::context(&self.args, &outside, &self.layout, &self.store, cluster).await?;
        running.spawn(named("backup", addon::backup::stage(backups, stop.clone())));
        let build = self.build_context();
        running.spawn(named("build", build::stage(build, stop.clone())));
        let release = release::Context {
            store: self.store.clone(),
            logs: self.logs.clone(),
            transcripts: self.transcripts.clone(),
            site: self.site.clone(),
        };
        running.spawn(named("release", release::stage(release, stop.clone())));
        running.spawn(named("deliver", deliver::stage(self.deliver_context(outside), stop.clone())));
        let reports = self.reports.lock().ok().and_then(|mut reports| reports.take());
        let reports = reports.context("the server was started twice")?;
        running.spawn(named("dyno", dyno::stage(self.dyno_context(), reports, stop.clone())));
        let git = git::Context::new(self.git_config());
        let hooks = git::serve_hooks(git.clone(), stop.clone());
        running.spawn(async move { hooks.await.context("the server of git's hooks ended") });
        self.start_rendezvous(&mut running, stop).await?;
        let certs = certificates::context(&self.args, &self.site, &self.layout, &self.store, &self.ca)?;
        running.spawn(named("certs", certs::stage(certs, stop.clone())));
        let janitor = janitor::stage(
            self.store.clone(),
            self.blobs.clone(),
            self.layers.clone(),
            self.layout.path("build-cache"),
            stop.clone(),
        );
        running.spawn(named("janitor", janitor));
        let listener = listen_at(&self.layout.control_socket())?;
        let dashboard = dashboard::routes(self.dashboard_context(stop)?);
        let pages_host = self.site.dashboard_host();
        let api = self.api_context(stop);
        self.store.set_witness(api::witness(api.clone()));
        let api = api::routes(api);
        let routes = control::routes(api, git::routes(git), dashboard, &pages_host);
        running.spawn(control::serve(listener, routes, stop.clone()));
        Ok(running)
    }

    fn build_context(&self) -> build::Context {
        build::Context {
            store: self.store.clone(),
            logs: self.logs.clone(),
            transcripts: self.transcripts.clone(),
            blobs: self.blobs.clone(),
            layers: self.layers.clone(),
            stacks: self.stacks.clone(),
            runtimes: self.runtimes.clone(),
            network: Arc::clone(&self.network),
            sources: self.layout.path("sources"),
            builds: self.layout.path("builds"),
            cache: self.layout.path("build-cache"),
            box_program: self.exe.clone(),
            uv: self.uv.clone(),
            machine: build::Machine::look(variable).trusting(self.layout.path("run/build-certificates.crt")),
            hosts: format!("{} {}\n", self.network.gateway(), self.site.bucket_host()),
            cgroup_parent: cgroup_parent(&self.layout),
            limits: build::Limits { builders: self.args.builders as usize, ..build::Limits::default() },
            site: self.site.clone(),
        }
    }

    /// The way out for whatever users have the platform speak to.
    fn outside(&self) -> anyhow::Result<Outside> {
        let subnet = self.network.subnet();
        let targets = self.args.targets(&self.site);
        Ok(Outside::new(targets, Some((subnet.first(), subnet.prefix())))?)
    }

    fn deliver_context(&self, outside: Outside) -> deliver::Context {
        deliver::Context { store: self.store.clone(), logs: self.logs.clone(), outside }
    }

    fn dyno_context(&self) -> dyno::Context {
        dyno::Context {
            store: self.store.clone(),
            logs: self.logs.clone(),
            engine: Arc::new(self.engine.clone()),
            router_socket: self.layout.router_socket(),
            control_hosts: self.site.control_hosts(),
            control_socket: self.layout.control_socket(),
            services: vec![buckets::route(&self.layout, &self.site)],
            certificates: Arc::new(self.ca.clone()),
            boot_timeout: Duration::from_secs(self.args.boot_timeout),
        }
    }

    fn git_config(&self) -> git::Config {
        git::Config {
            store: self.store.clone(),
            transcripts: self.transcripts.clone(),
            logs: self.logs.clone(),
            repos: self.layout.path("repos"),
            sources: self.layout.path("sources"),
            hook_socket: self.layout.hook_socket(),
            hokku_exe: self.exe.clone(),
            limits: git::Limits::default(),
        }
    }

    fn api_context(&self, stop: &CancellationToken) -> api::Context {
        api::Context {
            store: self.store.clone(),
            logs: self.logs.clone(),
            transcripts: self.transcripts.clone(),
            site: self.site.clone(),
            addons: self.addons.desk(),
            sources: self.layout.path("sources"),
            backups: self.layout.path(backups::DIR),
            buildpacks: vec!["heroku/python".to_owned()],
            roots: certificates::roots(),
            stop: stop.clone(),
        }
    }

    /// The pages ask the API as any client does, only by a shorter way.
    fn dashboard_context(&self, stop: &CancellationToken) -> anyhow::Result<dashboard::Context> {
        let client = wire::Client::new(&self.site.api_url(""), None, "")?;
        Ok(dashboard::Context {
            client: client.at_socket(&self.layout.control_socket()),
            url: self.site.dashboard_url(""),
            plain_http: self.site.is_local(),
            stop: stop.clone(),
        })
    }

    async fn start_rendezvous(
        &self,
        running: &mut JoinSet<anyhow::Result<()>>,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let address = self.args.rendezvous();
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("could not listen at {address} for `heroku run`; choose another with --rendezvous-listen")
        })?;
        let rendezvous = Rendezvous::new(self.ca.clone(), &self.site, &self.store).await?;
        let tls = rendezvous.acceptor()?;
        let (store, ca, addons) = (self.store.clone(), self.ca.clone(), self.addons.clone());
        running.spawn(named("keep", certificates::keep(store, ca, rendezvous, addons, stop.clone())));
        let (store, engine, stop) = (self.store.clone(), self.engine.clone(), stop.clone());
        running.spawn(async move {
            dyno::rendezvous::serve(listener, tls, store, engine, stop).await;
            Ok(())
        });
        Ok(())
    }

    /// The orderly end: dynos, then Postgres, then the network.
    async fn stop(self) {
        self.engine.shutdown().await;
        self.addons.stop().await;
        drop(self.engine);
        if let Err(error) = self.layers.close() {
            warn!(error = &error as &dyn std::error::Error, "some layers stay mounted");
        }
        match Arc::into_inner(self.network) {
            Some(network) => {
                if let Err(error) = network.close().await {
                    error!(error = &error as &dyn std::error::Error, "could not remove the dynos' network");
                }
            }
            None => warn!("the dynos' network is still in use and stays"),
        }
        let parent = cgroup_parent(&self.layout);
        if let Err(error) = oci::cgroup::Hierarchy::find().and_then(|groups| groups.remove_parent(&parent)) {
            warn!(error = &error as &dyn std::error::Error, "could not remove the dynos' cgroup");
        }
        info!("stopped");
    }

    /// Tells a person how to go on.
    fn announce(&self) {
        let dir = self.layout.dir().display();
        let api = self.site.api_url("");
        info!("Hokku serves at {api}");
        info!("the web pages are at {}", self.site.dashboard_url("/"));
        if self.first_start {
            info!(
                "the owner is {}; token in {dir}/owner.token, password in {dir}/owner.password",
                self.args.owner
            );
        }
        info!("point the heroku command and git at it:  eval \"$(hokku env --data-dir {dir})\"");
    }
}

/// A stage's error with its name.
async fn named<E>(name: &'static str, stage: impl Future<Output = Result<(), E>>) -> anyhow::Result<()>
where
    E: std::error::Error + Send + Sync + 'static,
{
    stage.await.with_context(|| format!("the stage `{name}` failed"))
}

async fn open_network(args: &ServerArgs, layout: &Layout) -> anyhow::Result<Network> {
    // The orderly end removes the network with its files; the subnet must stay, since database URLs hold its gateway.
    let kept = layout.path("subnet");
    let subnet = match (args.subnet()?, fs::read_to_string(&kept)) {
        (Some(subnet), _) => Some(subnet),
        (None, Ok(text)) => {
            Some(text.trim().parse().with_context(|| format!("{} is broken", kept.display()))?)
        }
        (None, Err(_)) => None,
    };
    let config = NetworkConfig {
        tag: layout.tag().to_owned(),
        subnet,
        state_dir: layout.path("network"),
        egress: args.egress.into(),
        allow: Vec::new(),
        pool: NETWORK_POOL,
    };
    let network = Network::open(config).await.context("could not make the dynos' network")?;
    fs::write(&kept, network.subnet().to_string())
        .with_context(|| format!("could not write {}", kept.display()))?;
    Ok(network)
}

/// The stack base is made once per machine; it takes a minute or two, so what happens is shown.
async fn ensure_stack(stacks: &slug::Stacks) -> anyhow::Result<slug::stack::Stack> {
    let stacks = stacks.clone();
    let made =
        tokio::task::spawn_blocking(move || stacks.ensure(model::slug::STACK, &mut |line| info!("{line}")));
    made.await.context("making the stack base was cut short")?.context("could not make the stack base")
}

fn find_uv(args: &ServerArgs) -> anyhow::Result<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    slug::tools::uv(args.uv.as_deref(), path.as_ref())
        .context("the `uv` program was not found; install it (`pip install uv`) or name it with --uv FILE")
}

fn python_sources(args: &ServerArgs, uv: &std::path::Path) -> slug::runtime::Sources {
    let path = variable("PATH").unwrap_or_default();
    let home = variable("HOME").map(PathBuf::from);
    let mut prefixes: Vec<PathBuf> = Vec::new();
    for dir in &args.python_dir {
        prefixes.extend(fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    prefixes.extend(slug::runtime::prefixes(home.as_deref(), path.as_ref()));
    slug::runtime::Sources { uv: Some(uv.to_owned()), uv_environment: Vec::new(), prefixes }
}

/// What every dyno sees of this machine: its resolver, and the certificates that it and this platform trust.
fn local_config(
    args: &ServerArgs,
    site: &Site,
    layout: &Layout,
    ca: &Ca,
    network: &Network,
    exe: &std::path::Path,
    stack: &slug::stack::Stack,
) -> anyhow::Result<LocalConfig> {
    let resolver = layout.path("run/resolv.conf");
    let bundle = layout.path("run/certificates.crt");
    let hosts = layout.path("run/hosts");
    let trusted = fs::read_to_string(CA_BUNDLE).unwrap_or_default();
    fs::write(&resolver, network.resolv_conf()).context("could not write resolv.conf for dynos")?;
    fs::write(&bundle, format!("{trusted}\n{}", ca.pem()))
        .context("could not write certificates for dynos")?;
    // Builds also ask the machine's own mirrors of packages.
    let own = variable("SSL_CERT_FILE").and_then(|path| fs::read_to_string(path).ok()).unwrap_or(trusted);
    fs::write(layout.path("run/build-certificates.crt"), format!("{own}\n{}", ca.pem()))
        .context("could not write certificates for builds")?;
    let mut names = "127.0.0.1 localhost\n::1 localhost\n".to_owned();
    if !site.is_local() {
        // The same name leads from outside to this machine's public address, which dynos may not reach.
        names.push_str(&format!("{} {}\n", network.gateway(), postgres_host(site, network)));
    }
    names.push_str(&format!("{} {}\n", network.gateway(), site.bucket_host()));
    fs::write(&hosts, names).context("could not write the hosts file for dynos")?;
    let bind = |source: PathBuf, target: &str| Bind {
        source,
        target: target.into(),
        read_only: true,
        mapped: false,
    };
    Ok(LocalConfig {
        dir: layout.path("dynos"),
        exe: exe.to_owned(),
        spool_dir: layout.path("spool"),
        transcripts_dir: layout.path("transcripts"),
        stack_layers: stack.run_layers.clone(),
        layers: Layers::open(&layout.path("layers"))?,
        binds: vec![bind(resolver, "/etc/resolv.conf"), bind(hosts, "/etc/hosts"), bind(bundle, CA_BUNDLE)],
        // Amazon's libraries bring certificates of their own; the buckets' is not among them.
        env: vec![("AWS_CA_BUNDLE".to_owned(), CA_BUNDLE.to_owned())],
        cgroup_parent: cgroup_parent(layout),
        boot_timeout: Duration::from_secs(args.boot_timeout),
    })
}

fn cgroup_parent(layout: &Layout) -> String {
    format!("hokku-{}", layout.tag())
}

/// Listens at a unix socket; one that an earlier server left is replaced.
fn listen_at(path: &std::path::Path) -> anyhow::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("could not remove {}", path.display()));
        }
        _ => {}
    }
    UnixListener::bind(path).with_context(|| format!("could not listen at {}", path.display()))
}

/// A variable of this process's environment.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
