use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use tempfile::TempDir;

use super::{TranscriptError, TranscriptReader, TranscriptWriter, Transcripts};

/// Shorter than the time after which a reader looks by itself: what comes sooner came by a wake-up.
const SOON: Duration = Duration::from_secs(3);

fn dir() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn open(dir: &Path) -> Transcripts {
    Transcripts::open(&dir.join("transcripts")).expect("opened")
}

async fn soon(reader: &mut TranscriptReader) -> Option<Bytes> {
    tokio::time::timeout(SOON, reader.next()).await.expect("news should have come soon").expect("readable")
}

async fn rest(reader: TranscriptReader) -> Vec<u8> {
    let whole = reader.into_stream().try_fold(Vec::new(), |mut whole, chunk| async move {
        whole.extend_from_slice(&chunk);
        Ok(whole)
    });
    tokio::time::timeout(SOON, whole).await.expect("the end should have come soon").expect("readable")
}

#[tokio::test]
async fn readers_get_every_byte_as_it_comes_until_the_end() {
    let dir = dir();
    let transcripts = open(dir.path());
    // The writer stands for another process: it shares nothing but the directory.
    let mut writer = open(dir.path()).writer("build-1").expect("begun");
    let mut early = transcripts.reader("build-1").expect("opened");
    writer.append(b"-----> Python app ").expect("written");
    assert_eq!(soon(&mut early).await.as_deref(), Some(&b"-----> Python app "[..]));
    let late = transcripts.reader("build-1").expect("opened");
    writer.append(b"detected\n\xff\x00\r").expect("written");
    assert_eq!(soon(&mut early).await.as_deref(), Some(&b"detected\n\xff\x00\r"[..]));
    assert!(!transcripts.is_finished("build-1").expect("readable"));
    writer.finish().expect("finished");
    assert_eq!(soon(&mut early).await, None);
    let whole = b"-----> Python app detected\n\xff\x00\r";
    assert_eq!(rest(late).await, whole);
    assert_eq!(rest(transcripts.reader("build-1").expect("opened")).await, whole, "a finished one as well");
    assert!(transcripts.is_finished("build-1").expect("readable"));
}

#[tokio::test]
async fn a_large_one_comes_in_chunks_while_it_is_written() {
    let dir = dir();
    let transcripts = open(dir.path());
    let mut writer = transcripts.writer("build-1").expect("begun");
    let readers = [(); 3].map(|()| tokio::spawn(rest(transcripts.reader("build-1").expect("opened"))));
    let text: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
    let all = text.clone();
    tokio::task::spawn_blocking(move || {
        all.chunks(1_001).for_each(|chunk| writer.append(chunk).expect("written"));
        writer.finish().expect("finished");
    })
    .await
    .expect("no panic");
    for reader in readers {
        assert!(reader.await.expect("no panic") == text);
    }
}

#[tokio::test]
async fn one_whose_writer_died_is_finished_by_somebody_else() {
    let dir = dir();
    let transcripts = open(dir.path());
    let mut writer = transcripts.writer("release-1").expect("begun");
    writer.append(b"half a li").expect("written");
    drop(writer);
    let mut reader = transcripts.reader("release-1").expect("opened");
    assert_eq!(soon(&mut reader).await.as_deref(), Some(&b"half a li"[..]));
    let mut again = transcripts.writer("release-1").expect("gone on with");
    again.append(b"ne\n").expect("written");
    drop(again);
    assert_eq!(soon(&mut reader).await.as_deref(), Some(&b"ne\n"[..]));
    transcripts.finish("release-1").expect("finished");
    assert_eq!(soon(&mut reader).await, None);
    transcripts.finish("release-1").expect("twice is fine");
    let refused = transcripts.writer("release-1").expect_err("finished");
    assert!(matches!(refused, TranscriptError::Finished { .. }));
    assert_eq!(rest(transcripts.reader("release-1").expect("opened")).await, b"half a line\n");
}

#[tokio::test]
async fn too_long_a_one_is_cut_once_even_when_gone_on_with() {
    let dir = dir();
    let (live, done) = (dir.path().join("a.live"), dir.path().join("a.done"));
    let open = || TranscriptWriter::open(live.clone(), done.clone(), 10).expect("opened");
    let mut writer = open();
    writer.append(b"12345678").expect("written");
    writer.append(b"90abc").expect("written");
    writer.append(b"def").expect("taken and left out");
    let cut = "1234567890\n !     The output is longer than 16 MiB; the rest is left out.\n";
    assert_eq!(fs::read_to_string(&live).expect("readable"), cut);
    let mut writer = open();
    writer.append(b"ghi").expect("taken and left out");
    writer.finish().expect("finished");
    assert_eq!(fs::read_to_string(&done).expect("readable"), cut);
}

#[tokio::test]
async fn a_removed_one_is_gone_and_its_readers_come_to_an_end() {
    let dir = dir();
    let transcripts = open(dir.path());
    let mut writer = transcripts.writer("build-1").expect("begun");
    writer.append(b"text").expect("written");
    assert!(transcripts.exists("build-1").expect("readable"));
    let mut reader = transcripts.reader("build-1").expect("opened");
    assert!(soon(&mut reader).await.is_some());
    transcripts.remove("build-1").expect("removed");
    assert_eq!(soon(&mut reader).await, None);
    assert!(!transcripts.exists("build-1").expect("readable"));
    for missing in [transcripts.reader("build-1").map(drop), transcripts.finish("build-1")] {
        assert!(matches!(missing.expect_err("gone"), TranscriptError::Missing { .. }));
    }
    transcripts.remove("build-1").expect("twice is fine");
}

#[tokio::test]
async fn ids_that_are_no_file_names_are_refused_everywhere() {
    let dir = dir();
    let transcripts = open(dir.path());
    for id in ["", "..", "../x", "a/b", ".x"] {
        let refusals = [
            transcripts.writer(id).map(drop),
            transcripts.reader(id).map(drop),
            transcripts.finish(id),
            transcripts.exists(id).map(drop),
            transcripts.is_finished(id).map(drop),
            transcripts.remove(id),
        ];
        for refused in refusals {
            assert!(matches!(refused.expect_err("a bad id"), TranscriptError::Name { .. }), "{id}");
        }
    }
}

#[tokio::test]
async fn one_readers_wait_does_not_end_by_anothers_news() {
    let dir = dir();
    let transcripts = open(dir.path());
    let (mut one, _two) =
        (transcripts.writer("one").expect("begun"), transcripts.writer("two").expect("begun"));
    let first = Box::pin(transcripts.reader("one").expect("opened").into_stream());
    let second = Box::pin(transcripts.reader("two").expect("opened").into_stream());
    one.append(b"news").expect("written");
    let mut both =
        futures_util::stream::select(second.map(|chunk| (2, chunk)), first.map(|chunk| (1, chunk)));
    let (from, chunk) = tokio::time::timeout(SOON, both.next()).await.expect("soon").expect("a chunk");
    assert_eq!((from, chunk.expect("readable")), (1, Bytes::from_static(b"news")));
}
