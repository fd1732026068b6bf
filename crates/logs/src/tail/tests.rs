use std::sync::Arc;

use model::log::{Line, Source};

use super::{Capacity, Entry, Queue, Tail};
use crate::filter::Filter;
use crate::fixture::{NOW, line, messages, next, take};

fn entries(ids: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    ids.map(|id| Entry { id, line: Arc::new(line(&format!("line {id}"))) }).collect()
}

fn queue(lines: usize, bytes: usize) -> (Arc<Queue>, Tail) {
    let queue = Arc::new(Queue::new(Filter::default(), Capacity { lines, bytes }));
    (Arc::clone(&queue), Tail::new(queue))
}

#[tokio::test]
async fn a_slow_reader_is_told_what_it_lost_and_where() {
    let (queue, mut tail) = queue(3, 1_000);
    queue.push(&entries(1..=5));
    queue.push(&entries(6..=6));
    let got = take(&mut tail, 4).await;
    assert_eq!(got.iter().map(|entry| entry.id).collect::<Vec<_>>(), [1, 2, 3, 6]);
    let told = Line {
        at: NOW,
        source: Source::Heroku,
        process: "logplex".to_owned(),
        message: "Error L11 (Tail buffer overflow) -> This tail session dropped 3 messages since \
                  2026-11-22T14:55:34.000000+00:00."
            .to_owned(),
    };
    assert_eq!(*got[3].line, told);
    queue.push(&entries(7..=7));
    assert_eq!(messages(&take(&mut tail, 1).await), ["line 7"]);
}

#[tokio::test]
async fn nothing_slips_in_between_the_lost_lines_and_their_notice() {
    let (queue, mut tail) = queue(2, 1_000);
    queue.push(&entries(1..=3));
    assert_eq!(next(&mut tail).await.expect("a line").id, 1);
    // There is room again, but line 3 is missing and not announced yet.
    queue.push(&entries(4..=4));
    assert_eq!(take(&mut tail, 2).await.iter().map(|entry| entry.id).collect::<Vec<_>>(), [2, 4]);
    queue.push(&entries(5..=5));
    assert_eq!(messages(&take(&mut tail, 1).await), ["line 5"]);
}

#[tokio::test]
async fn long_lines_fill_it_too() {
    let (queue, mut tail) = queue(1_000, 10_000);
    let long = Entry { id: 1, line: Arc::new(line(&"x".repeat(9_999))) };
    queue.push(&[long.clone(), long.clone(), long.clone(), long]);
    let got = take(&mut tail, 3).await;
    assert!(got[2].line.message.contains("dropped 2 messages"), "{}", got[2].line.message);
}

#[tokio::test]
async fn ends_when_closed_but_not_before_the_last_line() {
    let (queue, mut tail) = queue(10, 1_000);
    queue.push(&entries(1..=1));
    queue.close();
    assert_eq!(next(&mut tail).await.expect("a line").id, 1);
    assert_eq!(next(&mut tail).await, None);
}

#[tokio::test]
async fn wakes_a_waiting_reader() {
    let (queue, mut tail) = queue(10, 1_000);
    let reader = tokio::spawn(async move { next(&mut tail).await.expect("a line").id });
    tokio::task::yield_now().await;
    queue.push(&entries(1..=1));
    assert_eq!(reader.await.expect("no panic"), 1);
}
