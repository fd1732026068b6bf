//! Who is logged in where: `~/.config/hokku/credentials.json`, which only its owner can read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;
const FILE: &str = "credentials.json";

/// Every login.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// The server that is meant when none is named: the one logged in to last.
    #[serde(default)]
    pub(crate) default: Option<String>,
    /// By the API's URL.
    #[serde(default)]
    pub(crate) servers: BTreeMap<String, Login>,
}

/// A login to one server.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) email: String,
    pub(crate) token: String,
    /// The authorization that the token is, so that logging out can end it.
    pub(crate) authorization: String,
    /// Certificates to trust there, in PEM; none where those of this machine are trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_pem: Option<String>,
}

/// The folder of what is kept for a user.
pub(crate) fn folder(var: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |name: &str| var(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(config.join("hokku"))
}

impl Credentials {
    /// Reads the file; who never logged in has none.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let length = match fs::metadata(&path) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("could not read {}", path.display())),
        };
        anyhow::ensure!(length <= FILE_BYTES_MAX, "{} is too large", path.display());
        let text = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| {
            format!("{} is not what `hokku login` writes; remove it and log in again", path.display())
        })
    }

    /// Writes the file in one step, so that it is never half there.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        write_private(folder, FILE, &serde_json::to_vec_pretty(self)?)
    }
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let path = folder.join(name);
    let write = || {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let next = folder.join(format!("{name}.{}.next", std::process::id()));
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&next, &path)
    };
    write().with_context(|| format!("could not write {}", path.display()))
}
