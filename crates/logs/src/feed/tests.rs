use std::time::Duration;

use model::log::{Line, Source};

use super::{Batch, Feed};
use crate::fixture::{NOW, app, config, line, messages, open};
use crate::intake::{Logs, LogsConfig};

/// More than any test writes.
const ALL: usize = 1 << 20;

async fn take(feed: &Feed) -> Batch {
    let taking = tokio::time::timeout(Duration::from_secs(60), feed.take(ALL));
    taking.await.expect("something should have come").expect("the feed should not end")
}

fn write(logs: &Logs, lines: std::ops::RangeInclusive<u32>) {
    lines.for_each(|number| logs.append(app(1), line(&number.to_string())));
}

async fn feed(logs: &Logs, after: Option<u64>) -> Feed {
    logs.feed(app(1), after).await.expect("a feed")
}

fn lost(batch: &Batch) -> u64 {
    batch.lost.map_or(0, |lost| lost.count)
}

#[tokio::test]
async fn a_new_feed_begins_now_and_an_old_one_where_it_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let logs = open(config(dir.path()));
    write(&logs, 1..=3);
    let new = feed(&logs, None).await;
    assert_eq!(new.start(), 3);
    write(&logs, 4..=5);
    let batch = take(&new).await;
    assert_eq!((messages(&batch.entries), batch.entries[0].id, lost(&batch)), (vec!["4", "5"], 4, 0));
    drop(logs);
    let logs = open(config(dir.path()));
    let again = feed(&logs, Some(2)).await;
    write(&logs, 6..=6);
    let batch = take(&again).await;
    assert_eq!((messages(&batch.entries), lost(&batch)), (vec!["3", "4", "5", "6"], 0));
}

#[tokio::test]
async fn what_the_history_lost_is_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    let logs = open(LogsConfig { history_lines: 30, ..config(dir.path()) });
    write(&logs, 1..=100);
    let batch = take(&feed(&logs, Some(10)).await).await;
    assert_eq!(batch.entries.last().map(|entry| entry.id), Some(100));
    assert_eq!(lost(&batch) + batch.entries.len() as u64, 90);
    assert!(batch.entries.len() >= 30, "{}", batch.entries.len());
}

#[tokio::test]
async fn the_oldest_lines_go_first_and_are_counted_before_the_next() {
    let dir = tempfile::tempdir().expect("a folder");
    let logs = open(LogsConfig { tail_lines: 5, ..config(dir.path()) });
    let slow = feed(&logs, None).await;
    write(&logs, 1..=8);
    let batch = take(&slow).await;
    assert_eq!((lost(&batch), messages(&batch.entries)), (3, vec!["4", "5", "6", "7", "8"]));
    assert_eq!(batch.lost.map(|lost| lost.since), Some(NOW));
    write(&logs, 9..=13);
    slow.limit(2);
    slow.give_up(super::Lost { count: 7, since: NOW });
    let batch = take(&slow).await;
    assert_eq!((lost(&batch), messages(&batch.entries)), (10, vec!["12", "13"]));
}

#[tokio::test]
async fn a_batch_has_a_size_but_at_least_one_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let logs = open(config(dir.path()));
    let feed = feed(&logs, None).await;
    for text in ["12345", "12345", "1234567890123"] {
        logs.append(app(1), line(text));
    }
    let sizes = [feed.take(10).await, feed.take(10).await].map(|batch| batch.map(|it| it.entries.len()));
    assert_eq!(sizes, [Some(2), Some(1)]);
}

#[tokio::test]
async fn lines_about_drains_stay_out_and_forgetting_ends_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let logs = open(config(dir.path()));
    let feed = feed(&logs, None).await;
    let about = Line { source: Source::Heroku, process: "logplex".to_owned(), ..line("Error L10") };
    logs.append(app(1), about);
    write(&logs, 1..=1);
    assert_eq!(messages(&take(&feed).await.entries), ["1"]);
    logs.forget(app(1)).expect("forgotten");
    assert!(feed.take(ALL).await.is_none());
}
