//! One bucket: its folder, and what is known of it in memory. Every function here blocks.
//!
//! ```text
//!  bucket.json        its keys and limit, sealed        (shelf)
//!  cors.json          who else's pages may read it
//!  objects/ab/abcd…   one file per object               (object)
//!  uploads/ID/        one folder per multipart upload   (upload)
//!  tmp/               what is on its way; emptied at start
//! ```
//! The index is read from the objects' own files when the bucket is first used after a start; there is no second
//! truth. Objects change by a rename and a change of the index under one lock, in this order.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use s3s::{S3Error, S3ErrorCode, S3Result};
use tracing::warn;

use crate::cors::Rule;
use crate::draft::{self, Ready, sync_folder};
use crate::index::{Entry, Index, OBJECTS_MAX, Page, Query};
use crate::object::{self, Meta};
use crate::refusal::{broken, over_quota, too_many};
use crate::upload::Upload;

/// Names of the folder's parts.
const OBJECTS: &str = "objects";
pub(crate) const UPLOADS: &str = "uploads";
const TEMPORARY: &str = "tmp";
const CORS: &str = "cors.json";
/// Longest name of an object, in bytes, as S3's.
pub(crate) const KEY_BYTES_MAX: usize = 1024;

/// One bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    bytes_max: AtomicU64,
    /// Read at first use.
    state: Mutex<Option<State>>,
}

/// What is known of a bucket in memory.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) index: Index,
    pub(crate) uploads: BTreeMap<String, Upload>,
    pub(crate) cors: Vec<Rule>,
}

/// What has to hold of an object for a change of it to happen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Condition {
    /// It is there with this ETag; with any, if `*`.
    pub(crate) matches: Option<String>,
    /// It is not there with this ETag; not at all, if `*`.
    pub(crate) differs: Option<String>,
}

/// What a condition is of any object.
pub(crate) const ANY: &str = "*";

impl Bucket {
    /// Opens a bucket's folder, making what is missing.
    pub(crate) fn open(name: &str, dir: &Path, bytes_max: u64) -> io::Result<Self> {
        for part in [OBJECTS, UPLOADS, TEMPORARY] {
            fs::create_dir_all(dir.join(part))?;
        }
        draft::sweep(&dir.join(TEMPORARY))?;
        Ok(Self {
            name: name.to_owned(),
            dir: dir.to_owned(),
            bytes_max: AtomicU64::new(bytes_max),
            state: Mutex::default(),
        })
    }

    /// Gives it another limit.
    pub(crate) fn limit(&self, bytes_max: u64) {
        self.bytes_max.store(bytes_max, Ordering::Relaxed);
    }

    /// Where drafts are written.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.dir.join(TEMPORARY)
    }

    /// Looks at, or changes, what is known.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> S3Result<T>) -> S3Result<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = match &mut *state {
            Some(state) => state,
            empty => empty.insert(State::read(&self.dir).map_err(broken("read a bucket"))?),
        };
        act(state)
    }

    /// The object's file and what is known of it.
    pub(crate) fn find(&self, key: &str) -> S3Result<(File, Meta)> {
        match File::open(self.place(key)) {
            Ok(file) => {
                let meta = object::read(&file).map_err(broken("read an object"))?;
                Ok((file, meta))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.dir.exists() => {
                Err(S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist."))
            }
            Err(error) => Err(broken("open an object")(error)),
        }
    }

    /// Whether everybody may read this object.
    pub(crate) fn is_public(&self, key: &str) -> S3Result<bool> {
        self.with(|state| Ok(state.index.get(key).is_some_and(|entry| entry.public)))
    }

    /// Refuses what cannot fit in place of this object, before more of it is taken.
    pub(crate) fn check_room(&self, key: &str, more: u64) -> S3Result<()> {
        self.with(|state| self.room(state, state.index.get(key).map_or(0, |entry| entry.size), more))
    }

    /// Puts an object in its place.
    pub(crate) fn put(&self, ready: Ready, meta: &Meta, condition: &Condition) -> S3Result<()> {
        let place = self.place(&meta.key);
        let folder = place.parent().unwrap_or(&self.dir);
        self.with(|state| {
            let there = state.index.get(&meta.key);
            condition.check(there)?;
            if there.is_none() && state.index.len() >= OBJECTS_MAX {
                return Err(too_many("objects", OBJECTS_MAX));
            }
            self.room(state, there.map_or(0, |entry| entry.size), meta.size)?;
            make_folder(folder)
                .and_then(|()| ready.put(&place))
                .map_err(broken("put an object in its place"))?;
            state.index.insert(&meta.key, entry(meta));
            Ok(())
        })?;
        sync_folder(folder).map_err(broken("make an object last"))
    }

    /// Removes an object; one that is not there is removed already.
    pub(crate) fn remove(&self, key: &str, condition: &Condition) -> S3Result<()> {
        self.with(|state| {
            if condition.matches.is_some() {
                condition.check(state.index.get(key))?;
            }
            match fs::remove_file(self.place(key)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(broken("remove an object")(error));
                }
                _ => state.index.remove(key),
            }
            Ok(())
        })
    }

    /// A page of its names.
    pub(crate) fn page(&self, query: &Query<'_>) -> S3Result<Page> {
        self.with(|state| Ok(state.index.page(query)))
    }

    /// Objects, and bytes of them and of the parts on their way.
    pub(crate) fn usage(&self) -> S3Result<(u64, u64)> {
        self.with(|state| Ok((state.index.len() as u64, state.bytes())))
    }

    /// Replaces the rules for other sites' pages.
    pub(crate) fn set_cors(&self, rules: Vec<Rule>) -> S3Result<()> {
        let text = serde_json::to_vec(&rules).map_err(|error| broken("write CORS rules")(error.into()))?;
        self.with(|state| {
            draft::replace(&self.dir.join(CORS), &text).map_err(broken("write CORS rules"))?;
            state.cors = rules;
            Ok(())
        })
    }

    fn place(&self, key: &str) -> PathBuf {
        let name = object::file_name(key);
        self.dir.join(OBJECTS).join(&name[..2]).join(name)
    }

    /// Whether `more` bytes fit when `less` go.
    pub(crate) fn room(&self, state: &State, less: u64, more: u64) -> S3Result<()> {
        let (used, max) = (state.bytes(), self.bytes_max.load(Ordering::Relaxed));
        if used.saturating_sub(less).saturating_add(more) > max {
            return Err(over_quota(used, more, max));
        }
        Ok(())
    }
}

impl State {
    /// Reads what the folder holds.
    fn read(dir: &Path) -> io::Result<Self> {
        let mut index = Index::default();
        for folder in fs::read_dir(dir.join(OBJECTS))? {
            for file in fs::read_dir(folder?.path())? {
                let path = file?.path();
                match File::open(&path).and_then(|file| object::read(&file)) {
                    Ok(meta) => index.insert(&meta.key, entry(&meta)),
                    Err(error) => {
                        warn!(error = &error as &dyn std::error::Error, "{} is skipped", path.display())
                    }
                }
            }
        }
        let cors = match fs::read(dir.join(CORS)) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { index, uploads: Upload::read_all(&dir.join(UPLOADS))?, cors })
    }

    fn bytes(&self) -> u64 {
        self.index.bytes() + self.uploads.values().map(Upload::bytes).sum::<u64>()
    }
}

impl Condition {
    fn check(&self, there: Option<&Entry>) -> S3Result<()> {
        let is = |wanted: &String| there.is_some_and(|entry| wanted == ANY || **wanted == *entry.etag);
        let missing = self.matches.is_some() && there.is_none();
        if missing {
            return Err(S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist."));
        }
        if self.matches.as_ref().is_some_and(|wanted| !is(wanted)) || self.differs.as_ref().is_some_and(is) {
            return Err(failed());
        }
        Ok(())
    }
}

/// A condition does not hold.
pub(crate) fn failed() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold",
    )
}

fn entry(meta: &Meta) -> Entry {
    Entry { size: meta.size, etag: meta.etag.as_str().into(), modified: meta.modified, public: meta.public }
}

fn make_folder(dir: &Path) -> io::Result<()> {
    match fs::create_dir(dir) {
        Ok(()) => dir.parent().map_or(Ok(()), sync_folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
