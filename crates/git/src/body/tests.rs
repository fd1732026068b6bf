use std::io::Write;

use axum::body::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use tokio::runtime::Builder;

use super::{BodyError, Decoder, feed};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn decoder(encoding: Option<&'static str>) -> Option<Decoder> {
    let mut headers = HeaderMap::new();
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Decoder::of(&headers)
}

/// Feeds a body that comes in chunks of `chunk` bytes.
fn fed(encoding: Option<&'static str>, body: &[u8], chunk: usize, max: u64) -> Result<Vec<u8>, BodyError> {
    let chunks: Vec<Result<Bytes, std::io::Error>> =
        body.chunks(chunk.max(1)).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let mut out = Vec::new();
    let decoder = decoder(encoding).expect("a known encoding");
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(feed(Body::from_stream(stream::iter(chunks)), decoder, &mut out, max))?;
    Ok(out)
}

#[test]
fn only_known_encodings_are_taken() {
    for encoding in [None, Some("identity"), Some("gzip"), Some("x-gzip")] {
        assert!(decoder(encoding).is_some(), "{encoding:?}");
    }
    assert!(decoder(Some("br")).is_none());
}

#[test]
fn a_body_that_unpacks_to_more_than_allowed_is_cut_off_early() {
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(matches!(fed(Some("gzip"), &bomb, 1 << 20, 1 << 20), Err(BodyError::TooLarge)));
    assert!(matches!(fed(None, &[0; 100], 10, 99), Err(BodyError::TooLarge)));
    assert_eq!(fed(None, &[0; 100], 10, 100).expect("it fits").len(), 100);
}

#[test]
fn a_body_that_is_no_gzip_is_refused() {
    assert!(matches!(fed(Some("gzip"), b"0000", 4, 100), Err(BodyError::NotGzip(_))));
    let mut broken = gzip(b"some bytes that are checked at the end");
    let len = broken.len();
    broken[len - 6] ^= 1;
    assert!(matches!(fed(Some("gzip"), &broken, 7, 1000), Err(BodyError::NotGzip(_))));
}

#[tokio::test]
async fn the_rest_is_read_when_git_listens_no_longer() {
    let (near, far) = tokio::io::duplex(16);
    drop(far);
    feed(Body::from(vec![1; 1 << 20]), Decoder::Plain, near, 2 << 20).await.expect("read to its end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_packed_is_unpacked(bytes: Vec<u8>, chunk in 1_usize..40) {
        let packed = gzip(&bytes);
        prop_assert_eq!(fed(Some("gzip"), &packed, chunk, 1 << 20).expect("good gzip"), bytes.clone());
        prop_assert_eq!(fed(None, &bytes, chunk, 1 << 20).expect("plain"), bytes);
    }

    #[test]
    fn any_bytes_are_unpacked_or_refused(junk in any::<Vec<u8>>(), cut in 0_usize..60) {
        let mut packed = gzip(&junk);
        packed.truncate(cut);
        for bytes in [junk, packed] {
            if let Ok(out) = fed(Some("gzip"), &bytes, 16, 1 << 16) {
                prop_assert!(out.len() <= 1 << 16);
            }
        }
    }
}
