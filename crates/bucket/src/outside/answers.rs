//! What an outside S3 says: its XML, and an object's description in headers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, EXPIRES, HeaderName, LAST_MODIFIED,
};
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{Timestamp, TimestampFormat};
use s3s::xml::{DeResult, Deserializer};
use s3s::{S3Error, S3ErrorCode, S3Result};

use crate::index::{Entry, Item};
use crate::object::{Headers, Meta, Sums};
use crate::objects::{Begun, Part};

const USER: &str = "x-amz-meta-";
/// Ours among the user's, which S3 keeps for every object: who may read it, and what its uploader's checksums are.
const OWN: &str = "x-amz-meta-hokku-";
const PUBLIC: &str = "x-amz-meta-hokku-public";

/// A page of names, whole as they are outside.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) items: Vec<Item>,
    pub(super) is_truncated: bool,
}

/// An error as S3 tells it.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) code: String,
    pub(super) message: String,
}

/// The headers that describe an object to an outside S3.
pub(super) fn description(meta: &Meta) -> S3Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes());
        match (name, HeaderValue::from_bytes(value.as_bytes())) {
            (Ok(name), Ok(value)) => drop(headers.insert(name, value)),
            _ => {
                let message = "The metadata of the object cannot be written as headers.";
                return Err(S3Error::with_message(S3ErrorCode::InvalidArgument, message));
            }
        }
        Ok(())
    };
    let Headers {
        content_type,
        content_encoding,
        content_disposition,
        content_language,
        cache_control,
        expires,
    } = &meta.headers;
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CONTENT_ENCODING, content_encoding),
        (CONTENT_DISPOSITION, content_disposition),
        (CONTENT_LANGUAGE, content_language),
        (CACHE_CONTROL, cache_control),
        (EXPIRES, expires),
    ] {
        if let Some(value) = value {
            add(name.as_str(), value)?;
        }
    }
    // A user's own of our names would be taken for ours.
    for (name, value) in meta.user.iter().map(|(name, value)| (format!("{USER}{name}"), value)) {
        if !name.to_ascii_lowercase().starts_with(OWN) {
            add(&name, value)?;
        }
    }
    if meta.public {
        add(PUBLIC, "1")?;
    }
    for (name, sum) in meta.sums.named() {
        if let Some(sum) = sum {
            add(&format!("{OWN}{name}"), sum)?;
        }
    }
    Ok(headers)
}

/// What is known of an object, from the headers that it is served with.
pub(super) fn described(key: &str, headers: &HeaderMap) -> Meta {
    let text = |name: &str| headers.get(name).map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
    let own = |name: &str| text(&format!("{OWN}{name}"));
    let total = text(CONTENT_RANGE.as_str())
        .and_then(|range| range.rsplit_once('/').and_then(|(_, total)| total.parse().ok()));
    let length = || text(CONTENT_LENGTH.as_str())?.parse().ok();
    let modified =
        text(LAST_MODIFIED.as_str()).and_then(|text| Timestamp::parse(TimestampFormat::HttpDate, &text).ok());
    let user = headers.keys().filter_map(|name| {
        let own = name.as_str().strip_prefix(USER).filter(|_| !name.as_str().starts_with(OWN))?;
        Some((own.to_owned(), text(name.as_str())?))
    });
    Meta {
        key: key.to_owned(),
        size: total.or_else(length).unwrap_or_default(),
        etag: text(ETAG.as_str()).map(|etag| bare(&etag)).unwrap_or_default(),
        modified: modified.map_or(0, micros),
        public: own("public").is_some(),
        headers: Headers {
            content_type: text(CONTENT_TYPE.as_str()),
            content_encoding: text(CONTENT_ENCODING.as_str()),
            content_disposition: text(CONTENT_DISPOSITION.as_str()),
            content_language: text(CONTENT_LANGUAGE.as_str()),
            cache_control: text(CACHE_CONTROL.as_str()),
            expires: text(EXPIRES.as_str()),
        },
        user: user.collect::<BTreeMap<_, _>>(),
        sums: Sums {
            crc32: own("crc32"),
            crc32c: own("crc32c"),
            crc64nvme: own("crc64nvme"),
            sha1: own("sha1"),
            sha256: own("sha256"),
        },
    }
}

/// An ETag without its quotes.
pub(super) fn bare(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

/// `bytes 0-9/100`: the first, and the one behind the last.
pub(super) fn served_range(headers: &HeaderMap) -> Option<std::ops::Range<u64>> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (first, last) = text.strip_prefix("bytes ")?.split_once('/')?.0.split_once('-')?;
    Some(first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?)
}

fn micros(time: Timestamp) -> i64 {
    let mut text = Vec::new();
    // The only way out of this type that needs no other library.
    let seconds = time.format(TimestampFormat::DateTime, &mut text).ok().and_then(|()| {
        let text = String::from_utf8(text).ok()?;
        text.parse::<model::time::Timestamp>().ok()
    });
    seconds.map_or(0, model::time::Timestamp::as_micros)
}

/// A page of names.
pub(super) fn names(xml: &[u8]) -> DeResult<Names> {
    let (mut found, mut encoded) = (Names::default(), false);
    root(xml, "ListBucketResult", |d, name| match name {
        b"IsTruncated" => {
            found.is_truncated = text(d)? == "true";
            Ok(())
        }
        b"EncodingType" => {
            encoded = text(d)? == "url";
            Ok(())
        }
        b"Contents" => {
            let (key, entry) = object(d)?;
            found.items.push(Item::Object(key, entry));
            Ok(())
        }
        b"CommonPrefixes" => d.for_each_element(|d, name| match name {
            b"Prefix" => {
                found.items.push(Item::Prefix(text(d)?));
                Ok(())
            }
            _ => skip(d),
        }),
        _ => skip(d),
    })?;
    if encoded {
        for item in &mut found.items {
            let (Item::Object(name, _) | Item::Prefix(name)) = item;
            *name = decoded(name);
        }
    }
    found.items.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(found)
}

fn object(d: &mut Deserializer<'_>) -> DeResult<(String, Entry)> {
    let mut key = String::new();
    let mut entry = Entry { size: 0, etag: "".into(), modified: 0, public: false };
    d.for_each_element(|d, name| {
        match name {
            b"Key" => key = text(d)?,
            b"Size" => entry.size = text(d)?.parse().unwrap_or_default(),
            b"ETag" => entry.etag = bare(&text(d)?).into(),
            b"LastModified" => entry.modified = micros(d.timestamp(TimestampFormat::DateTime)?),
            _ => skip(d)?,
        }
        Ok(())
    })?;
    Ok((key, entry))
}

/// A name as `encoding-type=url` writes it.
fn decoded(name: &str) -> String {
    let spaced: Cow<'_, str> = if name.contains('+') { name.replace('+', " ").into() } else { name.into() };
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// The parts of an upload, and whether there are more.
pub(super) fn parts(xml: &[u8]) -> DeResult<(Vec<(u32, Part)>, bool)> {
    let (mut rows, mut more) = (Vec::new(), false);
    root(xml, "ListPartsResult", |d, name| match name {
        b"IsTruncated" => {
            more = text(d)? == "true";
            Ok(())
        }
        b"Part" => {
            let (mut number, mut part) = (0, Part { size: 0, etag: String::new(), modified: 0 });
            d.for_each_element(|d, name| {
                match name {
                    b"PartNumber" => number = text(d)?.parse().unwrap_or_default(),
                    b"Size" => part.size = text(d)?.parse().unwrap_or_default(),
                    b"ETag" => part.etag = bare(&text(d)?),
                    b"LastModified" => part.modified = micros(d.timestamp(TimestampFormat::DateTime)?),
                    _ => skip(d)?,
                }
                Ok(())
            })?;
            rows.push((number, part));
            Ok(())
        }
        _ => skip(d),
    })?;
    rows.sort_by_key(|(number, _)| *number);
    Ok((rows, more))
}

/// The uploads that are on their way.
pub(super) fn uploads(xml: &[u8]) -> DeResult<Vec<Begun>> {
    let mut rows = Vec::new();
    root(xml, "ListMultipartUploadsResult", |d, name| match name {
        b"Upload" => {
            let mut row = Begun { key: String::new(), id: String::new(), at: 0 };
            d.for_each_element(|d, name| {
                match name {
                    b"Key" => row.key = text(d)?,
                    b"UploadId" => row.id = text(d)?,
                    b"Initiated" => row.at = micros(d.timestamp(TimestampFormat::DateTime)?),
                    _ => skip(d)?,
                }
                Ok(())
            })?;
            rows.push(row);
            Ok(())
        }
        _ => skip(d),
    })?;
    Ok(rows)
}

/// The text of one element of an answer.
pub(super) fn field(xml: &[u8], answer: &str, wanted: &[u8]) -> DeResult<String> {
    let mut found = String::new();
    root(xml, answer, |d, name| {
        if name == wanted {
            found = text(d)?;
            return Ok(());
        }
        skip(d)
    })?;
    Ok(found)
}

/// An error; none when the text is no error's.
pub(super) fn told(xml: &[u8]) -> Option<Told> {
    let mut told = Told::default();
    let read = root(xml, "Error", |d, name| {
        match name {
            b"Code" => told.code = text(d)?,
            b"Message" => told.message = text(d)?,
            _ => skip(d)?,
        }
        Ok(())
    });
    read.ok().map(|()| told).filter(|told| !told.code.is_empty())
}

/// Which of the removals failed, by name.
pub(super) fn not_removed(xml: &[u8]) -> DeResult<BTreeMap<String, String>> {
    let mut failed = BTreeMap::new();
    root(xml, "DeleteResult", |d, name| match name {
        b"Error" => {
            let (mut key, mut code) = (String::new(), String::new());
            d.for_each_element(|d, name| {
                match name {
                    b"Key" => key = text(d)?,
                    b"Code" => code = text(d)?,
                    _ => skip(d)?,
                }
                Ok(())
            })?;
            failed.insert(key, code);
            Ok(())
        }
        _ => skip(d),
    })?;
    Ok(failed)
}

fn root<'xml>(
    xml: &'xml [u8],
    name: &str,
    each: impl FnMut(&mut Deserializer<'xml>, &[u8]) -> DeResult,
) -> DeResult {
    let mut d = Deserializer::new(xml);
    d.named_element(name, |d| d.for_each_element(each))
}

fn text(d: &mut Deserializer<'_>) -> DeResult<String> {
    d.text(|text| Ok(text.to_owned()))
}

/// What is of no interest, with everything in it.
fn skip(d: &mut Deserializer<'_>) -> DeResult {
    d.for_each_element(|d, _| skip(d))
}

/// A request to remove these names, and the hash that S3 wants of it.
pub(super) fn removal(keys: &[String]) -> (Bytes, String) {
    let rows: String =
        keys.iter().map(|key| format!("<Object><Key>{}</Key></Object>", escaped(key))).collect();
    let body = format!("<Delete><Quiet>true</Quiet>{rows}</Delete>").into_bytes();
    let md5 = md5_of(&body);
    (body.into(), md5)
}

/// A request to join these parts.
pub(super) fn completion(parts: &[(u32, Option<String>)]) -> Bytes {
    let row = |(number, etag): &(u32, Option<String>)| {
        let etag = etag.as_deref().map(|etag| format!("<ETag>&quot;{}&quot;</ETag>", escaped(etag)));
        format!("<Part><PartNumber>{number}</PartNumber>{}</Part>", etag.unwrap_or_default())
    };
    let rows: String = parts.iter().map(row).collect();
    format!("<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>").into_bytes().into()
}

/// A body's MD5 as `Content-MD5` has it.
pub(super) fn md5_of(body: &[u8]) -> String {
    let mut md5 = Md5::new();
    md5.update(body);
    STANDARD.encode(md5.finalize())
}

/// A text in XML; what XML has no way to write at all is left for the other side to refuse.
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            char if char.is_control() => written.push_str(&format!("&#{};", u32::from(char))),
            char => written.push(char),
        }
    }
    written
}

#[cfg(test)]
mod tests;
