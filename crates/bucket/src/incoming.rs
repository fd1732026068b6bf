//! Bytes on their way in: what their sender says of them, and whether that is so.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use http::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{ChecksumAlgorithm, StreamingBlob};
use s3s::stream::ByteStream;
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders};

use crate::object::Sums;

/// Longest silence of a client in the middle of an upload.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How much of a refused upload is read on, and for how long, so that its client gets to see why.
pub(crate) const DRAINED_BYTES_MAX: u64 = 16 << 20;
const DRAIN_WITHIN: Duration = Duration::from_secs(5);
/// Largest object in one request, in bytes, as S3's; larger ones come in parts.
pub(crate) const PUT_BYTES_MAX: u64 = 5 << 30;

/// What a client says of the bytes it sends.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) length: Option<i64>,
    pub(crate) md5: Option<String>,
    pub(crate) algorithm: Option<ChecksumAlgorithm>,
    pub(crate) sums: Sums,
    pub(crate) trailers: Option<TrailingHeaders>,
}

/// A request's bytes.
pub(crate) struct Incoming {
    body: Option<StreamingBlob>,
    pub(crate) expected: Expected,
    /// How many its sender announces; none when it does not.
    pub(crate) announced: Option<u64>,
    wanted: ChecksumHasher,
}

/// Hashes of bytes as they come.
pub(crate) struct Hashes {
    md5: Md5,
    sums: ChecksumHasher,
}

/// What [`Hashes`] come to.
#[derive(Debug, Clone)]
pub(crate) struct Hashed {
    pub(crate) md5: [u8; 16],
    pub(crate) sums: Sums,
}

impl Incoming {
    /// Of a request with these headers.
    pub(crate) fn new(
        body: Option<StreamingBlob>,
        expected: Expected,
        headers: &HeaderMap,
    ) -> S3Result<Self> {
        // What comes in chunks has its length in a header of its own.
        let decoded =
            headers.get("x-amz-decoded-content-length").and_then(|it| it.to_str().ok()?.parse().ok());
        let announced = expected.length.and_then(|length| u64::try_from(length).ok()).or(decoded);
        let known = || match &body {
            Some(body) => body.remaining_length().exact().and_then(|length| u64::try_from(length).ok()),
            None => Some(0),
        };
        let announced = announced.or_else(known);
        let wanted = wanted(&expected, headers)?;
        Ok(Self { body, expected, announced, wanted })
    }

    /// For what is to be computed of the bytes; once.
    pub(crate) fn hashes(&mut self) -> Hashes {
        Hashes { md5: Md5::new(), sums: std::mem::take(&mut self.wanted) }
    }

    /// The next bytes; none at their end.
    pub(crate) async fn next(&mut self) -> S3Result<Option<Bytes>> {
        let Some(body) = &mut self.body else { return Ok(None) };
        let next = tokio::time::timeout(SILENCE_MAX, body.next()).await.map_err(|_| {
            let message = "Your socket connection to the server was not read from or written to within the timeout \
                           period.";
            S3Error::with_message(S3ErrorCode::RequestTimeout, message)
        })?;
        next.transpose().map_err(|cause| S3Error::with_source(S3ErrorCode::IncompleteBody, cause))
    }

    /// Refuses what is shorter or longer than was announced.
    pub(crate) fn check_size(&self, size: u64) -> S3Result<()> {
        match self.announced {
            Some(announced) if announced > 0 && announced != size => Err(S3Error::with_message(
                S3ErrorCode::IncompleteBody,
                "You did not provide the number of bytes specified by the Content-Length HTTP header",
            )),
            _ => Ok(()),
        }
    }

    /// Reads on for a while, and forgets it: who still sends does not listen yet.
    pub(crate) async fn drain(&mut self) {
        let Some(body) = &mut self.body else { return };
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
}

impl Hashes {
    /// MD5 alone.
    pub(crate) fn of_etag() -> Self {
        Self { md5: Md5::new(), sums: ChecksumHasher::default() }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sums.update(bytes);
    }

    pub(crate) fn finish(self) -> Hashed {
        let sums = self.sums.finalize();
        let sums = Sums {
            crc32: sums.checksum_crc32,
            crc32c: sums.checksum_crc32c,
            crc64nvme: sums.checksum_crc64nvme,
            sha1: sums.checksum_sha1,
            sha256: sums.checksum_sha256,
        };
        Hashed { md5: self.md5.finalize(), sums }
    }
}

impl Expected {
    /// Compares with what has come; all bytes have to be taken, for some hashes come behind them.
    pub(crate) fn check(&self, hashed: &Hashed) -> S3Result<()> {
        if let Some(md5) = &self.md5 {
            let Some(md5) = STANDARD.decode(md5).ok().filter(|md5| md5.len() == hashed.md5.len()) else {
                let message = "The Content-MD5 you specified is not valid.";
                return Err(S3Error::with_message(S3ErrorCode::InvalidDigest, message));
            };
            if md5 != hashed.md5 {
                let message = "The Content-MD5 you specified did not match what we received.";
                return Err(S3Error::with_message(S3ErrorCode::BadDigest, message));
            }
        }
        let trailers = self.trailers.as_ref().and_then(TrailingHeaders::take).unwrap_or_default();
        let trailer =
            |name: &str| trailers.get(format!("x-amz-checksum-{name}")).and_then(|it| it.to_str().ok());
        for ((name, said), (_, got)) in self.sums.named().into_iter().zip(hashed.sums.named()) {
            let said = said.or_else(|| trailer(name));
            if said.is_some_and(|said| got != Some(said)) {
                let name = name.to_uppercase();
                let message = format!("The {name} you specified did not match the calculated checksum.");
                return Err(S3Error::with_message(S3ErrorCode::BadDigest, message));
            }
        }
        Ok(())
    }
}

/// Which checksums to compute: those given, announced for the end, or named.
fn wanted(expected: &Expected, headers: &HeaderMap) -> S3Result<ChecksumHasher> {
    let mut wanted = ChecksumHasher::default();
    let announced = headers.get_all("x-amz-trailer").iter().filter_map(|it| it.to_str().ok());
    let announced =
        announced.flat_map(|it| it.split(',')).filter_map(|it| it.trim().strip_prefix("x-amz-checksum-"));
    let named = expected.algorithm.iter().map(ChecksumAlgorithm::as_str);
    let given = expected.sums.named().into_iter().filter(|(_, sum)| sum.is_some()).map(|(name, _)| name);
    for name in announced.chain(named).chain(given) {
        match name.to_ascii_uppercase().as_str() {
            ChecksumAlgorithm::CRC32 => drop(wanted.crc32.get_or_insert_default()),
            ChecksumAlgorithm::CRC32C => drop(wanted.crc32c.get_or_insert_default()),
            ChecksumAlgorithm::CRC64NVME => drop(wanted.crc64nvme.get_or_insert_default()),
            ChecksumAlgorithm::SHA1 => drop(wanted.sha1.get_or_insert_default()),
            ChecksumAlgorithm::SHA256 => drop(wanted.sha256.get_or_insert_default()),
            _ => {
                let message = "Checksum algorithm provided is unsupported.";
                return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, message));
            }
        }
    }
    Ok(wanted)
}
