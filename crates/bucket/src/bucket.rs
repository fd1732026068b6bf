//! One bucket: where its objects are, and what its own folder holds besides them.
//!
//! ```text
//!  bucket.json        its keys and limit, sealed; where its objects are        (shelf)
//!  cors.json          who else's pages may read it
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use s3s::S3Result;

use crate::cors::Rule;
use crate::draft;
use crate::objects::{Limit, Objects};
use crate::refusal::broken;

const CORS: &str = "cors.json";

/// One bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) limit: Limit,
    file: PathBuf,
    rules: RwLock<Vec<Rule>>,
}

impl Bucket {
    /// A bucket with a folder that is there.
    pub(crate) fn open(name: &str, dir: &Path, limit: Limit, objects: Arc<dyn Objects>) -> io::Result<Self> {
        let file = dir.join(CORS);
        let rules = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { name: name.to_owned(), objects, limit, file, rules: RwLock::new(rules) })
    }

    /// The rules for other sites' pages.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces them; blocks.
    pub(crate) fn set_rules(&self, rules: Vec<Rule>) -> S3Result<()> {
        let text = serde_json::to_vec(&rules).map_err(|error| broken("write CORS rules")(error.into()))?;
        let mut present = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        draft::replace(&self.file, &text).map_err(broken("write CORS rules"))?;
        *present = rules;
        Ok(())
    }
}
