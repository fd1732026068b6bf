//! What H codes most likely mean and what mends them, told in the app's log beside the access lines: once, and not for every
//! request. Longer words are in `docs/codes/`.

use std::collections::HashMap;
use std::time::Duration;

use model::id::AppId;
use model::time::Timestamp;

use crate::failure::Failure;

/// After this time a code is explained again to the same app: by then the first time is far up in its log.
pub(crate) const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(600);
/// How many explanations are remembered; while so many are recent, there are no more.
const TOLD_MAX: usize = 10_000;

/// Which codes were explained to whom.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    told: HashMap<(AppId, &'static str), Timestamp>,
}

impl Hints {
    /// The line that explains a failure, unless it was explained just before or there is nothing that the app's developer
    /// could do.
    pub(crate) fn line(&mut self, app: AppId, failure: Failure, now: Timestamp) -> Option<String> {
        let (cause, cure) = words(failure)?;
        let (code, _, _) = failure.facts();
        let is_recent = |at: &Timestamp| now.since(*at) < TOLD_AGAIN_AFTER;
        if self.told.get(&(app, code)).is_some_and(is_recent) {
            return None;
        }
        if self.told.len() >= TOLD_MAX {
            self.told.retain(|_, at| is_recent(at));
        }
        if self.told.len() >= TOLD_MAX {
            return None;
        }
        self.told.insert((app, code), now);
        Some(format!("Likely cause: {cause} Cure: {cure}"))
    }
}

/// Likely cause and cure. None for what the client did, and for what the router does when it ends.
const fn words(failure: Failure) -> Option<(&'static str, &'static str)> {
    Some(match failure {
        Failure::AppCrashed => (
            "Every web dyno of the app has crashed (H10).",
            "`hokku logs --ps web` shows its last words and what they mean; mend that and push, or take the release back: \
             `hokku rollback`.",
        ),
        Failure::BacklogTooDeep => (
            "More requests came than the web dynos answer, or requests have become slow (H11).",
            "`hokku logs --ps router` shows the slow ones by their service=; then more dynos: `hokku ps:scale web=2`.",
        ),
        Failure::RequestTimeout => (
            "A page took longer than 30 seconds: a slow query, an outside service without a time-out, or work that belongs \
             into a worker process (H12).",
            "path= above is the page: measure it, and give calls to others a time-out. A stuck dyno is started anew by \
             `hokku restart`.",
        ),
        Failure::ClosedWithoutResponse => (
            "The worker process ended over this request: out of memory, longer than gunicorn's time-out, or a crash (H13).",
            "`hokku logs --ps web` shows its last words. If it is memory: `hokku config:set WEB_CONCURRENCY=1`.",
        ),
        Failure::NoWebProcess => (
            "The app runs no web dyno: it is scaled to none, or the Procfile has no web line (H14).",
            "`hokku ps:scale web=1`; if there is no such process type, add to the Procfile: `web: gunicorn <folder>.wsgi`.",
        ),
        Failure::IdleConnection => (
            "The app began an answer and then sent nothing for 55 seconds (H15).",
            "Send something at least every 50 seconds: a WebSocket ping, or a comment line in an event stream.",
        ),
        Failure::MalformedResponse => (
            "What the dyno sent is not HTTP/1.1: no web server listens on $PORT, or one that expects TLS (H17).",
            "Run a common server in the Procfile's web line: `web: gunicorn <folder>.wsgi`.",
        ),
        Failure::ServerInterrupted => (
            "The worker process ended in the middle of an answer: out of memory, longer than gunicorn's time-out, or a crash \
             (H18).",
            "`hokku logs --ps web` shows its last words. If it is memory: `hokku config:set WEB_CONCURRENCY=1`.",
        ),
        Failure::ConnectTimeout => (
            "All workers of the dyno are busy, so that it takes no connection (H19).",
            "More dynos, `hokku ps:scale web=2`, or more threads: `gunicorn --threads 4` in the Procfile's web line.",
        ),
        Failure::BootTimeout => (
            "No web dyno was up within 75 seconds: the app takes long to start, or listens on another port than $PORT (H20).",
            "Do migrations in the release phase (`release: python manage.py migrate`); `hokku logs --ps web` shows how far it \
             comes.",
        ),
        Failure::ConnectRefused | Failure::AllQuarantined => (
            "The web dyno runs, and its server takes no connection: it has closed its port, or is ending (H21, H34).",
            "`hokku ps:restart web`; if it comes back, `hokku logs --ps web` shows what the server says.",
        ),
        Failure::ConnectionLimit => (
            "The machine has as many connections open as its router may have (H22).",
            "Close idle WebSockets and event streams; whoever runs the machine can raise the limit of open files.",
        ),
        Failure::Restricted(_) => (
            "The app sent a header larger than HTTP allows here: often a cookie with the whole session in it (H25).",
            "Keep sessions in the database: `SESSION_ENGINE = \"django.contrib.sessions.backends.db\"`.",
        ),
        Failure::Maintenance => ("The app is in maintenance mode (H80).", "`hokku maintenance:off`."),
        Failure::Blank => ("Nothing was deployed to this app yet (H81).", "`git push heroku main`."),
        Failure::Platform => (
            "The fault is the platform's: the machine is out of open files, ports or memory (H99).",
            "Whoever runs the machine finds in the router's own log what ran out.",
        ),
        Failure::ForcedClose
        | Failure::BadRequest(..)
        | Failure::ClientInterrupted
        | Failure::ClientIdle
        | Failure::Misdirected => return None,
    })
}

#[cfg(test)]
mod tests;
