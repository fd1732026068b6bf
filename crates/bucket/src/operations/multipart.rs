//! Objects that come in parts.

use std::sync::Arc;

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyPartResult, CopySource, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ETag, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput,
    ListPartsOutput, MultipartUpload, Part as PartRow, Range, UploadPartCopyInput, UploadPartCopyOutput,
    UploadPartInput, UploadPartOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::signed;
use super::write::{condition, plan_of, sums_of};
use crate::bucket::Bucket;
use crate::incoming::{Expected, Incoming};
use crate::object::{Meta, timestamp};
use crate::objects::{Source, Upload};
use crate::upload::PARTS_MAX;

/// Most rows of one answer, as S3's.
const ROWS_MAX: i32 = 1000;

pub(super) async fn create(
    bucket: &Arc<Bucket>,
    input: CreateMultipartUploadInput,
    now: i64,
) -> S3Result<CreateMultipartUploadOutput> {
    let plan = plan_of!(input, now);
    let id = bucket.objects.begin(plan).await?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        ..CreateMultipartUploadOutput::default()
    })
}

fn checked(number: i32) -> S3Result<u32> {
    u32::try_from(number).ok().filter(|number| (1..=PARTS_MAX).contains(number)).ok_or_else(|| {
        S3Error::with_message(
            S3ErrorCode::InvalidArgument,
            format!("Part number must be an integer between 1 and {PARTS_MAX}, inclusive"),
        )
    })
}

pub(super) async fn part(
    bucket: &Arc<Bucket>,
    asked: S3Request<UploadPartInput>,
    now: i64,
) -> S3Result<UploadPartOutput> {
    let S3Request { input, headers, trailing_headers: trailers, .. } = asked;
    let number = checked(input.part_number)?;
    let upload = Upload { id: input.upload_id.clone(), key: input.key.clone(), now };
    let expected = Expected {
        length: input.content_length,
        md5: input.content_md5.clone(),
        algorithm: input.checksum_algorithm.clone(),
        sums: sums_of!(input),
        trailers,
    };
    let incoming = Incoming::new(input.body, expected, &headers)?;
    let Meta { etag, sums, .. } = bucket.objects.put_part(&upload, number, incoming).await?;
    Ok(UploadPartOutput {
        e_tag: Some(ETag::Strong(etag)),
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        ..UploadPartOutput::default()
    })
}

pub(super) async fn part_copy(
    bucket: &Arc<Bucket>,
    input: UploadPartCopyInput,
    now: i64,
) -> S3Result<UploadPartCopyOutput> {
    let number = checked(input.part_number)?;
    let CopySource::Bucket { key: source, .. } = &input.copy_source else {
        return Err(S3Error::new(S3ErrorCode::NotImplemented));
    };
    let range = input.copy_source_range.as_deref().map(Range::parse).transpose().map_err(|_| {
        S3Error::with_message(
            S3ErrorCode::InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last",
        )
    })?;
    let upload = Upload { id: input.upload_id, key: input.key, now };
    let etag = bucket.objects.copy_part(&upload, number, Source { key: source.to_string(), range }).await?;
    let result = CopyPartResult {
        e_tag: Some(ETag::Strong(etag)),
        last_modified: Some(timestamp(now)),
        ..CopyPartResult::default()
    };
    Ok(UploadPartCopyOutput { copy_part_result: Some(result), ..UploadPartCopyOutput::default() })
}

pub(super) async fn complete(
    bucket: &Arc<Bucket>,
    input: CompleteMultipartUploadInput,
    now: i64,
) -> S3Result<CompleteMultipartUploadOutput> {
    let mut named = Vec::new();
    for part in input.multipart_upload.and_then(|it| it.parts).unwrap_or_default() {
        let number = checked(part.part_number.unwrap_or_default())?;
        named.push((number, part.e_tag.map(ETag::into_value)));
    }
    let condition = condition(input.if_match, input.if_none_match)?;
    let upload = Upload { id: input.upload_id, key: input.key.clone(), now };
    let etag = bucket.objects.complete(&upload, named, condition).await?;
    Ok(CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(ETag::Strong(etag)),
        ..CompleteMultipartUploadOutput::default()
    })
}

pub(super) async fn abort(
    bucket: &Arc<Bucket>,
    input: AbortMultipartUploadInput,
    now: i64,
) -> S3Result<AbortMultipartUploadOutput> {
    bucket.objects.abort(&Upload { id: input.upload_id, key: input.key, now }).await?;
    Ok(AbortMultipartUploadOutput::default())
}

pub(super) async fn parts(
    bucket: &Arc<Bucket>,
    input: ListPartsInput,
    now: i64,
) -> S3Result<ListPartsOutput> {
    let max = input.max_parts.unwrap_or(ROWS_MAX).clamp(0, ROWS_MAX);
    let after = input.part_number_marker.unwrap_or_default();
    let upload = Upload { id: input.upload_id.clone(), key: input.key.clone(), now };
    let (from, most) = (u32::try_from(after).unwrap_or_default(), usize::try_from(max).unwrap_or_default());
    let (found, more) = bucket.objects.parts(&upload, from, most).await?;
    let rows: Vec<PartRow> = found
        .into_iter()
        .map(|(number, part)| PartRow {
            part_number: i32::try_from(number).ok(),
            e_tag: (!part.etag.is_empty()).then_some(ETag::Strong(part.etag)),
            size: Some(signed(part.size)),
            last_modified: Some(timestamp(part.modified)),
            ..PartRow::default()
        })
        .collect();
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        max_parts: Some(max),
        part_number_marker: Some(after),
        next_part_number_marker: rows.last().and_then(|row| row.part_number),
        is_truncated: Some(more),
        parts: Some(rows),
        ..ListPartsOutput::default()
    })
}

pub(super) async fn uploads(
    bucket: &Arc<Bucket>,
    input: ListMultipartUploadsInput,
) -> S3Result<ListMultipartUploadsOutput> {
    let mut begun = bucket.objects.uploads(input.prefix.as_deref().unwrap_or_default()).await?;
    begun.sort();
    let rows: Vec<MultipartUpload> = begun
        .into_iter()
        .map(|upload| MultipartUpload {
            key: Some(upload.key),
            upload_id: Some(upload.id),
            initiated: Some(timestamp(upload.at)),
            ..MultipartUpload::default()
        })
        .collect();
    Ok(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        prefix: input.prefix,
        max_uploads: Some(ROWS_MAX),
        is_truncated: Some(false),
        uploads: Some(rows),
        ..ListMultipartUploadsOutput::default()
    })
}
