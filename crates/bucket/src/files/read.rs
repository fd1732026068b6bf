//! Objects on their way out: whole or a range, under conditions.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT_RANGES, ETAG, IF_RANGE, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::dto::{
    ChecksumMode, ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    Range, StreamingBlob, Timestamp, TimestampFormat,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::{blocking, signed, timestamp};
use crate::bucket::{Bucket, failed};
use crate::object::Meta;
use crate::refusal::broken;

/// Bytes read at a time; an object that is smaller is read with its description.
const CHUNK_BYTES: usize = 256 * 1024;
/// What an object is without a type of its own, as S3's.
const NO_TYPE: &str = "binary/octet-stream";

/// The conditions of a request, in the order of RFC 9110.
struct Conditions {
    matches: Option<ETagCondition>,
    unmodified_since: Option<Timestamp>,
    differs: Option<ETagCondition>,
    modified_since: Option<Timestamp>,
}

impl Conditions {
    fn check(&self, meta: &Meta) -> S3Result<()> {
        let is = |condition: &ETagCondition| match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(etag) => etag.value() == meta.etag,
        };
        // HTTP's dates have no parts of seconds.
        let modified = timestamp(meta.modified / 1_000_000 * 1_000_000);
        let holds = match (&self.matches, &self.unmodified_since) {
            (Some(matches), _) => is(matches),
            (None, Some(since)) => modified <= *since,
            (None, None) => true,
        };
        if !holds {
            return Err(failed());
        }
        let has_it = match (&self.differs, &self.modified_since) {
            (Some(differs), _) => is(differs),
            (None, Some(since)) => modified <= *since,
            (None, None) => false,
        };
        if has_it { Err(not_modified(meta)) } else { Ok(()) }
    }
}

fn not_modified(meta: &Meta) -> S3Error {
    let mut headers = HeaderMap::new();
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", meta.etag)) {
        headers.insert(ETAG, etag);
    }
    let mut date = Vec::new();
    if timestamp(meta.modified).format(TimestampFormat::HttpDate, &mut date).is_ok()
        && let Ok(date) = HeaderValue::from_bytes(&date)
    {
        headers.insert(LAST_MODIFIED, date);
    }
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    error.set_headers(headers);
    error
}

/// Fills what both answers have in common from what is known of the object.
macro_rules! described {
    ($output:ident, $meta:ident, $sums:expr) => {
        $output {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: $meta.headers.cache_control,
            content_disposition: $meta.headers.content_disposition,
            content_encoding: $meta.headers.content_encoding,
            content_language: $meta.headers.content_language,
            content_type: Some($meta.headers.content_type.unwrap_or_else(|| NO_TYPE.to_owned())),
            e_tag: Some(ETag::Strong($meta.etag)),
            expires: $meta
                .headers
                .expires
                .and_then(|it| Timestamp::parse(TimestampFormat::HttpDate, &it).ok()),
            last_modified: Some(timestamp($meta.modified)),
            metadata: (!$meta.user.is_empty()).then(|| $meta.user.into_iter().collect()),
            checksum_crc32: $meta.sums.crc32.filter(|_| $sums),
            checksum_crc32c: $meta.sums.crc32c.filter(|_| $sums),
            checksum_crc64nvme: $meta.sums.crc64nvme.filter(|_| $sums),
            checksum_sha1: $meta.sums.sha1.filter(|_| $sums),
            checksum_sha256: $meta.sums.sha256.filter(|_| $sums),
            ..$output::default()
        }
    };
}

fn wants_sums(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

pub(super) async fn head(bucket: &Arc<Bucket>, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
    let (bucket, key) = (Arc::clone(bucket), input.key);
    let (_, meta) = blocking(move || bucket.find(&key)).await?;
    let conditions = Conditions {
        matches: input.if_match,
        unmodified_since: input.if_unmodified_since,
        differs: input.if_none_match,
        modified_since: input.if_modified_since,
    };
    conditions.check(&meta)?;
    let size = meta.size;
    let sums = wants_sums(input.checksum_mode.as_ref());
    let output = described!(HeadObjectOutput, meta, sums);
    Ok(HeadObjectOutput { content_length: Some(signed(size)), ..output })
}

pub(super) async fn get(
    bucket: &Arc<Bucket>,
    asked: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let (bucket, input, headers) = (Arc::clone(bucket), asked.input, asked.headers);
    let conditions = Conditions {
        matches: input.if_match,
        unmodified_since: input.if_unmodified_since,
        differs: input.if_none_match,
        modified_since: input.if_modified_since,
    };
    let (key, asked_range) = (input.key, input.range);
    let (file, meta, range, first) = blocking(move || {
        let (file, meta) = bucket.find(&key)?;
        conditions.check(&meta)?;
        let range = wanted(asked_range.filter(|_| is_fresh(&headers, &meta)), &meta)?;
        let first = read_chunk(&file, &range).map_err(broken("read an object"))?;
        Ok((file, meta, range, first))
    })
    .await?;
    let whole = range == (0..meta.size);
    let sums = whole && wants_sums(input.checksum_mode.as_ref());
    let content_range = asked_range
        .filter(|_| !whole)
        .map(|_| format!("bytes {}-{}/{}", range.start, range.end - 1, meta.size));
    let status = content_range.is_some().then_some(StatusCode::PARTIAL_CONTENT);
    let output = described!(GetObjectOutput, meta, sums);
    let output = GetObjectOutput {
        content_length: Some(signed(range.end - range.start)),
        content_range,
        body: Some(body(file, range, first)),
        ..output
    };
    Ok(S3Response { status, ..S3Response::new(output) })
}

/// Whether a range is to be taken: not if it is to go on with another version of the object.
fn is_fresh(headers: &HeaderMap, meta: &Meta) -> bool {
    let Some(known) = headers.get(IF_RANGE).and_then(|it| it.to_str().ok()) else { return true };
    if known.starts_with('"') {
        return known.trim_matches('"') == meta.etag;
    }
    let modified = timestamp(meta.modified / 1_000_000 * 1_000_000);
    Timestamp::parse(TimestampFormat::HttpDate, known).is_ok_and(|since| modified == since)
}

/// The bytes that are asked for.
fn wanted(range: Option<Range>, meta: &Meta) -> S3Result<std::ops::Range<u64>> {
    let Some(range) = range else { return Ok(0..meta.size) };
    range.check(meta.size).map_err(|_| {
        let message = "The requested range is not satisfiable";
        let mut error = S3Error::with_message(S3ErrorCode::InvalidRange, message);
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Ok(size) = HeaderValue::try_from(format!("bytes */{}", meta.size)) {
            headers.insert(http::header::CONTENT_RANGE, size);
        }
        error.set_headers(headers);
        error
    })
}

fn read_chunk(file: &File, range: &std::ops::Range<u64>) -> io::Result<Bytes> {
    let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX).min(CHUNK_BYTES);
    let mut chunk = vec![0; length];
    file.read_exact_at(&mut chunk, range.start)?;
    Ok(chunk.into())
}

/// The bytes of a range, of which the first are read already. The open file is this version of the object, whatever
/// happens to its name meanwhile.
fn body(file: File, range: std::ops::Range<u64>, first: Bytes) -> StreamingBlob {
    let rest = range.start + first.len() as u64..range.end;
    if rest.is_empty() {
        return StreamingBlob::from(s3s::Body::from(first));
    }
    let start = (Arc::new(file), rest, Some(first));
    StreamingBlob::wrap(stream::try_unfold(start, |(file, rest, first)| async move {
        if let Some(first) = first {
            return Ok::<_, io::Error>(Some((first, (file, rest, None))));
        }
        if rest.is_empty() {
            return Ok(None);
        }
        let (shared, wanted) = (Arc::clone(&file), rest.clone());
        let read = tokio::task::spawn_blocking(move || read_chunk(&shared, &wanted)).await;
        let chunk = read.map_err(io::Error::other)??;
        let rest = rest.start + chunk.len() as u64..rest.end;
        Ok(Some((chunk, (file, rest, None))))
    }))
}
