//! What nobody needs any more: repositories of destroyed apps, source archives of pushes that never became builds.

use std::error::Error;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use model::id::{AppId, BuildId};
use model::time::Timestamp;
use store::{Store, StoreError, Topic};
use tokio::fs::DirEntry;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::Context;
use crate::deploy::{ARCHIVE, UNFINISHED};
use crate::repo::RepoError;

/// How often the folder is looked at when nothing seems to change.
const SCAN_EVERY: Duration = Duration::from_secs(600);

/// An archive without a build is left alone for so long after it was last written to.
const YOUNG: Duration = Duration::from_secs(3600);

/// Something could not be swept away.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error("could not look up what is still needed")]
    Store(#[from] StoreError),
    #[error("could not remove a repository")]
    Repo(#[from] RepoError),
    #[error("could not remove source archives")]
    Sources(#[source] io::Error),
}

/// Sweeps at the start, and again whenever apps change, until `stop`.
pub(crate) async fn stage(cx: Context, stop: CancellationToken) {
    let mut wake = cx.inner.config.store.watch(&[Topic::Apps]);
    let config = &cx.inner.config;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = wake.changed_or_after(SCAN_EVERY) => {}
        }
        if let Err(error) = sources(&config.store, &config.sources).await {
            error!(error = &error as &dyn Error, "could not sweep the source archives");
        }
        if let Err(error) = repositories(&cx).await {
            error!(error = &error as &dyn Error, "could not sweep the repositories");
        }
    }
}

/// Removes the repositories of apps that are gone. The folder is listed before the apps are: a repository whose app
/// is not found then is none that was made in between.
async fn repositories(cx: &Context) -> Result<(), SweepError> {
    let found = cx.inner.repos.list().await?;
    let gone = cx
        .inner
        .config
        .store
        .read(move |tx| {
            let mut gone: Vec<AppId> = Vec::new();
            for app in found {
                if tx.app(app)?.is_none() {
                    gone.push(app);
                }
            }
            Ok::<_, StoreError>(gone)
        })
        .await?;
    for app in gone {
        cx.inner.repos.remove(app).await?;
    }
    Ok(())
}

/// Removes what a killed server left: archives that were being written, and finished ones without a build.
async fn sources(store: &Store, folder: &Path) -> Result<(), SweepError> {
    let mut entries = match tokio::fs::read_dir(folder).await {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(SweepError::Sources)?,
    };
    while let Some(entry) = entries.next_entry().await.map_err(SweepError::Sources)? {
        let path = entry.path();
        let build = path.file_stem().and_then(OsStr::to_str).and_then(|stem| stem.parse::<BuildId>().ok());
        // One that is younger may belong to a push that is about to ask for its build.
        let age = store.now().since(modified(&entry).await.map_err(SweepError::Sources)?);
        let needless = age > YOUNG
            && match (path.extension().and_then(OsStr::to_str), build) {
                (Some(UNFINISHED), _) => true,
                (Some(ARCHIVE), Some(build)) => store.read(move |tx| tx.build(build)).await?.is_none(),
                _ => false,
            };
        if needless {
            tokio::fs::remove_file(&path).await.map_err(SweepError::Sources)?;
        }
    }
    Ok(())
}

async fn modified(entry: &DirEntry) -> io::Result<Timestamp> {
    let since_epoch = entry.metadata().await?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp::default().plus(since_epoch))
}
