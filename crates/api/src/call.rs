//! One authenticated request, as handlers see it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use http::HeaderMap;
use http::header::{HOST, RANGE};
use http::request::Parts;
use logs::event;
use model::id::{AppId, TokenId};
use model::log::{Line, Source};
use model::release::Release;
use model::site::Site;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use store::{Account, App, Tx};

use crate::accept::{Extras, extras};
use crate::error::Problem;
use crate::reply::Answer;
use crate::{Server, access, range};

/// The account a request was let in for; put there by the door.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) account: Account,
    /// The token it came with; none for a password.
    pub(crate) token: Option<TokenId>,
}

/// Who asks, for what, and how.
pub(crate) struct Call {
    pub(crate) server: Arc<Server>,
    pub(crate) caller: Account,
    /// The token it came with; none for a password.
    pub(crate) token: Option<TokenId>,
    pub(crate) extras: Extras,
    range: Option<String>,
    query: Vec<(String, String)>,
    path: Vec<(String, String)>,
    base: String,
}

impl FromRequestParts<Arc<Server>> for Call {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Problem> {
        let Some(Caller { account: caller, token }) = parts.extensions.get::<Caller>().cloned() else {
            return Err(Problem::NoCredentials);
        };
        let params = RawPathParams::from_request_parts(parts, server).await;
        let params = params.map_err(|_| Problem::NotFound { resource: "resource" })?;
        let path = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let range = parts.headers.get(RANGE).and_then(|range| range.to_str().ok()).map(str::to_owned);
        Ok(Self {
            server: Arc::clone(server),
            caller,
            token,
            extras: extras(&parts.headers),
            range,
            query: query(parts.uri.query().unwrap_or_default()),
            path,
            base: base(&server.cx.site, &parts.headers),
        })
    }
}

/// The parameters of a query, decoded.
fn query(text: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decoded(key), decoded(value)))
        .collect()
}

/// The scheme and host that URLs in answers begin with. On a laptop a client may have come over plain HTTP, because
/// it does not trust the platform's certificates; it is then not sent to HTTPS.
fn base(site: &Site, headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(HOST.as_str()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_ours = site.is_local() && site.control_hosts().iter().any(|it| it == name);
    if is_ours && text("x-forwarded-proto") == Some("http") {
        return format!("http://{host}");
    }
    site.api_url("")
}

impl Call {
    /// What the platform itself asks of the API, for `who`.
    pub(crate) fn of_platform(server: Arc<Server>, who: Account) -> Self {
        let base = server.cx.site.api_url("");
        Self {
            server,
            caller: who,
            token: None,
            extras: Extras::default(),
            range: None,
            query: Vec::new(),
            path: Vec::new(),
            base,
        }
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        self.query.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone())
    }

    /// The `Range` header.
    pub(crate) fn range(&self) -> Option<&str> {
        self.range.as_deref()
    }

    /// A part of the path.
    pub(crate) fn param(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(it, _)| it == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The app that the path names.
    pub(crate) fn app(&self, tx: &Tx<'_>) -> Result<App, Problem> {
        access::app(tx, &self.caller, self.param("app"))
    }

    /// The app that the path names, for what only its owner may do: `what` completes "may …".
    pub(crate) fn own_app(&self, tx: &Tx<'_>, what: &str) -> Result<App, Problem> {
        let app = self.app(tx)?;
        access::check_owner(tx, &self.caller, &app, what)?;
        Ok(app)
    }

    /// A URL of this API; `path` begins with `/`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A list's answer; see [`range::list`].
    pub(crate) fn list<T: Serialize>(&self, items: Vec<T>, fields: &'static [&'static str]) -> Answer {
        range::list(items, fields, self.range.as_deref())
    }

    /// Answers from one picture of the store.
    pub(crate) async fn read(self, look: impl FnOnce(&Tx<'_>, &Self) -> Answer + Send + 'static) -> Answer {
        let store = self.server.cx.store.clone();
        store.read(move |tx| look(tx, &self)).await
    }

    /// Changes the store and answers; what was said is logged once it is true.
    pub(crate) async fn write(
        self,
        change: impl FnOnce(&Tx<'_>, &Self, &mut Said) -> Answer + Send + 'static,
    ) -> Answer {
        let (store, logs) = (self.server.cx.store.clone(), self.server.cx.logs.clone());
        let done = store.write(move |tx| {
            tx.act_for(self.caller.id);
            let mut said = Said { user: self.caller.email.to_string(), lines: Vec::new(), gone: None };
            let answer = change(tx, &self, &mut said)?;
            Ok::<_, Problem>((answer, said, tx.now()))
        });
        let (answer, said, at) = done.await?;
        for (app, message) in said.lines {
            logs.append(app, Line { at, source: Source::App, process: "api".to_owned(), message });
        }
        if let Some(app) = said.gone {
            // The app is gone for its user whether or not the files are: they are tried again at the next start.
            if let Err(error) = logs.forget(app) {
                tracing::error!(app.id = %app, error = &error as &dyn std::error::Error, "an app's logs are left over");
            }
        }
        Ok(answer)
    }
}

/// What the apps' logs will say about a change (`app[api]: …`).
pub(crate) struct Said {
    user: String,
    lines: Vec<(AppId, String)>,
    gone: Option<AppId>,
}

impl Said {
    /// A line in the words of `words`, which are given the user.
    pub(crate) fn say_with(&mut self, app: AppId, words: impl FnOnce(&str) -> String) {
        let message = words(&self.user);
        self.lines.push((app, message));
    }

    /// The app is no more, and neither are its logs.
    pub(crate) fn forget(&mut self, app: AppId) {
        self.gone = Some(app);
    }

    /// What made a release, and that it was made.
    pub(crate) fn released(&mut self, release: &Release) {
        self.say_with(release.app, |user| event::by_user(&release.description, user));
        self.say_with(release.app, |user| event::release_created(release.version, user));
    }
}
