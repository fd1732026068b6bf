//! Objects in a folder of this machine: what S3's operations ask, done with files.

use std::fs::File;
use std::io;
use std::ops;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use s3s::S3Result;
use s3s::dto::StreamingBlob;
use uuid::Uuid;

use crate::draft::{Draft, Received};
use crate::folder::Folder;
use crate::incoming::{DRAINED_BYTES_MAX, Expected, Hashes, Incoming, PUT_BYTES_MAX};
use crate::index::{Page, Query};
use crate::object::{Meta, hex};
use crate::objects::{Asked, Begun, Condition, Copying, Found, Held, Named, Objects, Part, Source, Upload};
use crate::operations::blocking;
use crate::refusal::{broken, too_large};
use crate::upload::upload_of;

/// Bytes read at a time; an object that is smaller is read with its description.
const CHUNK_BYTES: usize = 256 * 1024;

/// A folder that is shared by all who use its bucket.
#[derive(Debug, Clone)]
pub(crate) struct Local(pub(crate) Arc<Folder>);

impl Local {
    /// Looks, or changes something, where that may block.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> S3Result<T> + Send + 'static,
    ) -> S3Result<T> {
        let folder = Arc::clone(&self.0);
        blocking(move || work(&folder)).await
    }

    /// Takes a request's bytes in, as far as they fit.
    async fn receive(&self, key: &str, incoming: &mut Incoming) -> S3Result<Draft> {
        let announced = incoming.announced.unwrap_or_default();
        // Before a byte is asked for: who waits for `100 Continue` is spared sending what cannot be kept.
        if announced > DRAINED_BYTES_MAX {
            let key = key.to_owned();
            self.run(move |folder| fits(folder, &key, announced)).await?;
        }
        let taken = self.take(key, incoming, announced).await;
        if taken.is_err() {
            incoming.drain().await;
        }
        taken
    }

    async fn take(&self, key: &str, incoming: &mut Incoming, announced: u64) -> S3Result<Draft> {
        let mut draft = Draft::new(incoming.hashes());
        while let Some(bytes) = incoming.next().await? {
            draft.push(&bytes);
            if draft.is_full() {
                let key = key.to_owned();
                let flushed = self.run(move |folder| {
                    fits(folder, &key, draft.size().max(announced))?;
                    draft.flush(&folder.temporary()).map_err(broken("write an object"))?;
                    Ok(draft)
                });
                draft = flushed.await?;
            }
        }
        incoming.check_size(draft.size())?;
        Ok(draft)
    }
}

#[async_trait]
impl Objects for Local {
    async fn get(&self, key: &str, asked: Asked) -> S3Result<Found> {
        let key = key.to_owned();
        self.run(move |folder| {
            let (file, meta) = folder.find(&key)?;
            asked.conditions.check(&meta)?;
            let range = asked.range(&meta)?;
            let first = read_chunk(&file, &range).map_err(broken("read an object"))?;
            Ok(Found { meta, range: range.clone(), body: body(file, range, first) })
        })
        .await
    }

    async fn head(&self, key: &str) -> S3Result<Meta> {
        let key = key.to_owned();
        self.run(move |folder| Ok(folder.find(&key)?.1)).await
    }

    async fn is_public(&self, key: &str) -> S3Result<bool> {
        let key = key.to_owned();
        self.run(move |folder| folder.is_public(&key)).await
    }

    async fn put(&self, plan: Meta, mut incoming: Incoming, condition: Condition) -> S3Result<Meta> {
        let draft = self.receive(&plan.key, &mut incoming).await?;
        self.run(move |folder| {
            let received = finish(folder, draft, &incoming.expected)?;
            let (etag, sums) = (hex(&received.hashed.md5), received.hashed.sums.clone());
            let meta = Meta { size: received.size, etag, sums, ..plan };
            let ready = received.describe(&meta).map_err(broken("write an object"))?;
            folder.put(ready, &meta, &condition)?;
            Ok(meta)
        })
        .await
    }

    async fn copy(&self, source: &str, copying: Copying) -> S3Result<Meta> {
        let source = source.to_owned();
        self.run(move |folder| {
            let (file, from) = folder.find(&source)?;
            let size = from.size;
            let meta = copying.settle(from)?;
            folder.check_room(&meta.key, size)?;
            let whole = Received::joined(&folder.temporary(), std::iter::once(Ok((file, size))));
            let ready = whole.and_then(|whole| whole.describe(&meta)).map_err(broken("copy an object"))?;
            folder.put(ready, &meta, &Condition::default())?;
            Ok(meta)
        })
        .await
    }

    async fn remove(&self, keys: Vec<(String, Condition)>) -> S3Result<Vec<S3Result<()>>> {
        let all = move |folder: &Folder| {
            Ok(keys.iter().map(|(key, condition)| folder.remove(key, condition)).collect())
        };
        self.run(all).await
    }

    async fn page(&self, query: &Query<'_>) -> S3Result<Page> {
        let Query { prefix, delimiter, after, max } = *query;
        let (prefix, delimiter, after) = (prefix.to_owned(), delimiter.to_owned(), after.to_owned());
        self.run(move |folder| {
            let query = Query { prefix: &prefix, delimiter: &delimiter, after: &after, max };
            folder.with(|state| Ok(state.index.page(&query)))
        })
        .await
    }

    async fn begin(&self, plan: Meta) -> S3Result<String> {
        let id = Uuid::new_v4().simple().to_string();
        self.run(move |folder| folder.begin_upload(&id, plan).map(|()| id)).await
    }

    async fn put_part(&self, upload: &Upload, number: u32, mut incoming: Incoming) -> S3Result<Meta> {
        let asked = upload.clone();
        // Before all the bytes are taken.
        let is_there = self.run(move |folder| {
            folder.with(|state| upload_of(&state.uploads, &asked.id, &asked.key).map(drop))
        });
        is_there.await?;
        let draft = self.receive("", &mut incoming).await?;
        let upload = upload.clone();
        self.run(move |folder| {
            let received = finish(folder, draft, &incoming.expected)?;
            let sums = received.hashed.sums.clone();
            Ok(Meta { sums, ..keep_part(folder, &upload, number, received)? })
        })
        .await
    }

    async fn copy_part(&self, upload: &Upload, number: u32, source: Source) -> S3Result<String> {
        let upload = upload.clone();
        self.run(move |folder| {
            let (file, from) = folder.find(&source.key)?;
            let range = source.range.map_or(Ok(0..from.size), |range| range.check(from.size))?;
            folder.check_room("", range.end - range.start)?;
            let mut draft = Draft::new(Hashes::of_etag());
            let mut rest = range;
            while !rest.is_empty() {
                let chunk = read_chunk(&file, &rest).map_err(broken("copy an object"))?;
                rest.start += chunk.len() as u64;
                draft.push(&chunk);
                draft.flush(&folder.temporary()).map_err(broken("copy an object"))?;
            }
            let received = finish(folder, draft, &Expected::default())?;
            Ok(keep_part(folder, &upload, number, received)?.etag)
        })
        .await
    }

    async fn complete(&self, upload: &Upload, parts: Named, condition: Condition) -> S3Result<String> {
        let upload = upload.clone();
        self.run(move |folder| {
            let whole = folder.complete(&upload.id, &upload.key, &parts, &condition, upload.now)?;
            Ok(whole.etag)
        })
        .await
    }

    async fn abort(&self, upload: &Upload) -> S3Result<()> {
        let upload = upload.clone();
        self.run(move |folder| folder.abort(&upload.id, &upload.key)).await
    }

    async fn parts(&self, upload: &Upload, after: u32, max: usize) -> S3Result<(Vec<(u32, Part)>, bool)> {
        let upload = upload.clone();
        self.run(move |folder| {
            folder.with(|state| {
                let upload = upload_of(&state.uploads, &upload.id, &upload.key)?;
                let mut later = upload.parts.range(after.saturating_add(1)..);
                let taken = later.by_ref().take(max).map(|(number, part)| (*number, part.clone())).collect();
                Ok((taken, later.next().is_some()))
            })
        })
        .await
    }

    async fn uploads(&self, prefix: &str) -> S3Result<Vec<Begun>> {
        let prefix = prefix.to_owned();
        // A bucket has fewer uploads than one answer rows.
        self.run(move |folder| {
            folder.with(|state| {
                let fit = state.uploads.iter().filter(|(_, upload)| upload.plan.key.starts_with(&prefix));
                let begun = fit.map(|(id, upload)| Begun {
                    key: upload.plan.key.clone(),
                    id: id.clone(),
                    at: upload.plan.modified,
                });
                Ok(begun.collect())
            })
        })
        .await
    }

    async fn usage(&self) -> S3Result<Held> {
        self.run(Folder::usage).await
    }

    async fn clear(&self) -> S3Result<()> {
        Ok(())
    }
}

fn fits(folder: &Folder, key: &str, bytes: u64) -> S3Result<()> {
    if bytes > PUT_BYTES_MAX {
        return Err(too_large());
    }
    folder.check_room(key, bytes)
}

/// Writes the rest and compares with what the client said; blocks.
fn finish(folder: &Folder, draft: Draft, expected: &Expected) -> S3Result<Received> {
    let received = draft.finish(&folder.temporary()).map_err(broken("write an object"))?;
    expected.check(&received.hashed)?;
    Ok(received)
}

/// Keeps what came as a part; blocks.
fn keep_part(folder: &Folder, upload: &Upload, number: u32, received: Received) -> S3Result<Meta> {
    let etag = hex(&received.hashed.md5);
    let meta = Meta { size: received.size, etag, modified: upload.now, ..Meta::default() };
    folder.put_part(&upload.id, &upload.key, number, received, &meta)?;
    Ok(meta)
}

fn read_chunk(file: &File, range: &ops::Range<u64>) -> io::Result<Bytes> {
    let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX).min(CHUNK_BYTES);
    let mut chunk = vec![0; length];
    file.read_exact_at(&mut chunk, range.start)?;
    Ok(chunk.into())
}

/// The bytes of a range, of which the first are read already. The open file is this version of the object, whatever
/// happens to its name meanwhile.
fn body(file: File, range: ops::Range<u64>, first: Bytes) -> StreamingBlob {
    let rest = range.start + first.len() as u64..range.end;
    if rest.is_empty() {
        return StreamingBlob::from(s3s::Body::from(first));
    }
    let start = (Arc::new(file), rest, Some(first));
    StreamingBlob::wrap(stream::try_unfold(start, |(file, rest, first)| async move {
        if let Some(first) = first {
            return Ok::<_, io::Error>(Some((first, (file, rest, None))));
        }
        if rest.is_empty() {
            return Ok(None);
        }
        let (shared, wanted) = (Arc::clone(&file), rest.clone());
        let read = tokio::task::spawn_blocking(move || read_chunk(&shared, &wanted)).await;
        let chunk = read.map_err(io::Error::other)??;
        let rest = rest.start + chunk.len() as u64..rest.end;
        Ok(Some((chunk, (file, rest, None))))
    }))
}
