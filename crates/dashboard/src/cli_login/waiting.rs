//! The logins that wait, in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use wire::LoginOutcome;

use super::failed;
use crate::{Dashboard, secret};

/// How long a person has: as long as the official CLI waits.
const VALID: Duration = Duration::from_secs(10 * 60);
/// How often a waiting command line gets a sign of life; it gives up after 60 s of silence.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Most logins at a time.
const WAITING_MAX: usize = 1_000;
/// Most of them from one address, so that one stranger cannot take all the room.
const WAITING_OF_ADDRESS_MAX: usize = 20;

/// Logins by id.
#[derive(Debug, Default)]
pub(crate) struct Logins(Mutex<HashMap<String, Login>>);

#[derive(Debug)]
struct Login {
    asked: Asked,
    /// Digest of the command line's permission to wait.
    permission: String,
    ends: Instant,
    is_decided: bool,
    outcome: watch::Sender<Option<LoginOutcome>>,
}

/// Who asks for a login.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// In its own words.
    pub(crate) description: String,
    /// Its address.
    pub(crate) from: Option<String>,
}

/// What the command line is told.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Logins {
    /// A new login; `None` when too many wait.
    pub(crate) fn start(&self, description: String, from: Option<String>) -> Option<Begun> {
        let mut logins = self.lock();
        let neighbours = logins.values().filter(|login| from.is_some() && login.asked.from == from).count();
        if logins.len() >= WAITING_MAX || neighbours >= WAITING_OF_ADDRESS_MAX {
            return None;
        }
        let (id, token) = (secret::random(), secret::random());
        let login = Login {
            asked: Asked { description, from },
            permission: permission(&token),
            ends: Instant::now() + VALID,
            is_decided: false,
            outcome: watch::Sender::new(None),
        };
        logins.insert(id.clone(), login);
        Some(Begun { id, token })
    }

    /// What is asked of a person, while it is undecided.
    pub(crate) fn about(&self, id: &str) -> Option<Asked> {
        self.lock().get(id).filter(|login| !login.is_decided).map(|login| login.asked.clone())
    }

    /// The right to decide, which is given once.
    pub(crate) fn decide(&self, id: &str) -> Option<Decision> {
        let mut logins = self.lock();
        let login = logins.get_mut(id).filter(|login| !login.is_decided)?;
        login.is_decided = true;
        let description = login.asked.description.clone();
        Some(Decision { description, outcome: login.outcome.clone() })
    }

    /// Waits for the outcome, with the permission that came with the login.
    pub(crate) fn wait(&self, id: &str, token: &str) -> Option<Waiting> {
        let logins = self.lock();
        let login = logins.get(id).filter(|login| login.permission == permission(token))?;
        Some(Waiting { id: id.to_owned(), ends: login.ends, outcome: login.outcome.subscribe() })
    }

    /// Once told, it is over.
    fn forget(&self, id: &str) {
        self.lock().remove(id);
    }

    /// The logins, without those whose time is over.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Login>> {
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        logins.retain(|_, login| login.ends > now);
        logins
    }
}

fn permission(token: &str) -> String {
    secret::digest("login", token)
}

/// A person's decision about a login.
#[derive(Debug)]
pub(crate) struct Decision {
    description: String,
    outcome: watch::Sender<Option<LoginOutcome>>,
}

impl Decision {
    /// Who asked, in its own words.
    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    /// Tells the command line, now or when it asks.
    pub(crate) fn tell(self, outcome: LoginOutcome) {
        self.outcome.send_replace(Some(outcome));
    }
}

/// A command line that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    id: String,
    ends: Instant,
    outcome: watch::Receiver<Option<LoginOutcome>>,
}

impl Waiting {
    /// A space every now and then, and at the end the outcome as JSON.
    pub(crate) fn into_stream(
        self,
        state: Arc<Dashboard>,
    ) -> impl Stream<Item = Result<Bytes, serde_json::Error>> + Send + 'static {
        stream::unfold(Some(self), move |waiting| {
            let state = Arc::clone(&state);
            async move {
                let mut waiting = waiting?;
                match timeout(KEEP_ALIVE, waiting.end(&state)).await {
                    Ok(outcome) => {
                        state.logins.forget(&waiting.id);
                        Some((serde_json::to_vec(&outcome).map(Bytes::from), None))
                    }
                    Err(_) => Some((Ok(Bytes::from_static(b" ")), Some(waiting))),
                }
            }
        })
    }

    async fn end(&mut self, state: &Dashboard) -> LoginOutcome {
        tokio::select! {
            outcome = self.outcome.wait_for(Option::is_some) => {
                let outcome = outcome.ok().and_then(|outcome| outcome.clone());
                outcome.unwrap_or_else(|| failed("This login is over. Run the login command again."))
            }
            () = sleep_until(self.ends) => failed("Nobody confirmed the login in time. Run the login command again."),
            () = state.cx.stop.cancelled() => failed("The server is stopping. Run the login command again in a moment."),
        }
    }
}

#[cfg(test)]
mod tests;
