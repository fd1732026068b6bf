//! What `hokku server` is told, read once and checked before a port is bound.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use addon::Upkeep;
use anyhow::bail;
use clap::{Args, ValueEnum};
use deliver::Targets;
use model::account::Email;
use model::database::GRACE;
use model::domain::Hostname;
use model::dyno::BOOT_TIMEOUT;
use model::site::Site;
use oci::network::{Cidr, Egress};

/// Where a server keeps its data when nothing else is said.
pub const DATA_DIR: &str = "/var/lib/hokku";

/// Options of `hokku server`.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// Folder of everything that must be kept: the store, repositories, slugs, logs, Postgres
    #[arg(long, value_name = "DIR", env = "HOKKU_DATA_DIR", default_value = DATA_DIR)]
    pub data_dir: PathBuf,

    /// Folder of what can be made again: the stack base that dynos run on. Servers may share it
    #[arg(long, value_name = "DIR", env = "HOKKU_CACHE_DIR", default_value = "/var/cache/hokku")]
    pub cache_dir: PathBuf,

    /// Domain under which apps live: app `shop` is served at `shop.NAME`
    #[arg(long, value_name = "NAME", env = "HOKKU_DOMAIN", default_value = "localhost")]
    pub domain: Hostname,

    /// Address that serves the API, git and all apps, HTTPS and plain HTTP on the same port. May be repeated
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "HOKKU_LISTEN",
        value_delimiter = ',',
        default_value = "127.0.0.1:5443"
    )]
    pub listen: Vec<SocketAddr>,

    /// Port that clients use, if it is not the first --listen port (behind a port forward)
    #[arg(long, value_name = "PORT")]
    pub public_port: Option<u16>,

    /// Address where `heroku run` attaches [default: the first --listen address, next port]
    #[arg(long, value_name = "ADDR:PORT")]
    pub rendezvous_listen: Option<SocketAddr>,

    /// E-mail address of the account that owns the platform; used at the first start
    #[arg(long, value_name = "EMAIL", env = "HOKKU_OWNER", default_value = "owner@hokku.localhost")]
    pub owner: Email,

    /// Directory URL of an ACME authority, which certificates are got from: for custom domains on request, and for
    /// every host of a --domain that is public. Its terms of service are agreed to
    #[arg(long, value_name = "URL", env = "HOKKU_ACME_DIRECTORY", value_parser = https_url)]
    pub acme_directory: Option<String>,

    /// E-mail address that the ACME authority may write to, about certificates that run out
    #[arg(long, value_name = "EMAIL", env = "HOKKU_ACME_CONTACT", requires = "acme_directory")]
    pub acme_contact: Option<Email>,

    /// What dynos and builds may reach besides their own services
    #[arg(long, value_enum, default_value_t = EgressArg::Open)]
    pub egress: EgressArg,

    /// Where log drains, webhooks and addresses of dumps may lead [default: `any` for a server under the domain
    /// `localhost` that listens to its own machine alone, else as --egress]
    #[arg(long, value_enum, value_name = "TARGETS")]
    pub deliver_to: Option<DeliverToArg>,

    /// Network for dynos, such as 10.213.0.0/20 [default: a free one is picked once]
    #[arg(long, value_name = "CIDR")]
    pub dyno_subnet: Option<String>,

    /// Builds at a time; builds of one app never overlap
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub builders: u32,

    /// The `uv` program that installs Python packages [default: found on PATH]
    #[arg(long, value_name = "FILE", env = "HOKKU_UV")]
    pub uv: Option<PathBuf>,

    /// Folder with Python installations (`DIR/3.12.1/bin/python3.12`) to offer besides those found. May be repeated
    #[arg(long, value_name = "DIR", env = "HOKKU_PYTHON_DIR", value_delimiter = ',')]
    pub python_dir: Vec<PathBuf>,

    /// Folder of the Postgres programs [default: the newest below /usr/lib/postgresql, else PATH]
    #[arg(long, value_name = "DIR")]
    pub postgres_bin_dir: Option<PathBuf>,

    /// Port of the Postgres that the server runs [default: a free one is picked once]
    #[arg(long, value_name = "PORT")]
    pub postgres_port: Option<u16>,

    /// Use this Postgres, with the rights to make roles and databases, instead of running one
    #[arg(long, value_name = "URL", env = "HOKKU_POSTGRES_URL")]
    pub postgres_url: Option<String>,

    /// Keep the objects of new buckets in this bucket of an S3 that somebody else runs, instead of in the data folder:
    /// `https://ENDPOINT/BUCKET`, or `https://ENDPOINT/BUCKET/FOLDER`
    #[arg(long, value_name = "URL", env = "HOKKU_S3_URL", requires = "s3_keys")]
    pub s3_url: Option<String>,

    /// Region of that S3
    #[arg(long, value_name = "NAME", env = "HOKKU_S3_REGION", default_value = "us-east-1")]
    pub s3_region: String,

    /// File with the keys of that S3, for its owner alone to read: AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…
    #[arg(long, value_name = "FILE", env = "HOKKU_S3_KEYS", requires = "s3_url")]
    pub s3_keys: Option<PathBuf>,

    /// Seconds that a database may be over the limits of its plan before INSERT is revoked
    #[arg(long, value_name = "SECONDS", env = "HOKKU_DATABASE_GRACE", default_value_t = GRACE.as_secs())]
    pub database_grace: u64,

    /// Seconds between two looks at a database's size and rows
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub database_inspect_every: u64,

    /// Seconds after which every database gets other credentials [default: only when somebody asks]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(10..))]
    pub rotate_credentials_every: Option<u64>,

    /// Seconds a web dyno may take to bind $PORT
    #[arg(long, value_name = "SECONDS", default_value_t = BOOT_TIMEOUT.as_secs(), value_parser = clap::value_parser!(u64).range(1..=600))]
    pub boot_timeout: u64,
}

/// What dynos may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EgressArg {
    /// Everything but this machine, other dynos and link-local addresses
    Open,
    /// Besides that no private addresses either: for machines inside somebody's private network
    DenyPrivate,
}

/// Where what users have the platform speak to may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeliverToArg {
    /// Anywhere, this machine included
    Any,
    /// Everything but this machine, its dynos and link-local addresses
    Elsewhere,
    /// Public addresses only
    Public,
}

impl From<DeliverToArg> for Targets {
    fn from(arg: DeliverToArg) -> Self {
        match arg {
            DeliverToArg::Any => Self::Any,
            DeliverToArg::Elsewhere => Self::Elsewhere,
            DeliverToArg::Public => Self::Public,
        }
    }
}

impl From<EgressArg> for Egress {
    fn from(arg: EgressArg) -> Self {
        match arg {
            EgressArg::Open => Self::Open,
            EgressArg::DenyPrivate => Self::DenyPrivate,
        }
    }
}

/// ACME is spoken over HTTPS only (RFC 8555 §6.1).
fn https_url(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    if host.is_empty() {
        return Err("expected a URL that begins with https://".to_owned());
    }
    Ok(text.to_owned())
}

impl ServerArgs {
    /// The public addresses that follow from the options.
    ///
    /// # Errors
    /// When no address is given or ports collide.
    pub fn site(&self) -> anyhow::Result<Site> {
        let Some(first) = self.listen.first() else { bail!("--listen needs at least one address") };
        let rendezvous = self.rendezvous();
        if self.listen.contains(&rendezvous) {
            bail!(
                "--rendezvous-listen {rendezvous} is one of the --listen addresses; give it a port of its own"
            );
        }
        Ok(Site {
            domain: self.domain.clone(),
            port: self.public_port.unwrap_or_else(|| first.port()),
            rendezvous_port: rendezvous.port(),
        })
    }

    /// What users may have the platform speak to: what a dyno may reach, unless it is said. A laptop that serves nobody
    /// else is all its user's own.
    #[must_use]
    pub fn targets(&self, site: &Site) -> Targets {
        let is_own = site.is_local() && self.listen.iter().all(|address| address.ip().is_loopback());
        match (self.deliver_to, self.egress) {
            (Some(said), _) => said.into(),
            (None, _) if is_own => Targets::Any,
            (None, EgressArg::Open) => Targets::Elsewhere,
            (None, EgressArg::DenyPrivate) => Targets::Public,
        }
    }

    /// Where `heroku run` attaches.
    #[must_use]
    pub fn rendezvous(&self) -> SocketAddr {
        self.rendezvous_listen.unwrap_or_else(|| {
            let first = self.listen.first().copied();
            let first = first.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5443));
            SocketAddr::new(first.ip(), first.port().saturating_add(1))
        })
    }

    /// When databases are looked at.
    #[must_use]
    pub fn upkeep(&self) -> Upkeep {
        Upkeep {
            grace: Duration::from_secs(self.database_grace),
            inspect_every: Duration::from_secs(self.database_inspect_every),
            rotate_every: self.rotate_credentials_every.map(Duration::from_secs),
        }
    }

    /// The dynos' network, if one is prescribed.
    ///
    /// # Errors
    /// When the text is no network.
    pub fn subnet(&self) -> anyhow::Result<Option<Cidr>> {
        Ok(self.dyno_subnet.as_deref().map(str::parse).transpose()?)
    }
}
