//! The S3 of somebody else in which buckets may have their objects: where it is, and the file that its keys are in. They
//! stay in that file: neither command lines nor anything that we write holds them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use bucket::{OutsideConfig, OutsideError};
use model::config_var::Secret;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::config::ServerArgs;

/// What the service of buckets is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideFile {
    /// `https://ENDPOINT/BUCKET/FOLDER`.
    url: String,
    /// What signatures are made for.
    region: String,
    /// The file with its keys.
    keys: PathBuf,
    /// When that was changed, in nanoseconds since the epoch: other keys are another S3.
    changed: i128,
}

impl OutsideFile {
    /// What the options say; none when they name no outside S3.
    pub(crate) fn of(args: &ServerArgs) -> anyhow::Result<Option<Self>> {
        let (Some(url), Some(keys)) = (&args.s3_url, &args.s3_keys) else { return Ok(None) };
        let keys = keys.canonicalize().with_context(|| format!("could not open {}", keys.display()))?;
        let known = fs::metadata(&keys).with_context(|| format!("could not read {}", keys.display()))?;
        if known.mode() & 0o077 != 0 {
            bail!("others may read the keys in {0}; take that from them: chmod 600 {0}", keys.display());
        }
        let changed = i128::from(known.mtime()) * 1_000_000_000 + i128::from(known.mtime_nsec());
        Ok(Some(Self { url: url.clone(), region: args.s3_region.clone(), keys, changed }))
    }

    /// With its keys.
    pub(crate) fn open(&self) -> anyhow::Result<OutsideConfig> {
        let (access_key, secret_key) = read(&self.keys)?;
        Ok(OutsideConfig { url: self.url.clone(), region: self.region.clone(), access_key, secret_key })
    }

    /// Refuses one that refuses us. One that is away may come back, and everything else goes on meanwhile.
    pub(crate) async fn check(&self) -> anyhow::Result<()> {
        match self.open()?.check(Arc::new(crate::clock::now)).await {
            Err(away @ OutsideError::Away { .. }) => {
                warn!("{away}; until it does, buckets that have their objects there do not work");
                Ok(())
            }
            checked => checked.context("the S3 of --s3-url cannot be used"),
        }
    }
}

/// Both keys, from lines as variables or as Amazon's own file of credentials has them.
fn read(file: &Path) -> anyhow::Result<(String, Secret)> {
    let text = fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    let value = |wanted: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        let found = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
        Some(found.1.trim().to_owned()).filter(|value| !value.is_empty())
    };
    match (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
        (Some(access_key), Some(secret_key)) => Ok((access_key, Secret::new(secret_key))),
        _ => {
            bail!("{} has to hold two lines: AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…", file.display())
        }
    }
}

#[cfg(test)]
mod tests;
