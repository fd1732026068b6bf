//! Backups of databases: where they lie, from where dumps may be fetched, and their stage.

use addon::backup;
use addon::backup::fetch::Fetcher;
use addon::backup::folder::Folder;
use addon::backup::workshop::Workshop;
use addon::postgres::Outside;
use anyhow::Context;
use model::config_var::Secret;
use store::Store;

use crate::config::ServerArgs;
use crate::layout::Layout;

/// The folder, in the data folder.
pub(crate) const DIR: &str = "backups";
/// Hexadecimal digits of the tag in the names of what transfers make in a database server.
const TAG_CHARS: usize = 8;

/// What the stage works with. `outside` is the way by which dumps are fetched; `cluster` is the server that we run, none
/// when somebody else's is used.
pub(crate) async fn context(
    args: &ServerArgs,
    outside: &deliver::Outside,
    layout: &Layout,
    store: &Store,
    cluster: Option<&addon::postgres::Cluster>,
) -> anyhow::Result<backup::Context> {
    let tag = tag(store);
    let workshop = match (cluster, &args.postgres_url) {
        (Some(cluster), _) => cluster.workshop(&tag),
        (None, Some(url)) => {
            let server =
                Outside { admin_url: Secret::new(url.clone()), authority_pem: None, public_host: None };
            Workshop::outside(&server, args.postgres_bin_dir.as_deref(), &tag).await?
        }
        (None, None) => anyhow::bail!("there is no Postgres to back up"),
    };
    Ok(backup::Context {
        store: store.clone(),
        workshop,
        folder: Folder::open(&layout.path(DIR))?,
        fetcher: Fetcher::new(outside.guide()).context("could not make an HTTP client")?,
    })
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
