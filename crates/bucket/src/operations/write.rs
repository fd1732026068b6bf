//! Objects on their way in, copies and removals.

use std::sync::Arc;

use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, DeleteObjectInput, DeleteObjectOutput,
    DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag, ETagCondition, Error as DeleteError,
    MetadataDirective, ObjectCannedACL, PutObjectInput, PutObjectOutput, Timestamp, TimestampFormat,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use crate::bucket::Bucket;
use crate::incoming::{Expected, Incoming};
use crate::object::timestamp;
use crate::objects::{ANY, Condition, Conditions, Copying};

/// Longest name of an object, in bytes, as S3's.
const KEY_BYTES_MAX: usize = 1024;

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
            key: $crate::operations::write::checked_key(&$input.key)?,
            modified: $now,
            public: $crate::operations::write::is_public($input.acl.as_ref())?,
            headers: $crate::object::Headers {
                content_type: $input.content_type.clone(),
                content_encoding: $crate::operations::write::own_encoding($input.content_encoding.clone()),
                content_disposition: $input.content_disposition.clone(),
                content_language: $input.content_language.clone(),
                cache_control: $input.cache_control.clone(),
                expires: $input.expires.as_ref().and_then($crate::operations::write::http_date),
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
    let incoming = Incoming::new(input.body, expected, &headers)?;
    let meta = bucket.objects.put(plan, incoming, condition).await?;
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
    let conditions = Conditions {
        matches: input.copy_source_if_match,
        unmodified_since: input.copy_source_if_unmodified_since,
        differs: input.copy_source_if_none_match,
        modified_since: input.copy_source_if_modified_since,
    };
    let meta = bucket.objects.copy(&source, Copying { plan, replaces, conditions }).await?;
    let result = CopyObjectResult {
        e_tag: Some(ETag::Strong(meta.etag)),
        last_modified: Some(timestamp(meta.modified)),
        ..CopyObjectResult::default()
    };
    Ok(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() })
}

pub(super) async fn delete(bucket: &Arc<Bucket>, input: DeleteObjectInput) -> S3Result<DeleteObjectOutput> {
    let condition = condition(input.if_match, None)?;
    let done = bucket.objects.remove(vec![(input.key, condition)]).await?;
    done.into_iter().collect::<S3Result<()>>()?;
    Ok(DeleteObjectOutput::default())
}

pub(super) async fn delete_all(
    bucket: &Arc<Bucket>,
    input: DeleteObjectsInput,
) -> S3Result<DeleteObjectsOutput> {
    let quiet = input.delete.quiet.unwrap_or_default();
    let wanted: Vec<(String, Condition)> = input
        .delete
        .objects
        .into_iter()
        .map(|object| (object.key, Condition { matches: object.e_tag.map(ETag::into_value), differs: None }))
        .collect();
    let keys: Vec<String> = wanted.iter().map(|(key, _)| key.clone()).collect();
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for (key, done) in keys.into_iter().zip(bucket.objects.remove(wanted).await?) {
        match done {
            Ok(()) => deleted.push(DeletedObject { key: Some(key), ..DeletedObject::default() }),
            Err(error) => errors.push(DeleteError {
                key: Some(key),
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
}
