//! The last published table on disk, so that a router started alone serves at once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::table::Table;

/// Largest table file read back; a table of 10,000 hosts with a certificate each is about 40 MB.
pub(crate) const TABLE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The saved table could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SavedError {
    /// An operation on the file failed.
    #[error("could not {what} the saved routing table {at}")]
    File {
        what: &'static str,
        at: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// The file is no table.
    #[error("the saved routing table {at} is not understood; remove it to start with an empty one")]
    Content {
        at: PathBuf,
        #[source]
        cause: serde_json::Error,
    },
}

/// The saved table, if there is one.
pub(crate) fn load(at: &Path) -> Result<Option<Table>, SavedError> {
    let error = |what| move |cause| SavedError::File { what, at: at.to_path_buf(), cause };
    let file = match File::open(at) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(error("open")(cause)),
    };
    let mut text = Vec::new();
    file.take(TABLE_BYTES_MAX).read_to_end(&mut text).map_err(error("read"))?;
    let table = serde_json::from_slice(&text);
    table.map(Some).map_err(|cause| SavedError::Content { at: at.to_path_buf(), cause })
}

/// Replaces the saved table at once and for good. Only the owner may read it: it holds private keys.
pub(crate) fn save(at: &Path, table: &Table) -> Result<(), SavedError> {
    let error = |what| move |cause| SavedError::File { what, at: at.to_path_buf(), cause };
    let content = |cause| SavedError::Content { at: at.to_path_buf(), cause };
    let text = serde_json::to_vec(table).map_err(content)?;
    let new = at.with_extension("new");
    let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).to_owned();
    let mut file = options.open(&new).map_err(error("create"))?;
    file.write_all(&text).map_err(error("write"))?;
    file.sync_data().map_err(error("sync"))?;
    fs::rename(&new, at).map_err(error("replace"))
}
