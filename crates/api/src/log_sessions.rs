//! Log sessions: the right to read an app's log for a while.

use std::time::Duration;

use model::id::AppId;
use model::log::Source;
use serde::{Deserialize, Serialize};

use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::identity;
use crate::passport::{self, Purpose};
use crate::reply::{Answer, Reply};

/// Lines of history when the client does not say.
const LINES_DEFAULT: usize = 100;
/// Most lines of history: what is kept of an app.
const LINES_MAX: usize = 1_500;
/// How long the URL may wait for its first use.
const FIRST_USE: Duration = Duration::from_secs(5 * 60);

/// What a session's URL permits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) app: String,
    pub(crate) source: Option<String>,
    pub(crate) process: Option<String>,
    pub(crate) lines: usize,
    pub(crate) tail: bool,
}

impl Session {
    pub(crate) fn app(&self) -> Option<AppId> {
        self.app.parse().ok()
    }
}

/// Makes a session. Nothing is kept: its URL holds all of it.
pub(crate) async fn create(call: Call, Json(request): Json<wire::LogSessionRequest>) -> Answer {
    let wire::LogSessionRequest { dyno, dyno_name, kind, lines, source, tail } = request;
    if let Some(word) = source.as_deref().filter(|word| Source::from_word(word).is_none()) {
        return Err(Problem::Invalid(format!("Source `{word}` is unknown: it is `app` or `heroku`.")));
    }
    let lines = match lines {
        Some(text) => {
            let lines: usize = text
                .0
                .parse()
                .map_err(|_| Problem::Invalid(format!("Lines must be a number from 1 to {LINES_MAX}.")))?;
            lines.clamp(1, LINES_MAX)
        }
        None => LINES_DEFAULT,
    };
    call.read(move |tx, call| {
        let app = call.app(tx)?.id.to_string();
        let process = dyno.or(dyno_name).or(kind);
        let session = Session { app, source, process, lines, tail: tail.is_some_and(bool::from) };
        let permit = passport::issue(&call.server.cx.store, Purpose::Log, &session, tx.now().plus(FIRST_USE));
        let at = tx.now().to_api();
        Ok(Reply::created(&wire::LogSession {
            created_at: at.clone(),
            id: identity::random(),
            logplex_url: call.url(&format!("/streams/log/{permit}")),
            updated_at: at,
        }))
    })
    .await
}
