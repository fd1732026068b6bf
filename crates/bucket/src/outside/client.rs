//! Requests to an outside S3, signed with our keys, and what its errors mean to an app.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use model::error::chain;
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Response, Url};
use s3s::xml::DeResult;
use s3s::{S3Error, S3ErrorCode, S3Result};
use tracing::error;

use super::answers;
use super::sign::{Signer, Target, UNSIGNED, hash_of};
use super::{OutsideConfig, OutsideError};
use crate::refusal::{away, failed, internal, missing};
use crate::serve::Clock;

/// Until there is a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Longest time without a byte moving, in either direction.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Until a connection that nobody uses is closed.
const IDLE_WITHIN: Duration = Duration::from_secs(30);
/// Largest answer in XML, in bytes: a page of a thousand long names.
const XML_BYTES_MAX: usize = 8 << 20;
/// The same trouble is told in our log so often.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// What is the app's own doing, or its object's; anything else the outside S3 says is between it and us.
const PASSED: [&str; 22] = [
    "BadDigest",
    "ConditionalRequestConflict",
    "EntityTooLarge",
    "EntityTooSmall",
    "IncompleteBody",
    "InternalError",
    "InvalidArgument",
    "InvalidDigest",
    "InvalidPart",
    "InvalidPartOrder",
    "InvalidRange",
    "InvalidRequest",
    "KeyTooLongError",
    "MalformedXML",
    "MetadataTooLarge",
    "MethodNotAllowed",
    "NoSuchKey",
    "NoSuchUpload",
    "NotImplemented",
    "PreconditionFailed",
    "RequestTimeout",
    "ServiceUnavailable",
];

/// An outside S3.
pub(crate) struct Outside {
    http: Client,
    signer: Signer,
    clock: Clock,
    /// As it was given, for messages.
    pub(super) url: String,
    scheme: String,
    /// With its port, as requests name it.
    host: String,
    pub(super) bucket: String,
    /// The beginning of all names, empty or with a slash at its end.
    folder: String,
    told: Mutex<Option<Instant>>,
}

/// One request.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// The whole name; none for the bucket itself.
    pub(super) key: Option<&'a str>,
    pub(super) query: Vec<(&'a str, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Payload,
}

/// What a request brings.
#[derive(Debug)]
pub(super) enum Payload {
    Whole(Bytes),
    Stream { body: Body, length: u64 },
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, key: Option<&'a str>) -> Self {
        let body = Payload::Whole(Bytes::new());
        Self { method, key, query: Vec::new(), headers: HeaderMap::new(), body }
    }

    pub(super) fn query(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Outside {
    pub(crate) fn new(config: OutsideConfig, clock: Clock) -> Result<Self, OutsideError> {
        let OutsideConfig { url, region, access_key, secret_key } = config;
        let wrong = || OutsideError::Url { url: url.clone() };
        let parsed: Url = url.parse().map_err(|_| wrong())?;
        let plain = matches!(parsed.scheme(), "http" | "https")
            && parsed.username().is_empty()
            && parsed.password().is_none()
            && parsed.query().is_none()
            && parsed.fragment().is_none();
        let name = parsed.host_str().filter(|_| plain).ok_or_else(wrong)?;
        let host = match parsed.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        let path = parsed.path().trim_matches('/');
        let (bucket, folder) = path.split_once('/').unwrap_or((path, ""));
        let is_name = |text: &str| text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_./".contains(&it));
        if bucket.is_empty() || !is_name(bucket) || !is_name(folder) {
            return Err(wrong());
        }
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        // Somebody else may have been first; there is one provider in this program.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .pool_idle_timeout(IDLE_WITHIN)
            .redirect(Policy::none())
            .no_proxy()
            .http1_only()
            .user_agent("hokku")
            .build()
            .map_err(OutsideError::NoClient)?;
        Ok(Self {
            http,
            signer: Signer { access_key, secret_key, region },
            clock,
            scheme: parsed.scheme().to_owned(),
            host,
            bucket: bucket.to_owned(),
            folder,
            url,
            told: Mutex::default(),
        })
    }

    /// How all names of one of our buckets begin.
    pub(super) fn folder_of(&self, bucket: &str) -> String {
        format!("{}{bucket}/", self.folder)
    }

    /// Looks whether everything that is needed is allowed.
    pub(super) async fn check(&self, probe: &str) -> Result<(), OutsideError> {
        let key = format!("{}{probe}", self.folder);
        let list = Call::new(Method::GET, None).query("list-type", "2").query("max-keys", "1");
        let put =
            Call { body: Payload::Whole(Bytes::from_static(b"hokku")), ..Call::new(Method::PUT, Some(&key)) };
        let steps = [
            ("list its names", list.query("prefix", self.folder.clone())),
            ("take an object", put),
            ("remove an object", Call::new(Method::DELETE, Some(&key))),
        ];
        for (doing, call) in steps {
            let url = self.url.clone();
            let answer = match self.ask(call, &AtomicU64::new(0)).await {
                Ok(answer) => answer,
                Err(why) => return Err(OutsideError::Away { url, why: why.to_string() }),
            };
            let status = answer.status();
            if status.is_success() {
                continue;
            }
            let told = answers::told(&text_of(answer).await.unwrap_or_default()).unwrap_or_default();
            let why = format!("{status} {} {}", told.code, told.message).trim().to_owned();
            if status.is_server_error() {
                return Err(OutsideError::Away { url, why });
            }
            return Err(OutsideError::Refused { url, doing, why });
        }
        Ok(())
    }

    /// Asks, and gets an answer that is no error.
    pub(super) async fn call(&self, call: Call<'_>) -> S3Result<Response> {
        self.call_watched(call, &AtomicU64::new(0)).await
    }

    /// The same, for a body that tells by `progress` that it moves.
    pub(super) async fn call_watched(&self, call: Call<'_>, progress: &AtomicU64) -> S3Result<Response> {
        let has_key = call.key.is_some();
        let answer = self.ask(call, progress).await.map_err(|trouble| self.trouble(&trouble))?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.refusal(answer, has_key).await) }
    }

    /// Asks for XML.
    pub(super) async fn read<T>(
        &self,
        call: Call<'_>,
        read: impl FnOnce(&[u8]) -> DeResult<T>,
    ) -> S3Result<T> {
        let text = self.text(call).await?;
        read(&text).map_err(|wrong| self.trouble(&format!("an answer that is not S3's: {wrong}")))
    }

    /// Asks for a text.
    pub(super) async fn text(&self, call: Call<'_>) -> S3Result<Bytes> {
        let answer = self.call(call).await?;
        text_of(answer).await.map_err(|trouble| self.trouble(&trouble))
    }

    async fn ask(&self, call: Call<'_>, progress: &AtomicU64) -> Result<Response, Trouble> {
        let Call { method, key, query, mut headers, body } = call;
        let path = key.map_or_else(|| format!("/{}", self.bucket), |key| format!("/{}/{key}", self.bucket));
        let target = Target::new(&self.host, &path, &query);
        let hash = match &body {
            Payload::Whole(bytes) => hash_of(bytes),
            Payload::Stream { .. } => UNSIGNED.to_owned(),
        };
        let signed = self.signer.sign(&method, &target, &mut headers, &hash, (self.clock)());
        signed.map_err(|_| Trouble("the keys cannot be written as headers".to_owned()))?;
        let mark = if target.query.is_empty() { "" } else { "?" };
        let Target { host, path, query } = target;
        let url = format!("{}://{host}{path}{mark}{query}", self.scheme);
        let body = match body {
            Payload::Whole(bytes) => Body::from(bytes),
            Payload::Stream { body, length } => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
                body
            }
        };
        let sent = self.http.request(method, url).headers(headers).body(body).send();
        tokio::select! {
            answer = sent => answer.map_err(|error| Trouble(chain(&error.without_url()))),
            () = stands_still(progress) => {
                Err(Trouble(format!("silent for {} seconds", SILENCE_MAX.as_secs())))
            }
        }
    }

    /// It did not answer, or not as S3 does: told in our log, and to the app as something that passes.
    pub(super) fn trouble(&self, why: &dyn fmt::Display) -> S3Error {
        self.tell(why);
        away()
    }

    fn tell(&self, why: &dyn fmt::Display) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            *told = Some(Instant::now());
            error!("the outside S3 at {} fails: {why}", self.url);
        }
    }

    /// What an error of theirs is to an app.
    async fn refusal(&self, answer: Response, has_key: bool) -> S3Error {
        let (status, headers) = (answer.status(), answer.headers().clone());
        let told = answers::told(&text_of(answer).await.unwrap_or_default()).unwrap_or_default();
        match (status, told.code.as_str()) {
            (StatusCode::NOT_MODIFIED, _) => {
                return crate::objects::not_modified(&answers::described("", &headers));
            }
            (StatusCode::PRECONDITION_FAILED, _) => return failed(),
            (StatusCode::NOT_FOUND, "") if has_key => return missing(),
            (StatusCode::NOT_FOUND, "NoSuchKey") => return missing(),
            (StatusCode::RANGE_NOT_SATISFIABLE, _) => {
                return crate::objects::out_of_range(answers::described("", &headers).size);
            }
            _ => {}
        }
        if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
            return self.trouble(&format!("{status} {}", told.code));
        }
        self.passed(status, told)
    }

    /// An error that is told in a body.
    pub(super) fn passed(&self, status: StatusCode, told: answers::Told) -> S3Error {
        let code = S3ErrorCode::from_bytes(told.code.as_bytes());
        match code.filter(|_| PASSED.contains(&told.code.as_str())) {
            Some(code) => S3Error::with_message(code, told.message),
            None => {
                // Its message may hold an app's names.
                self.tell(&format!("{status} {}", told.code));
                internal()
            }
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Trouble(String);

/// Ends when nothing has moved for a while.
async fn stands_still(progress: &AtomicU64) {
    let mut before = progress.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(SILENCE_MAX).await;
        let now = progress.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}

async fn text_of(answer: Response) -> Result<Bytes, Trouble> {
    let mut text = Vec::new();
    let mut stream = answer.bytes_stream();
    loop {
        let next = tokio::time::timeout(SILENCE_MAX, stream.next()).await;
        let next = next.map_err(|_| Trouble("silent in the middle of an answer".to_owned()))?;
        let Some(chunk) = next else { return Ok(text.into()) };
        text.extend(chunk.map_err(|error| Trouble(chain(&error.without_url())))?);
        if text.len() > XML_BYTES_MAX {
            return Err(Trouble("an answer that is too long".to_owned()));
        }
    }
}
