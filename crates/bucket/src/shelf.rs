//! All buckets: which there are, and whose keys open which. Functions that change something block.

use std::collections::HashMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use model::config_var::Secret;
use s3s::S3Error;
use serde::{Deserialize, Serialize};
use tracing::error;
use uuid::Uuid;

use crate::bucket::Bucket;
use crate::draft;
use crate::folder::Folder;
use crate::index::Query;
use crate::local::Local;
use crate::objects::{Limit, Objects};
use crate::outside::{Outside, Remote};
use crate::seal::{Sealed, Sealer};

/// The file of a bucket's definition in its folder.
const DEFINITION: &str = "bucket.json";
const BUCKETS: &str = "all";
const TRASH: &str = "trash";
/// Most buckets of one server.
const BUCKETS_MAX: usize = 10_000;

/// A bucket with the keys that open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name, by S3's rules: 3 to 63 of `a-z 0-9 . -`.
    pub bucket: String,
    /// The public half of its key pair.
    pub access_key: String,
    /// The secret half.
    pub secret_key: Secret,
    /// Most bytes of all objects together.
    pub bytes_max: u64,
}

/// How much is in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Objects.
    pub objects: u64,
    /// Their bytes, with those of uploads on their way.
    pub bytes: u64,
    /// Most bytes there may be.
    pub bytes_max: u64,
}

/// Why a bucket could not be made or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShelfError {
    #[error("{0:?} cannot be a bucket's name")]
    Name(String),
    #[error("a bucket's keys must not be empty")]
    Keys,
    #[error("another bucket has this access key")]
    Taken,
    #[error("there are {BUCKETS_MAX} buckets, which is the most")]
    TooMany,
    #[error("the work was cut short")]
    Cut(#[source] tokio::task::JoinError),
    #[error("could not {doing} {}", .path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("the objects of {0} are in an outside S3, and this server was started without one (--s3-url)")]
    NoOutside(String),
    #[error("the outside S3 takes no objects of {bucket} now: {why}")]
    Away { bucket: String, why: String },
    #[error("could not remove the objects of {bucket} from the outside S3: {why}")]
    Objects { bucket: String, why: String },
    #[error("the definition of {bucket} is unreadable")]
    Sealed {
        bucket: String,
        #[source]
        cause: Sealed,
    },
}

/// The definition as it is sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    access_key: String,
    secret_key: String,
    bytes_max: u64,
    /// Its objects are in the outside S3, not in its folder. It stays so, whatever new buckets get.
    #[serde(default)]
    outside: bool,
}

/// All buckets.
pub(crate) struct Shelf {
    dir: PathBuf,
    sealer: Sealer,
    /// Where the objects of new buckets go; none: into their folders.
    outside: Option<Arc<Outside>>,
    rows: RwLock<Rows>,
}

#[derive(Default)]
struct Rows {
    buckets: HashMap<String, Arc<Bucket>>,
    /// By access key.
    keys: HashMap<String, Pair>,
}

struct Pair {
    secret: Secret,
    bucket: Arc<Bucket>,
}

impl Shelf {
    /// Opens the folder of all buckets and takes away what a killed process left.
    pub(crate) fn open(
        dir: &Path,
        sealer: Sealer,
        outside: Option<Arc<Outside>>,
    ) -> Result<Self, ShelfError> {
        let make = |path: PathBuf| {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(failed("make", &path)).map(|()| path)
        };
        let (all, trash) = (make(dir.join(BUCKETS))?, make(dir.join(TRASH))?);
        draft::sweep(&trash).map_err(failed("empty", &trash))?;
        let shelf = Self { dir: dir.to_owned(), sealer, outside, rows: RwLock::default() };
        for entry in fs::read_dir(&all).map_err(failed("read", &all))? {
            let path = entry.map_err(failed("read", &all))?.path();
            // One that cannot be read must not keep the others from serving.
            match shelf.read(&path) {
                Ok(Some((definition, bucket))) => shelf.enter(definition, bucket),
                Ok(None) => fs::remove_dir_all(&path).map_err(failed("remove", &path))?,
                Err(error) => error!(error = &error as &dyn std::error::Error, "a bucket is not served"),
            }
        }
        Ok(shelf)
    }

    /// None for a bucket whose making was cut short.
    fn read(&self, path: &Path) -> Result<Option<(Definition, Bucket)>, ShelfError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(kept) = self.kept(&name)? else { return Ok(None) };
        let bucket = self.assemble(&name, kept.bytes_max, kept.outside)?;
        let Kept { access_key, secret_key, bytes_max, outside: _ } = kept;
        Ok(Some((
            Definition { bucket: name, access_key, secret_key: Secret::new(secret_key), bytes_max },
            bucket,
        )))
    }

    /// What a bucket's folder says of it.
    fn kept(&self, name: &str) -> Result<Option<Kept>, ShelfError> {
        let file = self.path(name).join(DEFINITION);
        let sealed = match fs::read(&file) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &file)(error)),
        };
        let unreadable = |cause| ShelfError::Sealed { bucket: name.to_owned(), cause };
        let text = self.sealer.open(name, &sealed).map_err(unreadable)?;
        Ok(Some(serde_json::from_slice(&text).map_err(|_| unreadable(Sealed))?))
    }

    /// A bucket with its objects wherever they are.
    fn assemble(&self, name: &str, bytes_max: u64, is_outside: bool) -> Result<Bucket, ShelfError> {
        let (path, limit) = (self.path(name), Limit::new(bytes_max));
        let objects: Arc<dyn Objects> = match (is_outside, &self.outside) {
            (false, _) => {
                let folder = Folder::open(&path, limit.clone()).map_err(failed("open", &path))?;
                Arc::new(Local(Arc::new(folder)))
            }
            (true, Some(outside)) => Arc::new(Remote::new(Arc::clone(outside), name, limit.clone())),
            (true, None) => return Err(ShelfError::NoOutside(name.to_owned())),
        };
        Bucket::open(name, &path, limit, objects).map_err(failed("open", &path))
    }

    /// Looks whether a bucket that is not there yet has a place for its objects. Nobody is told of a bucket before.
    pub(crate) async fn check_place(&self, name: &str) -> Result<(), ShelfError> {
        let Some(outside) = self.outside.as_ref().filter(|_| self.bucket(name).is_none()) else {
            return Ok(());
        };
        let place = Remote::new(Arc::clone(outside), name, Limit::new(0));
        let looked = place.page(&Query { prefix: "", delimiter: "", after: "", max: 1 }).await;
        looked.map(drop).map_err(|error| ShelfError::Away { bucket: name.to_owned(), why: words(&error) })
    }

    /// Makes a bucket, or gives one that is there other keys and another limit.
    pub(crate) fn set(&self, definition: &Definition) -> Result<(), ShelfError> {
        let Definition { bucket: name, access_key, secret_key, bytes_max } = definition;
        if !s3s::path::check_bucket_name(name) {
            return Err(ShelfError::Name(name.clone()));
        }
        if access_key.is_empty() || secret_key.expose_secret().is_empty() {
            return Err(ShelfError::Keys);
        }
        {
            let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
            if rows.keys.get(access_key).is_some_and(|pair| pair.bucket.name != *name) {
                return Err(ShelfError::Taken);
            }
            if rows.buckets.len() >= BUCKETS_MAX && !rows.buckets.contains_key(name) {
                return Err(ShelfError::TooMany);
            }
        }
        let path = self.path(name);
        let before = self.kept(name)?;
        let is_same = |kept: &Kept| {
            let (keys, wanted) =
                ((&kept.access_key, &*kept.secret_key), (access_key, secret_key.expose_secret()));
            keys == wanted && kept.bytes_max == *bytes_max
        };
        if self.opened_by(access_key).is_some() && before.as_ref().is_some_and(is_same) {
            return Ok(());
        }
        let outside = before.map_or(self.outside.is_some(), |before| before.outside);
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(failed("make", &path))?;
        let kept = Kept {
            access_key: access_key.clone(),
            secret_key: secret_key.expose_secret().to_owned(),
            bytes_max: *bytes_max,
            outside,
        };
        let text = serde_json::to_vec(&kept).map_err(|error| failed("write", &path)(error.into()))?;
        let sealed = self.sealer.seal(name, &text);
        let sealed = sealed.map_err(|cause| ShelfError::Sealed { bucket: name.clone(), cause })?;
        let known = self.bucket(name);
        let bucket = match known {
            Some(bucket) => bucket,
            None => Arc::new(self.assemble(name, *bytes_max, kept.outside)?),
        };
        let file = path.join(DEFINITION);
        draft::replace(&file, &sealed).map_err(failed("write", &file))?;
        draft::sync_folder(&self.dir.join(BUCKETS)).map_err(failed("sync", &self.dir))?;
        bucket.limit.set(*bytes_max);
        self.enter_shared(definition.clone(), bucket);
        Ok(())
    }

    /// Removes a bucket with everything in it; one that is not there is removed already.
    pub(crate) async fn discard(shelf: &Arc<Self>, name: &str) -> Result<(), ShelfError> {
        if !s3s::path::check_bucket_name(name) {
            return Err(ShelfError::Name(name.to_owned()));
        }
        // From here on nobody gets in. Its definition stays until its objects are gone, wherever they are.
        {
            let mut rows = shelf.rows.write().unwrap_or_else(PoisonError::into_inner);
            rows.keys.retain(|_, pair| pair.bucket.name != name);
        }
        match shelf.bucket(name) {
            Some(bucket) => {
                let gone = bucket.objects.clear().await;
                gone.map_err(|error| ShelfError::Objects { bucket: name.to_owned(), why: words(&error) })?;
            }
            None if shelf.kept(name).is_ok_and(|kept| kept.is_some_and(|it| it.outside)) => {
                return Err(ShelfError::NoOutside(name.to_owned()));
            }
            None => {}
        }
        let (shelf, name) = (Arc::clone(shelf), name.to_owned());
        let removed = tokio::task::spawn_blocking(move || shelf.remove(&name)).await;
        removed.unwrap_or_else(|cut| Err(ShelfError::Cut(cut)))
    }

    fn remove(&self, name: &str) -> Result<(), ShelfError> {
        {
            let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
            rows.buckets.remove(name);
            rows.keys.retain(|_, pair| pair.bucket.name != name);
        }
        let (path, trash) = (self.path(name), self.dir.join(TRASH).join(Uuid::new_v4().to_string()));
        match fs::rename(&path, &trash) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("remove", &path)(error)),
        }
        draft::sync_folder(&self.dir.join(BUCKETS)).map_err(failed("sync", &self.dir))?;
        fs::remove_dir_all(&trash).map_err(failed("remove", &trash))
    }

    /// The bucket of this name.
    pub(crate) fn bucket(&self, name: &str) -> Option<Arc<Bucket>> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).buckets.get(name).cloned()
    }

    /// The bucket that this access key opens, and the secret that goes with it.
    pub(crate) fn opened_by(&self, access_key: &str) -> Option<(Secret, Arc<Bucket>)> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.keys.get(access_key).map(|pair| (pair.secret.clone(), Arc::clone(&pair.bucket)))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(BUCKETS).join(name)
    }

    fn enter(&self, definition: Definition, bucket: Bucket) {
        self.enter_shared(definition, Arc::new(bucket));
    }

    fn enter_shared(&self, definition: Definition, bucket: Arc<Bucket>) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        rows.keys.retain(|_, pair| pair.bucket.name != bucket.name);
        let pair = Pair { secret: definition.secret_key, bucket: Arc::clone(&bucket) };
        rows.keys.insert(definition.access_key, pair);
        rows.buckets.insert(bucket.name.clone(), bucket);
    }
}

fn words(error: &S3Error) -> String {
    error.message().unwrap_or(error.code().as_str()).to_owned()
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ShelfError {
    move |cause| ShelfError::Io { doing, path: path.to_owned(), cause }
}
