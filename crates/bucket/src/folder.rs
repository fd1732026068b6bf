//! A bucket's objects in a folder of this machine, and what is known of them in memory. Every function here blocks;
//! [`local`](crate::local) makes of it what S3's operations ask.
//!
//! ```text
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
use std::sync::{Mutex, PoisonError};

use s3s::S3Result;
use tracing::warn;

use crate::draft::{self, Ready, sync_folder};
use crate::index::{Entry, Index, OBJECTS_MAX};
use crate::object::{self, Meta};
use crate::objects::{ANY, Condition, Held, Limit};
use crate::refusal::{broken, failed, missing, too_many};
use crate::upload::Upload;

/// Names of the folder's parts.
const OBJECTS: &str = "objects";
pub(crate) const UPLOADS: &str = "uploads";
const TEMPORARY: &str = "tmp";

/// The objects of one bucket.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) dir: PathBuf,
    limit: Limit,
    /// Read at first use.
    state: Mutex<Option<State>>,
}

/// What is known of a bucket in memory.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) index: Index,
    pub(crate) uploads: BTreeMap<String, Upload>,
}

impl Folder {
    /// Opens a folder, making what is missing.
    pub(crate) fn open(dir: &Path, limit: Limit) -> io::Result<Self> {
        for part in [OBJECTS, UPLOADS, TEMPORARY] {
            fs::create_dir_all(dir.join(part))?;
        }
        draft::sweep(&dir.join(TEMPORARY))?;
        Ok(Self { dir: dir.to_owned(), limit, state: Mutex::default() })
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
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.dir.exists() => Err(missing()),
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

    /// Objects, and bytes of them and of the parts on their way.
    pub(crate) fn usage(&self) -> S3Result<Held> {
        self.with(|state| Ok(Held { objects: state.index.len() as u64, bytes: state.bytes() }))
    }

    fn place(&self, key: &str) -> PathBuf {
        let name = object::file_name(key);
        self.dir.join(OBJECTS).join(&name[..2]).join(name)
    }

    /// Whether `more` bytes fit when `less` go.
    pub(crate) fn room(&self, state: &State, less: u64, more: u64) -> S3Result<()> {
        self.limit.room(state.bytes(), less, more)
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
        Ok(Self { index, uploads: Upload::read_all(&dir.join(UPLOADS))? })
    }

    fn bytes(&self) -> u64 {
        self.index.bytes() + self.uploads.values().map(Upload::bytes).sum::<u64>()
    }
}

impl Condition {
    fn check(&self, there: Option<&Entry>) -> S3Result<()> {
        let is = |wanted: &String| there.is_some_and(|entry| wanted == ANY || **wanted == *entry.etag);
        if self.matches.is_some() && there.is_none() {
            return Err(missing());
        }
        if self.matches.as_ref().is_some_and(|wanted| !is(wanted)) || self.differs.as_ref().is_some_and(is) {
            return Err(failed());
        }
        Ok(())
    }
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
