//! Bytes on their way through to an outside S3. Small ones are taken whole and checked first. Of large ones the last are
//! held back until all of them are known to be what their sender says, so that a wrong one never becomes an object there.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use reqwest::Body;
use s3s::{S3Error, S3ErrorCode, S3Result};
use tokio::sync::Mutex;

use super::answers;
use super::client::{Call, Outside, Payload};
use crate::incoming::{Hashed, Hashes, Incoming, PUT_BYTES_MAX};
use crate::refusal::too_large;

/// Up to so many bytes are taken whole.
const WHOLE_BYTES_MAX: u64 = 256 << 10;
const MD5: &str = "content-md5";

/// A request's bytes with what is found out about them.
struct Passing {
    incoming: Mutex<Incoming>,
    progress: AtomicU64,
    /// How it ended, once it has.
    outcome: std::sync::Mutex<Option<S3Result<Hashed>>>,
}

/// How many bytes a request brings.
pub(super) fn length_of(incoming: &Incoming) -> S3Result<u64> {
    match incoming.announced {
        Some(length) if length <= PUT_BYTES_MAX => Ok(length),
        Some(_) => Err(too_large()),
        None => Err(S3Error::with_message(
            S3ErrorCode::MissingContentLength,
            "You must provide the Content-Length HTTP header.",
        )),
    }
}

/// Takes a small body whole, and checks it.
pub(super) async fn whole(incoming: &mut Incoming, length: u64) -> S3Result<Option<(Bytes, Hashed)>> {
    if length > WHOLE_BYTES_MAX {
        return Ok(None);
    }
    let (mut bytes, mut hashes) = (Vec::new(), incoming.hashes());
    while let Some(chunk) = incoming.next().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > length {
            break;
        }
    }
    hashes.update(&bytes);
    incoming.check_size(bytes.len() as u64)?;
    let hashed = hashes.finish();
    incoming.expected.check(&hashed)?;
    Ok(Some((bytes.into(), hashed)))
}

/// Sends a small body.
pub(super) async fn send_whole(
    outside: &Outside,
    mut call: Call<'_>,
    bytes: Bytes,
) -> S3Result<reqwest::Response> {
    if let Ok(md5) = HeaderValue::try_from(answers::md5_of(&bytes)) {
        call.headers.insert(MD5, md5);
    }
    outside.call(Call { body: Payload::Whole(bytes), ..call }).await
}

/// Passes a large body on as it comes.
pub(super) async fn send_through(
    outside: &Outside,
    mut call: Call<'_>,
    mut incoming: Incoming,
    length: u64,
) -> S3Result<(reqwest::Response, Hashed)> {
    if let Some(md5) = incoming.expected.md5.as_ref().and_then(|md5| HeaderValue::try_from(md5).ok()) {
        call.headers.insert(MD5, md5);
    }
    let hashes = incoming.hashes();
    let passing = Arc::new(Passing {
        incoming: Mutex::new(incoming),
        progress: AtomicU64::new(0),
        outcome: std::sync::Mutex::default(),
    });
    let body = body(Arc::clone(&passing), hashes);
    let sent = outside
        .call_watched(Call { body: Payload::Stream { body, length }, ..call }, &passing.progress)
        .await;
    let outcome = passing.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (sent, outcome) {
        (_, Some(Err(refused))) => Err(refused),
        (Ok(answer), Some(Ok(hashed))) => Ok((answer, hashed)),
        (sent, _) => {
            // Who still sends does not listen yet.
            passing.incoming.lock().await.drain().await;
            Err(sent.err().unwrap_or_else(|| outside.trouble(&"an answer before the end of the upload")))
        }
    }
}

fn body(passing: Arc<Passing>, hashes: Hashes) -> Body {
    let start = (passing, Some(hashes), None::<Bytes>, 0_u64);
    Body::wrap_stream(stream::try_unfold(start, |(passing, mut hashes, mut held, mut size)| async move {
        loop {
            let Some(known) = &mut hashes else { return Ok::<_, io::Error>(None) };
            let next = passing.incoming.lock().await.next().await;
            passing.progress.fetch_add(1, Ordering::Relaxed);
            match next {
                Ok(Some(bytes)) => {
                    known.update(&bytes);
                    size += bytes.len() as u64;
                    if let Some(ready) = held.replace(bytes) {
                        return Ok(Some((ready, (passing, hashes, held, size))));
                    }
                }
                Ok(None) => {
                    let hashed = hashes.take().map(Hashes::finish);
                    let Some(hashed) = hashed else { return Ok(None) };
                    let checked = {
                        let incoming = passing.incoming.lock().await;
                        incoming.check_size(size).and_then(|()| incoming.expected.check(&hashed))
                    };
                    end(&passing, checked.map(|()| hashed))?;
                    return Ok(held.take().map(|last| (last, (passing, None, None, size))));
                }
                Err(error) => end(&passing, Err(error))?,
            }
        }
    }))
}

/// Notes how it ended; an error breaks the request off.
fn end(passing: &Passing, outcome: S3Result<Hashed>) -> io::Result<()> {
    let is_good = outcome.is_ok();
    *passing.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    if is_good { Ok(()) } else { Err(io::Error::other("the upload is not what its sender says")) }
}
