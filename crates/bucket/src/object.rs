//! One object as one file: its bytes, and behind them what is known of it, so that one rename puts both in place.
//!
//! ```text
//!  bytes … │ Meta as JSON │ length of the JSON, u32 LE │ MAGIC
//! ```
//! The description comes last because the hash of a stream is known only at its end, and so that the bytes begin at 0.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime};

use ring::digest::{SHA256, digest};
use s3s::dto::Timestamp;
use serde::{Deserialize, Serialize};

/// The last bytes of every object's file; the digit is the format's version.
const MAGIC: [u8; 8] = *b"HKOBJ1\r\n";
/// Length and magic.
const TAIL_BYTES: u64 = 12;
/// Longest description, in bytes: S3 allows 2 kB of a user's own and few headers besides.
pub(crate) const META_BYTES_MAX: usize = 64 * 1024;

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// Its name in the bucket.
    pub(crate) key: String,
    /// Bytes.
    pub(crate) size: u64,
    /// MD5 in hex; of a multipart upload that of the parts' MD5s, with `-` and their number.
    pub(crate) etag: String,
    /// Microseconds since the epoch.
    pub(crate) modified: i64,
    /// Whether everybody may read it (`public-read`).
    #[serde(default)]
    pub(crate) public: bool,
    /// The headers it is served with.
    #[serde(default)]
    pub(crate) headers: Headers,
    /// `x-amz-meta-…`.
    #[serde(default)]
    pub(crate) user: BTreeMap<String, String>,
    /// Checksums that its uploader asked for.
    #[serde(default)]
    pub(crate) sums: Sums,
}

/// Headers that an object keeps as its uploader sent them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Headers {
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) cache_control: Option<String>,
    /// As an HTTP date.
    pub(crate) expires: Option<String>,
}

/// Checksums in base64, as in `x-amz-checksum-…`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Sums {
    pub(crate) crc32: Option<String>,
    pub(crate) crc32c: Option<String>,
    pub(crate) crc64nvme: Option<String>,
    pub(crate) sha1: Option<String>,
    pub(crate) sha256: Option<String>,
}

impl Sums {
    /// Each with the end of its header's name.
    pub(crate) fn named(&self) -> [(&'static str, Option<&str>); 5] {
        let Self { crc32, crc32c, crc64nvme, sha1, sha256 } = self;
        [
            ("crc32", crc32.as_deref()),
            ("crc32c", crc32c.as_deref()),
            ("crc64nvme", crc64nvme.as_deref()),
            ("sha1", sha1.as_deref()),
            ("sha256", sha256.as_deref()),
        ]
    }
}

impl Meta {
    /// When it was made, as HTTP's dates tell it: without parts of seconds.
    pub(crate) fn modified_second(&self) -> Timestamp {
        timestamp(self.modified / 1_000_000 * 1_000_000)
    }
}

/// A time in microseconds since the epoch, as S3 tells it.
pub(crate) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
}

/// The file name of a key: its SHA-256, so that no key is too long, hidden, or a path.
pub(crate) fn file_name(key: &str) -> String {
    hex(digest(&SHA256, key.as_bytes()).as_ref())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Appends the description to a file that holds the bytes.
pub(crate) fn describe(file: &mut File, meta: &Meta) -> io::Result<()> {
    let mut tail = serde_json::to_vec(meta)?;
    let length = u32::try_from(tail.len()).ok().filter(|length| *length as usize <= META_BYTES_MAX);
    let length = length.ok_or_else(|| io::Error::other("the object's description is too long"))?;
    tail.extend(length.to_le_bytes());
    tail.extend(MAGIC);
    file.write_all(&tail)
}

/// Reads the description of an object's file.
pub(crate) fn read(file: &File) -> io::Result<Meta> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "not an object's file");
    let length = file.metadata()?.len();
    let at = length.checked_sub(TAIL_BYTES).ok_or_else(broken)?;
    let mut tail = [0; TAIL_BYTES as usize];
    file.read_exact_at(&mut tail, at)?;
    let (size, magic) = tail.split_at(4);
    let size = u64::from(u32::from_le_bytes(size.try_into().unwrap_or_default()));
    if magic != MAGIC || size > META_BYTES_MAX as u64 {
        return Err(broken());
    }
    let at = at.checked_sub(size).ok_or_else(broken)?;
    let mut text = vec![0; usize::try_from(size).unwrap_or_default()];
    file.read_exact_at(&mut text, at)?;
    let meta: Meta = serde_json::from_slice(&text)?;
    if meta.size == at { Ok(meta) } else { Err(broken()) }
}

#[cfg(test)]
mod tests;
