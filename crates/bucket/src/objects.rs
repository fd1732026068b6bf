//! Where a bucket's objects are: the seam between S3's operations and what keeps the bytes. There are two: a
//! [folder](crate::folder) of this machine and an [outside S3](crate::outside).

use std::fmt::Debug;
use std::ops;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use http::header::{ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue};
use s3s::dto::{ETagCondition, Range, StreamingBlob, Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, S3Result};

use crate::incoming::Incoming;
use crate::index::{Page, Query};
use crate::object::Meta;
use crate::refusal::{failed, over_quota};

/// Keeps the objects of one bucket.
#[async_trait]
pub(crate) trait Objects: Debug + Send + Sync {
    /// An object, whole or in part.
    async fn get(&self, key: &str, asked: Asked) -> S3Result<Found>;
    /// What is known of an object.
    async fn head(&self, key: &str) -> S3Result<Meta>;
    /// Whether everybody may read this object; one that is not there is not everybody's.
    async fn is_public(&self, key: &str) -> S3Result<bool>;
    /// Keeps an object; what it was planned to be comes back with size and hashes.
    async fn put(&self, plan: Meta, incoming: Incoming, condition: Condition) -> S3Result<Meta>;
    /// Makes an object of another one.
    async fn copy(&self, source: &str, copying: Copying) -> S3Result<Meta>;
    /// Removes objects; one that is not there is removed already. One answer each.
    async fn remove(&self, keys: Vec<(String, Condition)>) -> S3Result<Vec<S3Result<()>>>;
    /// A page of the names.
    async fn page(&self, query: &Query<'_>) -> S3Result<Page>;
    /// Begins an upload in parts, and names it.
    async fn begin(&self, plan: Meta) -> S3Result<String>;
    /// Keeps a part; one of the same number is replaced.
    async fn put_part(&self, upload: &Upload, number: u32, incoming: Incoming) -> S3Result<Meta>;
    /// Makes a part of another object; its ETag comes back.
    async fn copy_part(&self, upload: &Upload, number: u32, source: Source) -> S3Result<String>;
    /// Joins the named parts into the object; its ETag comes back.
    async fn complete(&self, upload: &Upload, parts: Named, condition: Condition) -> S3Result<String>;
    /// Forgets an upload.
    async fn abort(&self, upload: &Upload) -> S3Result<()>;
    /// The parts of an upload behind a number, at most `max`, and whether there are more.
    async fn parts(&self, upload: &Upload, after: u32, max: usize) -> S3Result<(Vec<(u32, Part)>, bool)>;
    /// The uploads to names that begin so.
    async fn uploads(&self, prefix: &str) -> S3Result<Vec<Begun>>;
    /// How much there is.
    async fn usage(&self) -> S3Result<Held>;
    /// Removes everything that is not in the bucket's own folder. May be asked again.
    async fn clear(&self) -> S3Result<()>;
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Held {
    pub(crate) objects: u64,
    /// With those of uploads on their way.
    pub(crate) bytes: u64,
}

/// Most bytes of a bucket; all copies are one number.
#[derive(Debug, Clone)]
pub(crate) struct Limit(Arc<AtomicU64>);

impl Limit {
    pub(crate) fn new(bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(bytes)))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// Whether `more` bytes fit when `less` go. Over the limit, which a smaller plan can bring about, what grows nothing
    /// still fits.
    pub(crate) fn room(&self, used: u64, less: u64, more: u64) -> S3Result<()> {
        let max = self.bytes();
        if more > less && used.saturating_sub(less).saturating_add(more) > max {
            return Err(over_quota(used, more, max));
        }
        Ok(())
    }
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

/// What a reader wants.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) range: Option<Range>,
    /// The range is of the version with this ETag or date; of another one everything is wanted.
    pub(crate) if_range: Option<String>,
    pub(crate) conditions: Conditions,
}

/// An object on its way out.
pub(crate) struct Found {
    pub(crate) meta: Meta,
    /// Which of its bytes.
    pub(crate) range: ops::Range<u64>,
    pub(crate) body: StreamingBlob,
}

/// The conditions of a reader, in the order of RFC 9110.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) matches: Option<ETagCondition>,
    pub(crate) unmodified_since: Option<Timestamp>,
    pub(crate) differs: Option<ETagCondition>,
    pub(crate) modified_since: Option<Timestamp>,
}

/// What becomes of a copy.
#[derive(Debug)]
pub(crate) struct Copying {
    /// Its name, and what it is described as if that is not the source's.
    pub(crate) plan: Meta,
    /// It does not get the source's description.
    pub(crate) replaces: bool,
    /// Of the source.
    pub(crate) conditions: Conditions,
}

/// An upload in parts, as a client names it.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) key: String,
    /// When it does, in microseconds since the epoch.
    pub(crate) now: i64,
}

/// Parts of an upload, with the ETags that a client remembers.
pub(crate) type Named = Vec<(u32, Option<String>)>;

/// What a part is copied from.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) key: String,
    /// All of it, if there is none.
    pub(crate) range: Option<Range>,
}

/// A part that has come.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) size: u64,
    pub(crate) etag: String,
    /// Microseconds since the epoch.
    pub(crate) modified: i64,
}

/// An upload on its way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Begun {
    pub(crate) key: String,
    pub(crate) id: String,
    /// When, in microseconds since the epoch.
    pub(crate) at: i64,
}

impl Asked {
    /// The bytes that are asked for.
    pub(crate) fn range(&self, meta: &Meta) -> S3Result<ops::Range<u64>> {
        let Some(range) = self.range.filter(|_| self.is_fresh(meta)) else { return Ok(0..meta.size) };
        range.check(meta.size).map_err(|_| out_of_range(meta.size))
    }

    /// Whether a range is to be taken: not if it is to go on with another version of the object.
    pub(crate) fn is_fresh(&self, meta: &Meta) -> bool {
        let Some(known) = &self.if_range else { return true };
        if known.starts_with('"') {
            return known.trim_matches('"') == meta.etag;
        }
        Timestamp::parse(TimestampFormat::HttpDate, known).is_ok_and(|since| meta.modified_second() == since)
    }
}

impl Conditions {
    /// Refuses as a reader is refused.
    pub(crate) fn check(&self, meta: &Meta) -> S3Result<()> {
        let (holds, has_it) = self.hold(meta);
        match (holds, has_it) {
            (false, _) => Err(failed()),
            (true, true) => Err(not_modified(meta)),
            (true, false) => Ok(()),
        }
    }

    /// Whether the object is the one that is meant, and whether its reader has it already.
    fn hold(&self, meta: &Meta) -> (bool, bool) {
        let is = |condition: &ETagCondition| {
            condition.is_any() || condition.as_etag().is_some_and(|etag| etag.value() == meta.etag)
        };
        let modified = meta.modified_second();
        let holds = match (&self.matches, &self.unmodified_since) {
            (Some(matches), _) => is(matches),
            (None, Some(since)) => modified <= *since,
            (None, None) => true,
        };
        let has_it = match (&self.differs, &self.modified_since) {
            (Some(differs), _) => is(differs),
            (None, Some(since)) => modified <= *since,
            (None, None) => false,
        };
        (holds, has_it)
    }
}

impl Copying {
    /// What the copy of this object is.
    pub(crate) fn settle(self, from: Meta) -> S3Result<Meta> {
        let Self { plan, replaces, conditions } = self;
        if conditions.hold(&from) != (true, false) {
            return Err(failed());
        }
        let (headers, user) = if replaces { (plan.headers, plan.user) } else { (from.headers, from.user) };
        Ok(Meta { key: plan.key, modified: plan.modified, public: plan.public, headers, user, ..from })
    }
}

/// The answer to who has an object already.
pub(crate) fn not_modified(meta: &Meta) -> S3Error {
    let mut headers = HeaderMap::new();
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", meta.etag)) {
        headers.insert(ETAG, etag);
    }
    let mut date = Vec::new();
    if meta.modified_second().format(TimestampFormat::HttpDate, &mut date).is_ok()
        && let Ok(date) = HeaderValue::from_bytes(&date)
    {
        headers.insert(LAST_MODIFIED, date);
    }
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    error.set_headers(headers);
    error
}

/// None of the bytes asked for are there.
pub(crate) fn out_of_range(size: u64) -> S3Error {
    let message = "The requested range is not satisfiable";
    let mut error = S3Error::with_message(S3ErrorCode::InvalidRange, message);
    let mut headers = HeaderMap::new();
    headers.insert(http::header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(size) = HeaderValue::try_from(format!("bytes */{size}")) {
        headers.insert(http::header::CONTENT_RANGE, size);
    }
    error.set_headers(headers);
    error
}
