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
use uuid::Uuid;

use super::write::{Expected, condition, finish, plan_of, receive, sums_of};
use super::{blocking, signed, timestamp};
use crate::bucket::Bucket;
use crate::draft::{Draft, Wanted};
use crate::object::Meta;
use crate::refusal::broken;
use crate::upload::{PARTS_MAX, hex, upload_of};

/// Most rows of one answer, as S3's.
const ROWS_MAX: i32 = 1000;
/// Bytes copied at a time from one object into a part of another.
const COPY_BYTES: usize = 256 * 1024;

pub(super) async fn create(
    bucket: &Arc<Bucket>,
    input: CreateMultipartUploadInput,
    now: i64,
) -> S3Result<CreateMultipartUploadOutput> {
    let plan = plan_of!(input, now);
    let id = Uuid::new_v4().simple().to_string();
    let (bucket, begun) = (Arc::clone(bucket), id.clone());
    blocking(move || bucket.begin_upload(&begun, plan)).await?;
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
    let (id, key) = (input.upload_id.clone(), input.key.clone());
    let known = Arc::clone(bucket);
    let (asked_id, asked_key) = (id.clone(), key.clone());
    // Before all the bytes are taken.
    blocking(move || known.with(|state| upload_of(&state.uploads, &asked_id, &asked_key).map(drop))).await?;
    let expected = Expected {
        length: input.content_length,
        md5: input.content_md5.clone(),
        algorithm: input.checksum_algorithm.clone(),
        sums: sums_of!(input),
        trailers,
    };
    let draft = receive(bucket, "", input.body, &expected, &headers).await?;
    let bucket = Arc::clone(bucket);
    let (etag, sums) = blocking(move || {
        let received = finish(&bucket, draft, &expected)?;
        let (etag, sums) = (hex(&received.md5), received.sums.clone());
        let meta = Meta { size: received.size, etag: etag.clone(), modified: now, ..Meta::default() };
        bucket.put_part(&id, &key, number, received, &meta)?;
        Ok((etag, sums))
    })
    .await?;
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
    let (source, bucket) = (source.to_string(), Arc::clone(bucket));
    let (id, key) = (input.upload_id, input.key);
    let etag = blocking(move || {
        let (file, from) = bucket.find(&source)?;
        let range = range.map_or(Ok(0..from.size), |range| range.check(from.size))?;
        bucket.check_room("", range.end - range.start)?;
        let mut draft = Draft::new(Wanted::default());
        let mut chunk = vec![0; COPY_BYTES];
        let mut at = range.start;
        while at < range.end {
            let length = usize::try_from(range.end - at).unwrap_or(COPY_BYTES).min(COPY_BYTES);
            std::os::unix::fs::FileExt::read_exact_at(&file, &mut chunk[..length], at)
                .map_err(broken("copy an object"))?;
            draft.push(&chunk[..length]);
            draft.flush(&bucket.temporary()).map_err(broken("copy an object"))?;
            at += length as u64;
        }
        let received = finish(&bucket, draft, &Expected::default())?;
        let etag = hex(&received.md5);
        let meta = Meta { size: received.size, etag: etag.clone(), modified: now, ..Meta::default() };
        bucket.put_part(&id, &key, number, received, &meta)?;
        Ok(etag)
    })
    .await?;
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
    let (own, key, id) = (Arc::clone(bucket), input.key.clone(), input.upload_id);
    let meta = blocking(move || own.complete(&id, &key, &named, &condition, now)).await?;
    Ok(CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(ETag::Strong(meta.etag)),
        ..CompleteMultipartUploadOutput::default()
    })
}

pub(super) async fn abort(
    bucket: &Arc<Bucket>,
    input: AbortMultipartUploadInput,
) -> S3Result<AbortMultipartUploadOutput> {
    let bucket = Arc::clone(bucket);
    blocking(move || bucket.abort(&input.upload_id, &input.key)).await?;
    Ok(AbortMultipartUploadOutput::default())
}

pub(super) async fn parts(bucket: &Arc<Bucket>, input: ListPartsInput) -> S3Result<ListPartsOutput> {
    let max = input.max_parts.unwrap_or(ROWS_MAX).clamp(0, ROWS_MAX);
    let after = input.part_number_marker.unwrap_or_default();
    let (bucket, id, key) = (Arc::clone(bucket), input.upload_id.clone(), input.key.clone());
    let (rows, more) = blocking(move || {
        bucket.with(|state| {
            let upload = upload_of(&state.uploads, &id, &key)?;
            let from = u32::try_from(after).unwrap_or_default() + 1;
            let mut later = upload.parts.range(from..);
            let taken = later.by_ref().take(usize::try_from(max).unwrap_or_default());
            let rows: Vec<PartRow> = taken
                .map(|(number, part)| PartRow {
                    part_number: i32::try_from(*number).ok(),
                    e_tag: Some(ETag::Strong(part.etag.clone())),
                    size: Some(signed(part.size)),
                    last_modified: Some(timestamp(part.modified)),
                    ..PartRow::default()
                })
                .collect();
            Ok((rows, later.next().is_some()))
        })
    })
    .await?;
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
    let prefix = input.prefix.clone().unwrap_or_default();
    let bucket = Arc::clone(bucket);
    // A bucket has fewer uploads than one answer rows.
    let mut rows = blocking(move || {
        bucket.with(|state| {
            let fit = state.uploads.iter().filter(|(_, upload)| upload.plan.key.starts_with(&prefix));
            let rows = fit.map(|(id, upload)| MultipartUpload {
                key: Some(upload.plan.key.clone()),
                upload_id: Some(id.clone()),
                initiated: Some(timestamp(upload.plan.modified)),
                ..MultipartUpload::default()
            });
            Ok(rows.collect::<Vec<_>>())
        })
    })
    .await?;
    rows.sort_by(|one, other| (&one.key, &one.upload_id).cmp(&(&other.key, &other.upload_id)));
    Ok(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        prefix: input.prefix,
        max_uploads: Some(ROWS_MAX),
        is_truncated: Some(false),
        uploads: Some(rows),
        ..ListMultipartUploadsOutput::default()
    })
}
