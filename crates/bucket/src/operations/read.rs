//! Objects on their way out: whole or a range, under conditions.

use std::sync::Arc;

use http::StatusCode;
use http::header::IF_RANGE;
use s3s::dto::{
    ChecksumMode, ETag, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, Timestamp,
    TimestampFormat,
};
use s3s::{S3Request, S3Response, S3Result};

use super::signed;
use crate::bucket::Bucket;
use crate::object::timestamp;
use crate::objects::{Asked, Conditions, Found};

/// What an object is without a type of its own, as S3's.
const NO_TYPE: &str = "binary/octet-stream";

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
    let meta = bucket.objects.head(&input.key).await?;
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
    let (input, headers) = (asked.input, asked.headers);
    let conditions = Conditions {
        matches: input.if_match,
        unmodified_since: input.if_unmodified_since,
        differs: input.if_none_match,
        modified_since: input.if_modified_since,
    };
    let if_range = headers.get(IF_RANGE).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let wanted = Asked { range: input.range, if_range, conditions };
    let Found { meta, range, body } = bucket.objects.get(&input.key, wanted).await?;
    let whole = range == (0..meta.size);
    let sums = whole && wants_sums(input.checksum_mode.as_ref());
    let content_range = (!whole).then(|| format!("bytes {}-{}/{}", range.start, range.end - 1, meta.size));
    let status = content_range.is_some().then_some(StatusCode::PARTIAL_CONTENT);
    let output = described!(GetObjectOutput, meta, sums);
    let output = GetObjectOutput {
        content_length: Some(signed(range.end - range.start)),
        content_range,
        body: Some(body),
        ..output
    };
    Ok(S3Response { status, ..S3Response::new(output) })
}
