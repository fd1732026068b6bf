//! The objects of one of our buckets in an outside S3.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{Stream, StreamExt, stream};
use http::header::{
    ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use s3s::dto::{StreamingBlob, Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, S3Result};
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use super::answers;
use super::client::{Call, Outside, Payload, SILENCE_MAX};
use super::ledger::{Ledger, Reservation, Verdict};
use super::sign::path_of;
use super::upload::{length_of, send_through, send_whole, whole};
use crate::incoming::Incoming;
use crate::index::{Item, PAGE_MAX, Page, Query};
use crate::object::{Meta, hex};
use crate::objects::{
    Asked, Begun, Condition, Conditions, Copying, Found, Held, Limit, Named, Objects, Part, Source, Upload,
};
use crate::refusal::denied;

/// Longest wait of a writer for the first count of what there is; a large bucket takes longer, and its limit holds from
/// then on.
const COUNT_WITHIN: Duration = Duration::from_secs(5);
/// How long a bucket is emptied in one go, less than who asked for it waits. It goes on when asked again.
const CLEAR_WITHIN: Duration = Duration::from_secs(45);
/// The bytes that the names of objects may have, as S3's, ours in front of them included.
const KEY_BYTES_MAX: usize = 1024;

/// One of our buckets.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    outside: Arc<Outside>,
    /// How all its names begin there.
    folder: String,
    ledger: Arc<Ledger>,
    /// Writers hold it; true once the bucket is to be gone.
    gate: Arc<RwLock<bool>>,
    counting: Arc<tokio::sync::Mutex<()>>,
}

impl Remote {
    pub(crate) fn new(outside: Arc<Outside>, bucket: &str, limit: Limit) -> Self {
        let folder = outside.folder_of(bucket);
        let (gate, counting) = (Arc::default(), Arc::default());
        Self { outside, folder, ledger: Ledger::new(limit), gate, counting }
    }

    /// The whole name of an object of ours.
    fn name(&self, key: &str) -> S3Result<String> {
        if key.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(S3Error::with_message(
                S3ErrorCode::InvalidArgument,
                "The name of an object cannot have `.` or `..` between slashes on this platform.",
            ));
        }
        let name = format!("{}{key}", self.folder);
        if name.len() > KEY_BYTES_MAX {
            return Err(S3Error::with_message(S3ErrorCode::KeyTooLongError, "Your key is too long"));
        }
        Ok(name)
    }

    /// What an app calls an object with this whole name; none if it is not its own, whatever the outside S3 lists.
    fn own(&self, name: &str) -> Option<String> {
        name.strip_prefix(&self.folder).map(str::to_owned)
    }

    /// What a copy is made of.
    fn source(&self, key: &str) -> S3Result<HeaderValue> {
        let source = format!("/{}/{}", self.outside.bucket, path_of(&self.name(key)?));
        HeaderValue::try_from(source).map_err(|_| S3Error::new(S3ErrorCode::InvalidArgument))
    }

    /// Lets a writer in, unless the bucket goes.
    async fn enter(&self) -> S3Result<OwnedRwLockReadGuard<bool>> {
        let inside = Arc::clone(&self.gate).read_owned().await;
        if *inside { Err(denied()) } else { Ok(inside) }
    }

    /// Room for `more` bytes. What is in their place now is looked at before they are refused.
    async fn room(&self, key: Option<&str>, more: u64) -> S3Result<Reservation> {
        if let Verdict::Fits(room) = self.ledger.reserve(0, more) {
            return Ok(room);
        }
        let less = match key {
            Some(key) => self.find(key).await?.map_or(0, |meta| meta.size),
            None => 0,
        };
        if let Verdict::Fits(room) = self.ledger.reserve(less, more) {
            return Ok(room);
        }
        let counting = self.clone();
        let counted = tokio::spawn(async move { counting.count().await });
        // One that takes longer goes on.
        if let Ok(Ok(Err(error))) = tokio::time::timeout(COUNT_WITHIN, counted).await {
            return Err(error);
        }
        match self.ledger.reserve(less, more) {
            Verdict::Fits(room) => Ok(room),
            Verdict::Refused(refused) => Err(refused),
            Verdict::Unsure => Ok(self.ledger.trust(more)),
        }
    }

    /// The same for a request's bytes, which are read on when there is none.
    async fn room_for(&self, key: Option<&str>, more: u64, incoming: &mut Incoming) -> S3Result<Reservation> {
        let room = self.room(key, more).await;
        if room.is_err() {
            incoming.drain().await;
        }
        room
    }

    /// An object, if there is one.
    async fn find(&self, key: &str) -> S3Result<Option<Meta>> {
        match self.head(key).await {
            Err(error) if *error.code() == S3ErrorCode::NoSuchKey => Ok(None),
            found => found.map(Some),
        }
    }

    /// Counts everything, one at a time.
    async fn count(&self) -> S3Result<Held> {
        let _alone = self.counting.lock().await;
        self.ledger.begin_count();
        let (mut usage, mut after) = (Held::default(), String::new());
        loop {
            let page = self.page(&Query { prefix: "", delimiter: "", after: &after, max: PAGE_MAX }).await?;
            for item in &page.items {
                if let Item::Object(_, entry) = item {
                    usage.objects += 1;
                    usage.bytes += entry.size;
                }
            }
            match page.next {
                Some(next) => after = next,
                None => return Ok(self.ledger.counted(usage)),
            }
        }
    }

    /// Sends a request's bytes to where `call` says; ETag and checksums come back.
    async fn send(
        &self,
        mut call: Call<'_>,
        mut incoming: Incoming,
        plan: &Meta,
        length: u64,
    ) -> S3Result<Meta> {
        let taken = whole(&mut incoming, length).await;
        if taken.is_err() {
            incoming.drain().await;
        }
        let taken = taken?;
        let sums = taken.as_ref().map(|(_, hashed)| hashed.sums.clone()).unwrap_or_default();
        // A part is not described; what it has to be is told when its upload begins.
        if !plan.key.is_empty() {
            call.headers.extend(answers::description(&Meta { sums, ..plan.clone() })?);
        }
        let (answer, hashed) = match taken {
            Some((bytes, hashed)) => (send_whole(&self.outside, call, bytes).await?, hashed),
            None => send_through(&self.outside, call, incoming, length).await?,
        };
        let etag = answer.headers().get(ETAG).and_then(|it| it.to_str().ok()).map(answers::bare);
        let etag = etag.unwrap_or_else(|| hex(&hashed.md5));
        Ok(Meta { size: length, etag, sums: hashed.sums, ..plan.clone() })
    }

    /// Removes names, some at a time; what could not be removed comes back with S3's word for why.
    async fn remove_all(&self, names: &[String]) -> S3Result<BTreeMap<String, String>> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (body, md5) = answers::removal(names);
        let mut call = Call::new(Method::POST, None).query("delete", "");
        if let Ok(md5) = HeaderValue::try_from(md5) {
            call.headers.insert(HeaderName::from_static("content-md5"), md5);
        }
        self.outside.read(Call { body: Payload::Whole(body), ..call }, answers::not_removed).await
    }

    async fn remove_one(&self, key: &str, condition: &Condition) -> S3Result<()> {
        let name = self.name(key)?;
        let mut call = Call::new(Method::DELETE, Some(&name));
        call.headers = on_condition(condition);
        match self.outside.call(call).await {
            Err(error) if *error.code() == S3ErrorCode::NoSuchKey && condition.matches.is_none() => Ok(()),
            other => other.map(drop),
        }
    }

    async fn empty(&self) -> S3Result<()> {
        let mut closed = self.gate.write().await;
        *closed = true;
        loop {
            let page = self.page(&Query { prefix: "", delimiter: "", after: "", max: PAGE_MAX }).await?;
            let names: Vec<String> =
                page.items.iter().map(|item| format!("{}{}", self.folder, item.name())).collect();
            if names.is_empty() {
                break;
            }
            // XML has no way to write some names.
            let (odd, plain): (Vec<String>, Vec<String>) =
                names.into_iter().partition(|name| name.contains(char::is_control));
            for name in odd {
                self.outside.call(Call::new(Method::DELETE, Some(&name))).await?;
            }
            if let Some(code) = self.remove_all(&plain).await?.values().next() {
                let why = format!("it did not remove an object ({code})");
                return Err(self.outside.trouble(&why));
            }
        }
        let begun = match self.uploads("").await {
            // Not every S3 can tell; what is left there is its owner's to clear.
            Err(error) if matches!(error.code(), S3ErrorCode::NotImplemented) => Vec::new(),
            begun => begun?,
        };
        for Begun { key, id, .. } in begun {
            match self.abort(&Upload { id, key, now: 0 }).await {
                Err(error) if *error.code() == S3ErrorCode::NoSuchUpload => {}
                aborted => aborted?,
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Objects for Remote {
    async fn get(&self, key: &str, asked: Asked) -> S3Result<Found> {
        let name = self.name(key)?;
        let range = match (asked.range, &asked.if_range) {
            (Some(range), Some(_)) => {
                let is_fresh = asked.is_fresh(&self.head(key).await?);
                is_fresh.then_some(range)
            }
            (range, _) => range,
        };
        let mut call = Call::new(Method::GET, Some(&name));
        call.headers = of_reader(&asked.conditions);
        if let Some(range) = range.and_then(|range| HeaderValue::try_from(range.to_header_string()).ok()) {
            call.headers.insert(RANGE, range);
        }
        let answer = self.outside.call(call).await?;
        let meta = answers::described(key, answer.headers());
        // Not every S3 knows every condition.
        asked.conditions.check(&meta)?;
        let served = answers::served_range(answer.headers());
        let range = served.filter(|_| answer.status() == StatusCode::PARTIAL_CONTENT);
        let range = range.unwrap_or(0..meta.size);
        Ok(Found { meta, range, body: StreamingBlob::wrap(lively(answer.bytes_stream())) })
    }

    async fn head(&self, key: &str) -> S3Result<Meta> {
        let name = self.name(key)?;
        let answer = self.outside.call(Call::new(Method::HEAD, Some(&name))).await?;
        Ok(answers::described(key, answer.headers()))
    }

    async fn is_public(&self, key: &str) -> S3Result<bool> {
        Ok(self.find(key).await?.is_some_and(|meta| meta.public))
    }

    async fn put(&self, plan: Meta, mut incoming: Incoming, condition: Condition) -> S3Result<Meta> {
        let _inside = self.enter().await?;
        let name = self.name(&plan.key)?;
        let length = length_of(&incoming)?;
        let room = self.room_for(Some(&plan.key), length, &mut incoming).await?;
        let mut call = Call::new(Method::PUT, Some(&name));
        call.headers = on_condition(&condition);
        let meta = self.send(call, incoming, &plan, length).await?;
        room.became_object();
        Ok(meta)
    }

    async fn copy(&self, source: &str, copying: Copying) -> S3Result<Meta> {
        let _inside = self.enter().await?;
        let from = self.head(source).await?;
        let version = format!("\"{}\"", from.etag);
        let meta = copying.settle(from)?;
        let name = self.name(&meta.key)?;
        let room = self.room(Some(&meta.key), meta.size).await?;
        let mut call = Call::new(Method::PUT, Some(&name));
        call.headers = answers::description(&meta)?;
        call.headers.insert("x-amz-copy-source", self.source(source)?);
        // Another version would come without the description that belongs to it.
        if let Ok(version) = HeaderValue::try_from(version) {
            call.headers.insert("x-amz-copy-source-if-match", version);
        }
        call.headers.insert("x-amz-metadata-directive", HeaderValue::from_static("REPLACE"));
        let text = self.outside.text(call).await?;
        let etag = self.told_in_body(&text, "CopyObjectResult")?;
        room.became_object();
        Ok(Meta { etag, ..meta })
    }

    async fn remove(&self, keys: Vec<(String, Condition)>) -> S3Result<Vec<S3Result<()>>> {
        let _inside = self.enter().await?;
        let is_plain = keys.iter().all(|(_, condition)| condition.matches.is_none());
        let mut done = Vec::new();
        if let (true, true) = (is_plain, keys.len() > 1) {
            let names: Vec<S3Result<String>> = keys.iter().map(|(key, _)| self.name(key)).collect();
            let asked: Vec<String> = names.iter().filter_map(|name| name.as_ref().ok().cloned()).collect();
            let failed = self.remove_all(&asked).await?;
            let result = |name: S3Result<String>| match failed.get(&name?) {
                None => Ok(()),
                Some(code) => {
                    let told = answers::Told { code: code.clone(), message: String::new() };
                    Err(self.outside.passed(StatusCode::OK, told))
                }
            };
            done.extend(names.into_iter().map(result));
        } else {
            for (key, condition) in &keys {
                done.push(self.remove_one(key, condition).await);
            }
        }
        self.ledger.changed();
        Ok(done)
    }

    async fn page(&self, query: &Query<'_>) -> S3Result<Page> {
        let Query { prefix, delimiter, after, max } = *query;
        let mut call = Call::new(Method::GET, None)
            .query("list-type", "2")
            .query("encoding-type", "url")
            .query("max-keys", max.to_string())
            .query("prefix", format!("{}{prefix}", self.folder));
        if !delimiter.is_empty() {
            call = call.query("delimiter", delimiter);
        }
        if !after.is_empty() {
            // A page that ended with a common prefix goes on behind all names below it.
            let below = !delimiter.is_empty() && after.starts_with(prefix) && after.ends_with(delimiter);
            let end = if below { char::MAX.to_string() } else { String::new() };
            call = call.query("start-after", format!("{}{after}{end}", self.folder));
        }
        let found = self.outside.read(call, answers::names).await?;
        let own = |item: Item| match item {
            Item::Object(name, entry) => Some(Item::Object(self.own(&name)?, entry)),
            Item::Prefix(name) => Some(Item::Prefix(self.own(&name)?)),
        };
        let items: Vec<Item> = found.items.into_iter().filter_map(own).collect();
        let next = items.last().filter(|_| found.is_truncated).map(|item| item.name().to_owned());
        Ok(Page { items, next })
    }

    async fn begin(&self, plan: Meta) -> S3Result<String> {
        let _inside = self.enter().await?;
        self.ledger.check_uploads()?;
        let name = self.name(&plan.key)?;
        let mut call = Call::new(Method::POST, Some(&name)).query("uploads", "");
        call.headers = answers::description(&plan)?;
        let read = |xml: &[u8]| answers::field(xml, "InitiateMultipartUploadResult", b"UploadId");
        let id = self.outside.read(call, read).await?;
        self.ledger.begun(&id);
        Ok(id)
    }

    async fn put_part(&self, upload: &Upload, number: u32, mut incoming: Incoming) -> S3Result<Meta> {
        let _inside = self.enter().await?;
        let name = self.name(&upload.key)?;
        let length = length_of(&incoming)?;
        let room = self.room_for(None, length, &mut incoming).await?;
        let call = of_upload(Method::PUT, &name, upload).query("partNumber", number.to_string());
        let part = Meta { modified: upload.now, ..Meta::default() };
        let meta = self.send(call, incoming, &part, length).await?;
        room.became_part(&upload.id);
        Ok(meta)
    }

    async fn copy_part(&self, upload: &Upload, number: u32, source: Source) -> S3Result<String> {
        let Source { key: source, range } = source;
        let _inside = self.enter().await?;
        let name = self.name(&upload.key)?;
        let from = self.head(&source).await?;
        let taken = range.map_or(Ok(0..from.size), |range| range.check(from.size))?;
        let room = self.room(None, taken.end - taken.start).await?;
        let mut call = of_upload(Method::PUT, &name, upload).query("partNumber", number.to_string());
        call.headers.insert("x-amz-copy-source", self.source(&source)?);
        if range.is_some() {
            let text = format!("bytes={}-{}", taken.start, taken.end - 1);
            let text = HeaderValue::try_from(text).map_err(|_| S3Error::new(S3ErrorCode::InvalidRange))?;
            call.headers.insert("x-amz-copy-source-range", text);
        }
        let text = self.outside.text(call).await?;
        let etag = self.told_in_body(&text, "CopyPartResult")?;
        room.became_part(&upload.id);
        Ok(etag)
    }

    async fn complete(&self, upload: &Upload, parts: Named, condition: Condition) -> S3Result<String> {
        let _inside = self.enter().await?;
        let name = self.name(&upload.key)?;
        let mut call = of_upload(Method::POST, &name, upload);
        call.headers = on_condition(&condition);
        call.body = Payload::Whole(answers::completion(&parts));
        let text = self.outside.text(call).await?;
        let etag = self.told_in_body(&text, "CompleteMultipartUploadResult")?;
        self.ledger.ended(&upload.id, true);
        Ok(etag)
    }

    async fn abort(&self, upload: &Upload) -> S3Result<()> {
        let name = self.name(&upload.key)?;
        self.outside.call(of_upload(Method::DELETE, &name, upload)).await?;
        self.ledger.ended(&upload.id, false);
        Ok(())
    }

    async fn parts(&self, upload: &Upload, after: u32, max: usize) -> S3Result<(Vec<(u32, Part)>, bool)> {
        let name = self.name(&upload.key)?;
        let call = of_upload(Method::GET, &name, upload)
            .query("max-parts", max.to_string())
            .query("part-number-marker", after.to_string());
        self.outside.read(call, answers::parts).await
    }

    async fn uploads(&self, prefix: &str) -> S3Result<Vec<Begun>> {
        let prefix = format!("{}{prefix}", self.folder);
        let call = Call::new(Method::GET, None).query("uploads", "").query("prefix", prefix);
        let begun = self.outside.read(call, answers::uploads).await?;
        Ok(begun.into_iter().filter_map(|row| Some(Begun { key: self.own(&row.key)?, ..row })).collect())
    }

    async fn usage(&self) -> S3Result<Held> {
        self.count().await
    }

    async fn clear(&self) -> S3Result<()> {
        match tokio::time::timeout(CLEAR_WITHIN, self.empty()).await {
            Ok(done) => done,
            Err(_) => {
                let message = "not everything is gone yet; it goes on when it is asked again";
                Err(S3Error::with_message(S3ErrorCode::SlowDown, message))
            }
        }
    }
}

impl Remote {
    /// The ETag in an answer that began before the work was done: it may be an error all the same.
    fn told_in_body(&self, text: &[u8], answer: &str) -> S3Result<String> {
        if let Some(told) = answers::told(text) {
            return Err(self.outside.passed(StatusCode::OK, told));
        }
        let etag = answers::field(text, answer, b"ETag");
        let etag =
            etag.map_err(|wrong| self.outside.trouble(&format!("an answer that is not S3's: {wrong}")))?;
        Ok(answers::bare(&etag))
    }
}

fn of_upload<'a>(method: Method, name: &'a str, upload: &Upload) -> Call<'a> {
    Call::new(method, Some(name)).query("uploadId", upload.id.clone())
}

/// A writer's conditions as headers.
fn on_condition(condition: &Condition) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, etag) in [(IF_MATCH, &condition.matches), (IF_NONE_MATCH, &condition.differs)] {
        let Some(etag) = etag else { continue };
        let text = if etag == crate::objects::ANY { etag.clone() } else { format!("\"{etag}\"") };
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
    headers
}

/// A reader's conditions as headers.
fn of_reader(conditions: &Conditions) -> HeaderMap {
    let Conditions { matches, unmodified_since, differs, modified_since } = conditions;
    let text = |etag: &s3s::dto::ETagCondition| match etag.as_etag() {
        Some(etag) => etag.to_http_header().ok(),
        None => Some(HeaderValue::from_static(crate::objects::ANY)),
    };
    let date = |time: &Timestamp| {
        let mut text = Vec::new();
        time.format(TimestampFormat::HttpDate, &mut text).ok()?;
        HeaderValue::from_bytes(&text).ok()
    };
    let known = [
        (IF_MATCH, matches.as_ref().and_then(text)),
        (IF_NONE_MATCH, differs.as_ref().and_then(text)),
        (IF_UNMODIFIED_SINCE, unmodified_since.as_ref().and_then(date)),
        (IF_MODIFIED_SINCE, modified_since.as_ref().and_then(date)),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Bytes as they come, and an error when none come for a while.
fn lively<S, B, E>(bytes: S) -> impl Stream<Item = io::Result<B>>
where
    S: Stream<Item = Result<B, E>> + Send + Unpin + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    stream::try_unfold(bytes, |mut bytes| async move {
        let next = tokio::time::timeout(SILENCE_MAX, bytes.next()).await;
        let next = next.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        Ok(next.transpose().map_err(io::Error::other)?.map(|chunk| (chunk, bytes)))
    })
}
