//! Objects on their way in, copies and removals.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use http::HeaderMap;
use s3s::dto::{
    ChecksumAlgorithm, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, DeleteObjectInput,
    DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag, ETagCondition,
    Error as DeleteError, MetadataDirective, ObjectCannedACL, PutObjectInput, PutObjectOutput, StreamingBlob,
    Timestamp, TimestampFormat,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, TrailingHeaders};

use super::{blocking, timestamp};
use crate::bucket::{ANY, Bucket, Condition, KEY_BYTES_MAX, failed};
use crate::draft::{Draft, Received, Wanted};
use crate::object::{Headers, Meta, Sums};
use crate::refusal::broken;
use crate::upload::hex;

/// Longest silence of a client in the middle of an upload.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How much of a refused upload is read on, and for how long, so that its client gets to see why.
const DRAINED_BYTES_MAX: u64 = 16 << 20;
const DRAIN_WITHIN: Duration = Duration::from_secs(5);
/// Largest object in one request, in bytes, as S3's; larger ones come in parts.
const PUT_BYTES_MAX: u64 = 5 << 30;

/// What a client says of the bytes it sends.
#[derive(Default)]
pub(super) struct Expected {
    pub(super) length: Option<i64>,
    pub(super) md5: Option<String>,
    pub(super) algorithm: Option<ChecksumAlgorithm>,
    pub(super) sums: Sums,
    pub(super) trailers: Option<TrailingHeaders>,
}

/// The checksums that a request's headers give.
macro_rules! sums_of {
    ($input:expr) => {
        $crate::object::Sums {
            crc32: $input.checksum_crc32.clone(),
            crc32c: $input.checksum_crc32c.clone(),
            crc64nvme: $input.checksum_crc64nvme.clone(),
            sha1: $input.checksum_sha1.clone(),
            sha256: $input.checksum_sha256.clone(),
        }
    };
}
pub(super) use sums_of;

/// What is kept of an object as its uploader described it; the hashes come later.
macro_rules! plan_of {
    ($input:expr, $now:expr) => {
        $crate::object::Meta {
            key: $crate::files::write::checked_key(&$input.key)?,
            modified: $now,
            public: $crate::files::write::is_public($input.acl.as_ref())?,
            headers: $crate::object::Headers {
                content_type: $input.content_type.clone(),
                content_encoding: $crate::files::write::own_encoding($input.content_encoding.clone()),
                content_disposition: $input.content_disposition.clone(),
                content_language: $input.content_language.clone(),
                cache_control: $input.cache_control.clone(),
                expires: $input.expires.as_ref().and_then($crate::files::write::http_date),
            },
            user: $input.metadata.clone().unwrap_or_default().into_iter().collect(),
            ..$crate::object::Meta::default()
        }
    };
}
pub(super) use plan_of;

pub(super) fn checked_key(key: &str) -> S3Result<String> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(S3Error::with_message(S3ErrorCode::KeyTooLongError, "Your key is too long"));
    }
    Ok(key.to_owned())
}

/// Who may read it besides its owner.
pub(super) fn is_public(acl: Option<&ObjectCannedACL>) -> S3Result<bool> {
    match acl.map(ObjectCannedACL::as_str) {
        None
        | Some(
            ObjectCannedACL::PRIVATE
            | ObjectCannedACL::BUCKET_OWNER_READ
            | ObjectCannedACL::BUCKET_OWNER_FULL_CONTROL,
        ) => Ok(false),
        Some(ObjectCannedACL::PUBLIC_READ) => Ok(true),
        Some(other) => Err(S3Error::with_message(
            S3ErrorCode::NotImplemented,
            format!("An object can be `private` or `public-read`, not `{other}`."),
        )),
    }
}

/// `aws-chunked` is how the request was sent, not what the object is.
pub(super) fn own_encoding(encoding: Option<String>) -> Option<String> {
    let encoding = encoding?;
    let own: Vec<&str> =
        encoding.split(',').map(str::trim).filter(|it| !it.is_empty() && *it != "aws-chunked").collect();
    (!own.is_empty()).then(|| own.join(","))
}

pub(super) fn http_date(time: &Timestamp) -> Option<String> {
    let mut text = Vec::new();
    time.format(TimestampFormat::HttpDate, &mut text).ok()?;
    String::from_utf8(text).ok()
}

pub(super) async fn put(
    bucket: &Arc<Bucket>,
    asked: S3Request<PutObjectInput>,
    now: i64,
) -> S3Result<PutObjectOutput> {
    let S3Request { input, headers, trailing_headers: trailers, .. } = asked;
    let plan = plan_of!(input, now);
    let condition = condition(input.if_match, input.if_none_match)?;
    let expected = Expected {
        length: input.content_length,
        md5: input.content_md5,
        algorithm: input.checksum_algorithm,
        sums: sums_of!(input),
        trailers,
    };
    let draft = receive(bucket, &plan.key, input.body, &expected, &headers).await?;
    let bucket = Arc::clone(bucket);
    let meta = blocking(move || {
        let received = finish(&bucket, draft, &expected)?;
        let meta =
            Meta { size: received.size, etag: hex(&received.md5), sums: received.sums.clone(), ..plan };
        let ready = received.describe(&meta).map_err(broken("write an object"))?;
        bucket.put(ready, &meta, &condition)?;
        Ok(meta)
    })
    .await?;
    Ok(PutObjectOutput {
        e_tag: Some(ETag::Strong(meta.etag)),
        checksum_crc32: meta.sums.crc32,
        checksum_crc32c: meta.sums.crc32c,
        checksum_crc64nvme: meta.sums.crc64nvme,
        checksum_sha1: meta.sums.sha1,
        checksum_sha256: meta.sums.sha256,
        ..PutObjectOutput::default()
    })
}

/// Takes a request's body in, as far as it fits.
pub(super) async fn receive(
    bucket: &Arc<Bucket>,
    key: &str,
    body: Option<StreamingBlob>,
    expected: &Expected,
    headers: &HeaderMap,
) -> S3Result<Draft> {
    // What comes in chunks has its length in a header of its own.
    let decoded = headers.get("x-amz-decoded-content-length").and_then(|it| it.to_str().ok()?.parse().ok());
    let announced =
        expected.length.and_then(|length| u64::try_from(length).ok()).or(decoded).unwrap_or_default();
    let draft = Draft::new(wanted(expected, headers)?);
    let Some(mut body) = body else { return Ok(draft) };
    // Before a byte is asked for: who waits for `100 Continue` is spared sending what cannot be kept.
    if announced > DRAINED_BYTES_MAX {
        let (bucket, key) = (Arc::clone(bucket), key.to_owned());
        blocking(move || fits(&bucket, &key, announced)).await?;
    }
    let taken = take(bucket, key, &mut body, draft, announced).await;
    if taken.is_err() {
        // Who still sends does not listen yet.
        drain(&mut body).await;
    }
    taken
}

async fn take(
    bucket: &Arc<Bucket>,
    key: &str,
    body: &mut StreamingBlob,
    mut draft: Draft,
    announced: u64,
) -> S3Result<Draft> {
    loop {
        let next = tokio::time::timeout(SILENCE_MAX, body.next()).await.map_err(|_| {
            let message = "Your socket connection to the server was not read from or written to within the timeout \
                           period.";
            S3Error::with_message(S3ErrorCode::RequestTimeout, message)
        })?;
        let Some(chunk) = next else { break };
        draft.push(&chunk.map_err(|cause| S3Error::with_source(S3ErrorCode::IncompleteBody, cause))?);
        if draft.is_full() {
            let (bucket, key) = (Arc::clone(bucket), key.to_owned());
            draft = blocking(move || {
                fits(&bucket, &key, draft.size().max(announced))?;
                draft.flush(&bucket.temporary()).map_err(broken("write an object"))?;
                Ok(draft)
            })
            .await?;
        }
    }
    if announced > 0 && announced != draft.size() {
        return Err(S3Error::with_message(
            S3ErrorCode::IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ));
    }
    Ok(draft)
}

fn fits(bucket: &Bucket, key: &str, bytes: u64) -> S3Result<()> {
    if bytes > PUT_BYTES_MAX {
        return Err(too_large());
    }
    bucket.check_room(key, bytes)
}

/// Reads on for a while, and forgets it.
async fn drain(body: &mut StreamingBlob) {
    let mut bytes = 0;
    let some = async {
        while let Some(Ok(chunk)) = body.next().await {
            bytes += chunk.len() as u64;
            if bytes > DRAINED_BYTES_MAX {
                break;
            }
        }
    };
    // A client that is slower than that sees its connection closed.
    drop(tokio::time::timeout(DRAIN_WITHIN, some).await);
}

fn too_large() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::EntityTooLarge,
        "Your proposed upload exceeds the maximum allowed size",
    )
}

/// Which checksums to compute: those given, announced for the end, or named.
fn wanted(expected: &Expected, headers: &HeaderMap) -> S3Result<Wanted> {
    let mut wanted = Wanted::default();
    let announced = headers.get_all("x-amz-trailer").iter().filter_map(|it| it.to_str().ok());
    let announced =
        announced.flat_map(|it| it.split(',')).filter_map(|it| it.trim().strip_prefix("x-amz-checksum-"));
    let named = expected.algorithm.iter().map(ChecksumAlgorithm::as_str);
    for name in announced.chain(named) {
        match name.to_ascii_uppercase().as_str() {
            ChecksumAlgorithm::CRC32 => wanted.crc32 = Some(Default::default()),
            ChecksumAlgorithm::CRC32C => wanted.crc32c = Some(Default::default()),
            ChecksumAlgorithm::CRC64NVME => wanted.crc64nvme = Some(Default::default()),
            ChecksumAlgorithm::SHA1 => wanted.sha1 = Some(Default::default()),
            ChecksumAlgorithm::SHA256 => wanted.sha256 = Some(Default::default()),
            _ => {
                let message = "Checksum algorithm provided is unsupported.";
                return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, message));
            }
        }
    }
    let Sums { crc32, crc32c, crc64nvme, sha1, sha256 } = &expected.sums;
    if crc32.is_some() {
        wanted.crc32.get_or_insert_default();
    }
    if crc32c.is_some() {
        wanted.crc32c.get_or_insert_default();
    }
    if crc64nvme.is_some() {
        wanted.crc64nvme.get_or_insert_default();
    }
    if sha1.is_some() {
        wanted.sha1.get_or_insert_default();
    }
    if sha256.is_some() {
        wanted.sha256.get_or_insert_default();
    }
    Ok(wanted)
}

/// Writes the rest and compares with what the client said; blocks.
pub(super) fn finish(bucket: &Bucket, draft: Draft, expected: &Expected) -> S3Result<Received> {
    let received = draft.finish(&bucket.temporary()).map_err(broken("write an object"))?;
    if let Some(md5) = &expected.md5 {
        let Some(md5) = STANDARD.decode(md5).ok().filter(|md5| md5.len() == received.md5.len()) else {
            let message = "The Content-MD5 you specified is not valid.";
            return Err(S3Error::with_message(S3ErrorCode::InvalidDigest, message));
        };
        if md5 != received.md5 {
            let message = "The Content-MD5 you specified did not match what we received.";
            return Err(S3Error::with_message(S3ErrorCode::BadDigest, message));
        }
    }
    let trailers = expected.trailers.as_ref().and_then(TrailingHeaders::take).unwrap_or_default();
    let trailer = |name: &str| trailers.get(format!("x-amz-checksum-{name}")).and_then(|it| it.to_str().ok());
    let (said, got) = (&expected.sums, &received.sums);
    for (name, said, got) in [
        ("crc32", &said.crc32, &got.crc32),
        ("crc32c", &said.crc32c, &got.crc32c),
        ("crc64nvme", &said.crc64nvme, &got.crc64nvme),
        ("sha1", &said.sha1, &got.sha1),
        ("sha256", &said.sha256, &got.sha256),
    ] {
        let said = said.as_deref().or_else(|| trailer(name));
        if said.is_some_and(|said| got.as_deref() != Some(said)) {
            let message =
                format!("The {} you specified did not match the calculated checksum.", name.to_uppercase());
            return Err(S3Error::with_message(S3ErrorCode::BadDigest, message));
        }
    }
    Ok(received)
}

pub(super) fn condition(
    matches: Option<ETagCondition>,
    differs: Option<ETagCondition>,
) -> S3Result<Condition> {
    let text = |condition: ETagCondition| match condition {
        ETagCondition::Any => ANY.to_owned(),
        ETagCondition::ETag(etag) => etag.into_value(),
    };
    Ok(Condition { matches: matches.map(text), differs: differs.map(text) })
}

pub(super) async fn copy(
    bucket: &Arc<Bucket>,
    input: CopyObjectInput,
    now: i64,
) -> S3Result<CopyObjectOutput> {
    let CopySource::Bucket { key: source, .. } = &input.copy_source else {
        return Err(S3Error::new(S3ErrorCode::NotImplemented));
    };
    let source = source.to_string();
    let replaces =
        input.metadata_directive.as_ref().is_some_and(|it| it.as_str() == MetadataDirective::REPLACE);
    let plan = plan_of!(input, now);
    if source == plan.key && !replaces {
        return Err(S3Error::with_message(
            S3ErrorCode::InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    let conditions = (input.copy_source_if_match, input.copy_source_if_none_match);
    let times = (input.copy_source_if_unmodified_since, input.copy_source_if_modified_since);
    let bucket = Arc::clone(bucket);
    let meta = blocking(move || {
        let (file, from) = bucket.find(&source)?;
        let is = |condition: &ETagCondition| {
            condition.is_any() || condition.as_etag().is_some_and(|it| it.value() == from.etag)
        };
        let modified = timestamp(from.modified / 1_000_000 * 1_000_000);
        let holds = conditions.0.as_ref().is_none_or(is)
            && !conditions.1.as_ref().is_some_and(is)
            && times.0.as_ref().is_none_or(|since| modified <= *since)
            && times.1.as_ref().is_none_or(|since| modified > *since);
        if !holds {
            return Err(failed());
        }
        bucket.check_room(&plan.key, from.size)?;
        let whole = Received::joined(&bucket.temporary(), std::iter::once(Ok((file, from.size))));
        let whole = whole.map_err(broken("copy an object"))?;
        let (headers, user): (Headers, _) =
            if replaces { (plan.headers, plan.user) } else { (from.headers, from.user) };
        let meta = Meta { key: plan.key, modified: now, public: plan.public, headers, user, ..from };
        let ready = whole.describe(&meta).map_err(broken("copy an object"))?;
        bucket.put(ready, &meta, &Condition::default())?;
        Ok(meta)
    })
    .await?;
    let result = CopyObjectResult {
        e_tag: Some(ETag::Strong(meta.etag)),
        last_modified: Some(timestamp(meta.modified)),
        ..CopyObjectResult::default()
    };
    Ok(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() })
}

pub(super) async fn delete(bucket: &Arc<Bucket>, input: DeleteObjectInput) -> S3Result<DeleteObjectOutput> {
    let condition = condition(input.if_match, None)?;
    let (bucket, key) = (Arc::clone(bucket), input.key);
    blocking(move || bucket.remove(&key, &condition)).await?;
    Ok(DeleteObjectOutput::default())
}

pub(super) async fn delete_all(
    bucket: &Arc<Bucket>,
    input: DeleteObjectsInput,
) -> S3Result<DeleteObjectsOutput> {
    let quiet = input.delete.quiet.unwrap_or_default();
    let (bucket, objects) = (Arc::clone(bucket), input.delete.objects);
    blocking(move || {
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in objects {
            let condition = Condition { matches: object.e_tag.map(ETag::into_value), differs: None };
            match bucket.remove(&object.key, &condition) {
                Ok(()) => deleted.push(DeletedObject { key: Some(object.key), ..DeletedObject::default() }),
                Err(error) => errors.push(DeleteError {
                    key: Some(object.key),
                    code: Some(error.code().as_str().to_owned()),
                    message: error.message().map(str::to_owned),
                    ..DeleteError::default()
                }),
            }
        }
        Ok(DeleteObjectsOutput {
            deleted: (!quiet).then_some(deleted),
            errors: (!errors.is_empty()).then_some(errors),
            ..DeleteObjectsOutput::default()
        })
    })
    .await
}
