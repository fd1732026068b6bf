//! Multipart uploads: parts as files, joined when the upload is completed. Every function here blocks.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use s3s::crypto::{Checksum as _, Md5};
use s3s::{S3Error, S3ErrorCode, S3Result};
use tracing::warn;

use crate::draft::{self, Received, sync_folder};
use crate::folder::{Folder, UPLOADS};
use crate::object::{self, Meta, hex};
use crate::objects::{Condition, Part};
use crate::refusal::{broken, too_many};

/// Smallest part but the last, in bytes, as S3's.
const PART_BYTES_MIN: u64 = 5 << 20;
/// Highest number of a part, as S3's.
pub(crate) const PARTS_MAX: u32 = 10_000;
/// Most uploads of one bucket at a time.
const UPLOADS_MAX: usize = 1000;
/// How long an upload that nobody completes is kept, in microseconds: a week.
const KEPT_MICROS: i64 = 7 * 24 * 3600 * 1_000_000;
/// What the object will be; beside it `1.part`, `2.part`, …
const PLAN: &str = "upload.json";
const PART: &str = "part";

/// An upload on its way.
#[derive(Debug)]
pub(crate) struct Upload {
    /// What the object will be; `modified` is when the upload was begun.
    pub(crate) plan: Meta,
    pub(crate) parts: BTreeMap<u32, Part>,
}

impl Upload {
    /// Bytes of its parts.
    pub(crate) fn bytes(&self) -> u64 {
        self.parts.values().map(|part| part.size).sum()
    }

    /// The uploads that a folder holds.
    pub(crate) fn read_all(dir: &Path) -> io::Result<BTreeMap<String, Self>> {
        let mut uploads = BTreeMap::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            match Self::read(&entry.path()) {
                Ok(upload) => drop(uploads.insert(entry.file_name().to_string_lossy().into_owned(), upload)),
                // Its begin, or its end, was cut short.
                Err(error) if error.kind() == io::ErrorKind::NotFound => fs::remove_dir_all(entry.path())?,
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "{} is skipped", entry.path().display());
                }
            }
        }
        Ok(uploads)
    }

    fn read(dir: &Path) -> io::Result<Self> {
        let plan: Meta = serde_json::from_slice(&fs::read(dir.join(PLAN))?)?;
        let mut parts = BTreeMap::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            let (Some(number), true) = (number, path.extension().is_some_and(|it| it == PART)) else {
                continue;
            };
            let meta = object::read(&File::open(&path)?)?;
            parts.insert(number, Part { size: meta.size, etag: meta.etag, modified: meta.modified });
        }
        Ok(Self { plan, parts })
    }
}

impl Folder {
    /// Begins an upload; `id` is new.
    pub(crate) fn begin_upload(&self, id: &str, plan: Meta) -> S3Result<()> {
        let dir = self.upload(id);
        self.with(|state| {
            let stale: Vec<String> = state
                .uploads
                .iter()
                .filter(|(_, upload)| plan.modified - upload.plan.modified > KEPT_MICROS)
                .map(|(id, _)| id.clone())
                .collect();
            for id in stale {
                fs::remove_dir_all(self.upload(&id)).map_err(broken("remove an old upload"))?;
                state.uploads.remove(&id);
            }
            if state.uploads.len() >= UPLOADS_MAX {
                return Err(too_many("uploads", UPLOADS_MAX));
            }
            let text = serde_json::to_vec(&plan).map_err(|error| broken("begin an upload")(error.into()))?;
            let begun = fs::create_dir(&dir).and_then(|()| draft::replace(&dir.join(PLAN), &text));
            begun.and_then(|()| sync_folder(&self.dir.join(UPLOADS))).map_err(broken("begin an upload"))?;
            state.uploads.insert(id.to_owned(), Upload { plan, parts: BTreeMap::new() });
            Ok(())
        })
    }

    /// Keeps a part; one of the same number is replaced.
    pub(crate) fn put_part(
        &self,
        id: &str,
        key: &str,
        number: u32,
        received: Received,
        meta: &Meta,
    ) -> S3Result<()> {
        let dir = self.upload(id);
        let ready = received.describe(meta).map_err(broken("write a part"))?;
        self.with(|state| {
            let there = upload_of(&state.uploads, id, key)?.parts.get(&number).map_or(0, |part| part.size);
            self.room(state, there, meta.size)?;
            ready.put(&dir.join(format!("{number}.{PART}"))).map_err(broken("keep a part"))?;
            let part = Part { size: meta.size, etag: meta.etag.clone(), modified: meta.modified };
            if let Some(upload) = state.uploads.get_mut(id) {
                upload.parts.insert(number, part);
            }
            Ok(())
        })?;
        sync_folder(&dir).map_err(broken("make a part last"))
    }

    /// Joins the named parts into the object. `now` is in microseconds since the epoch.
    pub(crate) fn complete(
        &self,
        id: &str,
        key: &str,
        named: &[(u32, Option<String>)],
        condition: &Condition,
        now: i64,
    ) -> S3Result<Meta> {
        let (plan, parts) = self.with(|state| {
            let upload = upload_of(&state.uploads, id, key)?;
            Ok((upload.plan.clone(), chosen(upload, named)?))
        })?;
        let dir = self.upload(id);
        let files = parts.iter().map(|(number, part)| {
            File::open(dir.join(format!("{number}.{PART}"))).map(|file| (file, part.size))
        });
        let whole = Received::joined(&self.temporary(), files).map_err(broken("join parts"))?;
        let meta = Meta { size: whole.size, etag: joint_etag(&parts), modified: now, ..plan };
        let ready = whole.describe(&meta).map_err(broken("join parts"))?;
        // Its parts no longer count from here on; they are the object's bytes. A kill before the end lets the client
        // complete it once more.
        let upload = self.with(|state| Ok(state.uploads.remove(id)))?;
        let put = self.put(ready, &meta, condition);
        match (put, upload) {
            (Err(refused), Some(upload)) => {
                self.with(|state| {
                    state.uploads.insert(id.to_owned(), upload);
                    Ok(())
                })?;
                Err(refused)
            }
            (Err(refused), None) => Err(refused),
            (Ok(()), _) => {
                fs::remove_dir_all(&dir).map_err(broken("remove the parts of a complete upload"))?;
                Ok(meta)
            }
        }
    }

    /// Forgets an upload.
    pub(crate) fn abort(&self, id: &str, key: &str) -> S3Result<()> {
        self.with(|state| {
            upload_of(&state.uploads, id, key)?;
            fs::remove_dir_all(self.upload(id)).map_err(broken("abort an upload"))?;
            state.uploads.remove(id);
            Ok(())
        })
    }

    fn upload(&self, id: &str) -> PathBuf {
        self.dir.join(UPLOADS).join(id)
    }
}

/// The upload with this id, if it is for this key. Only ids that are known are ever made into paths.
pub(crate) fn upload_of<'a>(
    uploads: &'a BTreeMap<String, Upload>,
    id: &str,
    key: &str,
) -> S3Result<&'a Upload> {
    uploads.get(id).filter(|upload| upload.plan.key == key).ok_or_else(|| {
        S3Error::with_message(
            S3ErrorCode::NoSuchUpload,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted \
             or completed.",
        )
    })
}

/// The parts that a client names, if they are there, in order and large enough.
fn chosen(upload: &Upload, named: &[(u32, Option<String>)]) -> S3Result<Vec<(u32, Part)>> {
    let mut parts: Vec<(u32, Part)> = Vec::new();
    for (number, etag) in named {
        if parts.last().is_some_and(|(before, _)| before >= number) {
            return Err(S3Error::with_message(
                S3ErrorCode::InvalidPartOrder,
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
            ));
        }
        let part =
            upload.parts.get(number).filter(|part| etag.as_ref().is_none_or(|etag| *etag == part.etag));
        let part = part.ok_or_else(|| {
            S3Error::with_message(
                S3ErrorCode::InvalidPart,
                "One or more of the specified parts could not be found. The part may not have been uploaded, or the \
                 specified entity tag may not match the part's entity tag.",
            )
        })?;
        parts.push((*number, part.clone()));
    }
    let (_, but_last) = parts.split_last().ok_or_else(|| {
        S3Error::with_message(S3ErrorCode::MalformedXML, "An upload is completed with at least one part.")
    })?;
    if but_last.iter().any(|(_, part)| part.size < PART_BYTES_MIN) {
        return Err(S3Error::with_message(
            S3ErrorCode::EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size",
        ));
    }
    Ok(parts)
}

/// The MD5 of the parts' MD5s, with their number.
fn joint_etag(parts: &[(u32, Part)]) -> String {
    let mut md5 = Md5::new();
    for (_, part) in parts {
        let digits: Vec<char> = part.etag.chars().collect();
        let bytes = digits.chunks(2).filter_map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).ok());
        md5.update(&bytes.collect::<Vec<u8>>());
    }
    format!("{}-{}", hex(&md5.finalize()), parts.len())
}
