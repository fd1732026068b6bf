//! Backups of databases: where they lie, from where dumps may be fetched, and their stage.

use std::net::{IpAddr, SocketAddr};

use addon::backup;
use addon::backup::fetch::{Fetcher, Reachable};
use addon::backup::folder::Folder;
use addon::backup::workshop::Workshop;
use addon::postgres::Outside;
use anyhow::Context;
use model::config_var::Secret;
use model::site::Site;
use store::Store;

use crate::config::{EgressArg, ServerArgs};
use crate::layout::Layout;

/// The folder, in the data folder.
pub(crate) const DIR: &str = "backups";
/// Hexadecimal digits of the tag in the names of what transfers make in a database server.
const TAG_CHARS: usize = 8;

/// What the stage works with. `cluster` is the server that we run; none when an outside one is used.
pub(crate) async fn context(
    args: &ServerArgs,
    site: &Site,
    layout: &Layout,
    store: &Store,
    cluster: Option<&addon::postgres::Cluster>,
) -> anyhow::Result<backup::Context> {
    let tag = tag(store);
    let workshop = match (cluster, &args.postgres_url) {
        (Some(cluster), _) => cluster.workshop(&tag),
        (None, Some(url)) => {
            let outside =
                Outside { admin_url: Secret::new(url.clone()), authority_pem: None, public_host: None };
            Workshop::outside(&outside, args.postgres_bin_dir.as_deref(), &tag).await?
        }
        (None, None) => anyhow::bail!("there is no Postgres to back up"),
    };
    Ok(backup::Context {
        store: store.clone(),
        workshop,
        folder: Folder::open(&layout.path(DIR))?,
        fetcher: Fetcher::new(reachable(args, site)).context("could not make an HTTP client")?,
    })
}

/// On a laptop its owner fetches from wherever he likes. Others may ask only for what dynos may reach as well.
fn reachable(args: &ServerArgs, site: &Site) -> Reachable {
    let is_here = |address: &SocketAddr| IpAddr::is_loopback(&address.ip());
    match args.egress {
        _ if site.is_local() && args.listen.iter().all(is_here) => Reachable::All,
        EgressArg::Open => Reachable::NotThisMachine,
        EgressArg::DenyPrivate => Reachable::Public,
    }
}

/// Tells this platform from others that use the same database server; it follows from the data folder's key.
fn tag(store: &Store) -> String {
    let signature = store.sign("transfers", "tag");
    signature
        .bytes()
        .map(|byte| char::from(b"0123456789abcdef"[usize::from(byte & 0x0f)]))
        .take(TAG_CHARS)
        .collect()
}
