//! A client that sends without pause over several kept connections, and remembers everything but a 200.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::http::{Client, Connection};
use crate::until::{SOON, until_true};

/// Kept connections; one more client connects anew for each request.
const CONNECTIONS: usize = 3;

pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<Tally>>,
}

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How often each version of the page was seen.
    pub(crate) pages: BTreeMap<String, usize>,
    /// Everything that was not a 200.
    pub(crate) wrong: Vec<String>,
    /// The longest that an answer took.
    pub(crate) slowest: Duration,
}

impl Load {
    /// Sends to the home page of an app.
    pub(crate) fn start(client: &Client, app: &str) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let threads = (0..=CONNECTIONS).map(|number| {
            let sender =
                Sender { client: client.clone(), host: format!("{app}.localhost"), keep: number > 0 };
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            std::thread::spawn(move || sender.send_all(&stop, &answered))
        });
        let threads = threads.collect();
        let load = Self { stop, answered, threads };
        load.pass(50);
        load
    }

    /// Waits until so many more requests have been answered.
    #[track_caller]
    pub(crate) fn pass(&self, more: usize) {
        let goal = self.answered.load(Ordering::Relaxed) + more;
        until_true("requests are answered", SOON, || self.answered.load(Ordering::Relaxed) >= goal);
    }

    pub(crate) fn end(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Tally::default();
        for thread in self.threads {
            let Tally { pages, wrong, slowest } = thread.join().expect("a sender does not panic");
            for (page, count) in pages {
                *all.pages.entry(page).or_default() += count;
            }
            all.wrong.extend(wrong);
            all.slowest = all.slowest.max(slowest);
        }
        all
    }

    /// Ends, and holds that every request was answered with 200.
    #[track_caller]
    pub(crate) fn end_without_loss(self) -> Tally {
        let tally = self.end();
        assert!(tally.wrong.is_empty(), "requests were lost: {tally:#?}");
        tally
    }
}

struct Sender {
    client: Client,
    host: String,
    keep: bool,
}

impl Sender {
    fn send_all(&self, stop: &AtomicBool, answered: &AtomicUsize) -> Tally {
        let (mut tally, mut kept) = (Tally::default(), None);
        let began = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let sent = Instant::now();
            match self.send(&mut kept) {
                Ok((200, page)) => *tally.pages.entry(page).or_default() += 1,
                Ok((status, page)) => tally.wrong.push(format!("{:?}: {status} {page}", began.elapsed())),
                Err(error) => tally.wrong.push(format!("{:?}: {error}", began.elapsed())),
            }
            tally.slowest = tally.slowest.max(sent.elapsed());
            answered.fetch_add(1, Ordering::Relaxed);
        }
        tally
    }

    /// The answer's status, and its body without the dyno's name.
    fn send(&self, kept: &mut Option<Connection>) -> io::Result<(u16, String)> {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => self.client.connect(&self.host)?,
        };
        let answer = connection.send("GET", "/", &[], b"")?;
        let closes = answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if self.keep && !closes {
            *kept = Some(connection);
        }
        let text = answer.text();
        Ok((answer.status, text.split("dyno:").next().unwrap_or_default().trim().replace('\n', ", ")))
    }
}
