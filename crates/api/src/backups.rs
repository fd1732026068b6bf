//! Downloads of backups: an address that is its own permission for an hour, and the bytes behind it.

use std::io::ErrorKind;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use model::id::TransferId;
use model::transfer::{PUBLIC_URL_VALID, Transfer, TransferKind};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use crate::Server;
use crate::call::Call;
use crate::error::Problem;
use crate::passport::{self, Purpose};
use crate::reply::{Answer, Reply};
use crate::transfers::{self, time};

/// Read and sent at a time, in bytes.
const CHUNK_BYTES: usize = 256 << 10;
const PATH: &str = "/backups/";

/// A backup's file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("could not read the backup {id}")]
struct ReadError {
    id: TransferId,
    #[source]
    cause: std::io::Error,
}

/// Gives an address at which everybody can download the backup for an hour. It is always one of TLS: the official CLI
/// downloads from no other.
pub(crate) async fn public_url(call: Call) -> Answer {
    call.read(|tx, call| {
        let transfer = transfers::find(tx, call)?;
        if !transfer.is_kept_backup() {
            let name = transfer.name();
            return Err(Problem::Invalid(match transfer.kind {
                TransferKind::Backup => format!("{name} is not complete: there is nothing to download."),
                _ => format!("{name} is no backup: there is nothing to download."),
            }));
        }
        let ends = tx.now().plus(PUBLIC_URL_VALID);
        let cx = &call.server.cx;
        let permit = passport::issue(&cx.store, Purpose::Backup, &transfer.id.to_string(), ends);
        let url = cx.site.api_url(&format!("{PATH}{permit}"));
        Ok(Reply::created(&wire::PublicUrl { expires_at: time(ends), url }))
    })
    .await
}

/// The backup that a path permits; none when it is another path.
pub(crate) fn of_permit(call: &Call, path: &str) -> Result<Option<TransferId>, Problem> {
    let Some(permit) = path.strip_prefix(PATH) else { return Ok(None) };
    let id: String = passport::read_valid(&call.server.cx.store, Purpose::Backup, permit)?;
    Ok(id.parse().ok())
}

/// Sends the file, with its length, so that who downloads sees how far it is and whether it is whole.
pub(crate) async fn download(
    State(server): State<Arc<Server>>,
    Path(permit): Path<String>,
) -> Result<Response, Problem> {
    let cx = &server.cx;
    let missing = Problem::NotFound { resource: "backup" };
    let id: String = passport::read_valid(&cx.store, Purpose::Backup, &permit)?;
    let id: TransferId = id.parse().map_err(|_| Problem::Expired)?;
    let found = cx.store.read(move |tx| tx.transfer(id)).await?;
    let backup = found.filter(Transfer::is_kept_backup).ok_or_else(|| missing.clone())?;
    let failed = |cause| Problem::internal(ReadError { id, cause });
    let file = match File::open(cx.backups.join(Transfer::file_name(id))).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(missing),
        opened => opened.map_err(failed)?,
    };
    let bytes = file.metadata().await.map_err(failed)?.len();
    let mut response = Response::new(Body::from_stream(ReaderStream::with_capacity(file, CHUNK_BYTES)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{}.dump\"", backup.name())) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
