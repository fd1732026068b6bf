//! Sources: where a client puts an archive that it wants built.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::body::{Body, BodyDataStream};
use axum::extract::{Path, State};
use futures_util::StreamExt;
use model::time::Timestamp;
use tokio::fs;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::Server;
use crate::call::Call;
use crate::error::Problem;
use crate::identity;
use crate::passport::{self, Purpose};
use crate::reply::{Answer, Reply};

/// Largest archive taken, in bytes.
const SOURCE_BYTES_MAX: u64 = 1 << 30;
/// How long an upload may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long an archive may be put and used.
const VALID: Duration = Duration::from_secs(60 * 60);
/// Names of archives that no build has taken yet begin so.
const PREFIX: &str = "upload-";

/// A file operation on an archive failed.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing} the source archive {at}")]
struct SourceError {
    doing: &'static str,
    at: PathBuf,
    #[source]
    cause: std::io::Error,
}

fn failed(doing: &'static str, at: &FilePath, cause: std::io::Error) -> Problem {
    Problem::internal(SourceError { doing, at: at.to_owned(), cause })
}

/// Gives an address to put an archive at, which a build can then name.
pub(crate) async fn create(call: Call) -> Answer {
    let cx = &call.server.cx;
    sweep(&cx.sources, cx.store.now()).await;
    let permit = passport::issue(&cx.store, Purpose::Source, &identity::random(), cx.store.now().plus(VALID));
    let url = call.url(&format!("/sources/{permit}"));
    Ok(Reply::created(&wire::Source { source_blob: wire::SourceUrls { get_url: url.clone(), put_url: url } }))
}

/// Like [`create`], under an app that the caller may see.
pub(crate) async fn create_of_app(call: Call) -> Answer {
    let identity = call.param("app").to_owned();
    let (store, caller) = (call.server.cx.store.clone(), call.caller.clone());
    store.read(move |tx| crate::access::app(tx, &caller, &identity).map(drop)).await?;
    create(call).await
}

/// Takes the archive; putting it again replaces it.
pub(crate) async fn put(State(server): State<Arc<Server>>, Path(permit): Path<String>, body: Body) -> Answer {
    let id: String = passport::read_valid(&server.cx.store, Purpose::Source, &permit)?;
    let at = path(&server.cx.sources, &id);
    let part = at.with_extension(format!("part-{}", identity::random()));
    let written = write(&part, body.into_data_stream()).await;
    let kept = match written {
        Ok(()) => fs::rename(&part, &at).await.map_err(|cause| failed("keep", &at, cause)),
        Err(problem) => Err(problem),
    };
    if kept.is_err() {
        // What is left is swept away later.
        drop(fs::remove_file(&part).await);
    }
    kept.map(|()| Reply::ok(&wire::Empty {}))
}

async fn write(at: &FilePath, mut body: BodyDataStream) -> Result<(), Problem> {
    let mut file = fs::File::create(at).await.map_err(|cause| failed("make", at, cause))?;
    let mut bytes = 0_u64;
    loop {
        let next = timeout(SILENCE_MAX, body.next()).await.map_err(|_| Problem::TooSlow)?;
        let Some(chunk) = next else { break };
        let broken = |_| Problem::Invalid("The upload broke off.".to_owned());
        let chunk = chunk.map_err(broken)?;
        bytes += chunk.len() as u64;
        if bytes > SOURCE_BYTES_MAX {
            return Err(Problem::TooLarge { at_most: SOURCE_BYTES_MAX });
        }
        file.write_all(&chunk).await.map_err(|cause| failed("write", at, cause))?;
    }
    file.sync_all().await.map_err(|cause| failed("write", at, cause))
}

/// The archive behind a source's URL, if it is one of ours and was put there.
pub(crate) async fn find(server: &Server, url: &str) -> Result<PathBuf, Problem> {
    let foreign = || {
        Problem::Invalid(
            "`source_blob.url` must be a `get_url` of POST /sources; other addresses are not fetched."
                .to_owned(),
        )
    };
    let (_, permit) = url.rsplit_once("/sources/").ok_or_else(foreign)?;
    let id: String =
        passport::read_valid(&server.cx.store, Purpose::Source, permit).map_err(|_| foreign())?;
    let at = path(&server.cx.sources, &id);
    match fs::try_exists(&at).await {
        Ok(true) => Ok(at),
        Ok(false) => Err(Problem::Invalid("Nothing was uploaded to this source yet.".to_owned())),
        Err(cause) => Err(failed("find", &at, cause)),
    }
}

/// Gives the archive a second name, the build's: the client may ask again for the same build.
pub(crate) async fn link(from: &FilePath, to: &FilePath) -> Result<(), Problem> {
    fs::hard_link(from, to).await.map_err(|cause| failed("link", to, cause))
}

fn path(dir: &FilePath, id: &str) -> PathBuf {
    dir.join(format!("{PREFIX}{id}.tar"))
}

/// Removes archives that nobody can use any more, whole and half ones. What cannot be removed now is next time.
async fn sweep(dir: &FilePath, now: Timestamp) {
    let Ok(mut entries) = fs::read_dir(dir).await else { return };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let is_upload = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let modified = entry.metadata().await.and_then(|metadata| metadata.modified());
        let written = modified.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        if is_upload && written.is_some_and(|at| now.since(Timestamp::default().plus(at)) > VALID * 2) {
            drop(fs::remove_file(entry.path()).await);
        }
    }
}
