//! Frames over HTTP and HTTPS, as Heroku posts them.

use std::time::Duration;

use model::drain::Drain;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, Response};
use tokio::time::Instant;
use url::Url;

use super::frame::Frame;
use super::sink::Trouble;
use crate::outside::Outside;

/// Oldest connection (Heroku: 5 hours), so that a changed address is noticed.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(5 * 60 * 60);
/// Most bytes of an answer that are read, so that its connection can be used again.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Receivers know Heroku by this.
const AGENT: &str = "Logplex/v72";

#[derive(Debug)]
pub(super) struct Https {
    url: Url,
    token: String,
    outside: Outside,
    answer: Duration,
    client: Client,
    since: Instant,
}

impl Https {
    pub(super) fn new(drain: &Drain, outside: &Outside, answer: Duration) -> Result<Self, String> {
        let url: Url =
            drain.url.expose_secret().parse().map_err(|error: url::ParseError| error.to_string())?;
        Ok(Self {
            url,
            token: drain.token.clone(),
            outside: outside.clone(),
            answer,
            client: client(outside, answer)?,
            since: Instant::now(),
        })
    }

    pub(super) async fn send(&mut self, frame: &Frame) -> Result<(), Trouble> {
        self.outside.check(&self.url).map_err(|error| Trouble::Unreachable(error.to_string()))?;
        if self.since.elapsed() > CONNECTION_AGE_MAX {
            self.client = client(&self.outside, self.answer).map_err(Trouble::Unreachable)?;
            self.since = Instant::now();
        }
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/logplex-1")
            .header("Logplex-Msg-Count", frame.messages)
            .header("Logplex-Frame-Id", &frame.id)
            .header("Logplex-Drain-Token", &self.token)
            .header(USER_AGENT, AGENT)
            .body(frame.body.clone());
        let response = request.send().await.map_err(trouble)?;
        let status = response.status();
        finish(response).await;
        match status.as_u16() {
            200..=299 => Ok(()),
            429 => Err(Trouble::Failed(429)),
            code @ 400..=499 => Err(Trouble::Refused(code)),
            code => Err(Trouble::Failed(code)),
        }
    }
}

fn client(outside: &Outside, answer: Duration) -> Result<Client, String> {
    outside.client(answer).map_err(|error| error.to_string())
}

fn trouble(error: reqwest::Error) -> Trouble {
    // The URL in it may hold a password.
    let error = error.without_url();
    if error.is_connect() {
        return Trouble::of_connecting(&error);
    }
    Trouble::Broken(match error.is_timeout() {
        true => "it did not answer in time".to_owned(),
        false => super::sink::root(&error),
    })
}

/// Reads what else is in an answer. Trouble with it does not matter: the status is known.
async fn finish(mut response: Response) {
    let mut bytes = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes += chunk.len();
        if bytes > ANSWER_BYTES_MAX {
            return;
        }
    }
}
