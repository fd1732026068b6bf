//! Signatures as S3 checks them (AWS Signature Version 4), for requests to an outside S3.

use std::collections::BTreeMap;

use http::header::{AUTHORIZATION, HOST, InvalidHeaderValue};
use http::{HeaderMap, HeaderValue, Method};
use model::config_var::Secret;
use model::time::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::digest::{SHA256, digest};
use ring::hmac;

use crate::object::hex;

/// What stays as it is in a query.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What stays as it is in a path.
const KEPT_IN_PATH: &AsciiSet = &KEPT.remove(b'/');
/// In place of a body's hash: it is not known before the body's end.
pub(super) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Who signs, and for where.
pub(super) struct Signer {
    pub(super) access_key: String,
    pub(super) secret_key: Secret,
    pub(super) region: String,
}

/// A request's target, written as it is signed and as it is sent.
pub(super) struct Target {
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: String,
}

impl Target {
    /// `path` and the query's names and values as they are meant.
    pub(super) fn new(host: &str, path: &str, query: &[(&str, String)]) -> Self {
        let encoded = |text: &str| utf8_percent_encode(text, KEPT).to_string();
        let mut pairs: Vec<(String, String)> =
            query.iter().map(|(name, value)| (encoded(name), encoded(value))).collect();
        pairs.sort();
        let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Self { host: host.to_owned(), path: path_of(path), query: pairs.join("&") }
    }
}

/// A path as it is sent.
pub(super) fn path_of(path: &str) -> String {
    utf8_percent_encode(path, KEPT_IN_PATH).to_string()
}

/// The SHA-256 of a body.
pub(super) fn hash_of(body: &[u8]) -> String {
    hex(digest(&SHA256, body).as_ref())
}

impl Signer {
    /// Adds what makes a request ours. Everything about it that is S3's is signed: host and `x-amz-…`.
    pub(super) fn sign(
        &self,
        method: &Method,
        target: &Target,
        headers: &mut HeaderMap,
        body_hash: &str,
        at: Timestamp,
    ) -> Result<(), InvalidHeaderValue> {
        let time: String = at.to_api().chars().filter(|it| !matches!(it, '-' | ':')).collect();
        let day = time.get(..8).unwrap_or_default();
        headers.insert("x-amz-date", HeaderValue::from_str(&time)?);
        headers.insert("x-amz-content-sha256", HeaderValue::from_str(body_hash)?);
        let mut signed: BTreeMap<&str, &[u8]> = BTreeMap::from([(HOST.as_str(), target.host.as_bytes())]);
        let own = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-amz-"));
        signed.extend(own.map(|(name, value)| (name.as_str(), value.as_bytes())));
        let names = signed.keys().copied().collect::<Vec<_>>().join(";");
        let mut canonical = format!("{method}\n{}\n{}\n", target.path, target.query).into_bytes();
        for (name, value) in signed {
            canonical.extend([name.as_bytes(), b":", value.trim_ascii(), b"\n"].concat());
        }
        canonical.extend(format!("\n{names}\n{body_hash}").into_bytes());
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hash_of(&canonical));
        let mut key = format!("AWS4{}", self.secret_key.expose_secret()).into_bytes();
        for part in [day, &self.region, "s3", "aws4_request"] {
            key = hmac_of(&key, part);
        }
        let signature = hex(&hmac_of(&key, &text));
        let credential = format!("{}/{scope}", self.access_key);
        let value =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}");
        let mut value = HeaderValue::from_str(&value)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(())
    }
}

fn hmac_of(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests;
