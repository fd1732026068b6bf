//! Lists of objects, in both versions of the question.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::S3Result;
use s3s::dto::{
    CommonPrefix, ETag, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object, ObjectStorageClass,
};

use super::signed;
use crate::bucket::Bucket;
use crate::index::{Item, PAGE_MAX, Page, Query};
use crate::object::timestamp;

/// What stays as it is in `encoding-type=url`.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// How names are written in the answer: XML cannot hold all that a key can.
struct Encoding(Option<EncodingType>);

impl Encoding {
    fn write(&self, name: String) -> String {
        let url = self.0.as_ref().is_some_and(|it| it.as_str() == EncodingType::URL);
        if url { utf8_percent_encode(&name, KEPT).to_string() } else { name }
    }
}

struct Asked {
    prefix: String,
    delimiter: String,
    after: String,
    max: i32,
}

async fn page(bucket: &Arc<Bucket>, asked: Asked) -> S3Result<Page> {
    let Asked { prefix, delimiter, after, max } = &asked;
    let max = usize::try_from(*max).unwrap_or_default().min(PAGE_MAX);
    // A page of nothing has nothing after it, as S3 answers.
    if max == 0 {
        return Ok(Page::default());
    }
    bucket.objects.page(&Query { prefix, delimiter, after, max }).await
}

fn split(items: Vec<Item>, encoding: &Encoding) -> (Vec<Object>, Vec<CommonPrefix>) {
    let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::Object(key, entry) => objects.push(Object {
                key: Some(encoding.write(key)),
                size: Some(signed(entry.size)),
                // Not every outside S3 tells it in lists.
                e_tag: (!entry.etag.is_empty()).then(|| ETag::Strong(entry.etag.into())),
                last_modified: Some(timestamp(entry.modified)),
                storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
                ..Object::default()
            }),
            Item::Prefix(prefix) => prefixes.push(CommonPrefix { prefix: Some(encoding.write(prefix)) }),
        }
    }
    (objects, prefixes)
}

pub(super) async fn v2(bucket: &Arc<Bucket>, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
    let encoding = Encoding(input.encoding_type.clone());
    let max = input.max_keys.unwrap_or(PAGE_MAX as i32);
    // The token is the last name of the page before, as it is: it tells nothing that the page did not.
    let token = input.continuation_token.clone().unwrap_or_default();
    let start = input.start_after.clone().unwrap_or_default();
    let found = page(
        bucket,
        Asked {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().unwrap_or_default(),
            after: token.max(start),
            max,
        },
    )
    .await?;
    let next = found.next;
    let (objects, prefixes) = split(found.items, &encoding);
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encoding.write(input.prefix.unwrap_or_default())),
        delimiter: input.delimiter.map(|it| encoding.write(it)),
        start_after: input.start_after.map(|it| encoding.write(it)),
        max_keys: Some(max),
        key_count: i32::try_from(objects.len() + prefixes.len()).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(next.is_some()),
        next_continuation_token: next,
        contents: Some(objects),
        common_prefixes: Some(prefixes),
        encoding_type: input.encoding_type,
        ..ListObjectsV2Output::default()
    })
}

pub(super) async fn v1(bucket: &Arc<Bucket>, input: ListObjectsInput) -> S3Result<ListObjectsOutput> {
    let encoding = Encoding(input.encoding_type.clone());
    let max = input.max_keys.unwrap_or(PAGE_MAX as i32);
    let found = page(
        bucket,
        Asked {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().unwrap_or_default(),
            after: input.marker.clone().unwrap_or_default(),
            max,
        },
    )
    .await?;
    let next = found.next;
    let (objects, prefixes) = split(found.items, &encoding);
    Ok(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(encoding.write(input.prefix.unwrap_or_default())),
        delimiter: input.delimiter.clone().map(|it| encoding.write(it)),
        marker: Some(encoding.write(input.marker.unwrap_or_default())),
        max_keys: Some(max),
        is_truncated: Some(next.is_some()),
        // Without a delimiter clients go on from the last key.
        next_marker: next.filter(|_| input.delimiter.is_some()).map(|it| encoding.write(it)),
        contents: Some(objects),
        common_prefixes: Some(prefixes),
        encoding_type: input.encoding_type,
        ..ListObjectsOutput::default()
    })
}
