//! What every command starts from: the world, which server is meant, which app is meant.

use std::path::PathBuf;
use std::time::SystemTime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::args::{AppChoice, Options};
use crate::credentials::{self, Credentials};
use crate::server::Server;
use crate::words::{self, Problem};
use crate::{Env, remotes};

/// What needs no escape within a part of a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// A command's context.
pub(crate) struct Context {
    pub(crate) env: Env,
    pub(crate) exit_code: u8,
    options: Options,
    server: Option<Server>,
}

impl Context {
    pub(crate) fn new(env: Env, options: Options) -> Self {
        Self { env, exit_code: 0, options, server: None }
    }

    /// An environment variable that is not empty.
    pub(crate) fn var(&self, name: &str) -> Option<String> {
        (self.env.var)(name).filter(|value| !value.is_empty())
    }

    /// The server that is meant.
    pub(crate) fn server(&mut self) -> anyhow::Result<Server> {
        if self.server.is_none() {
            let logins = self.logins()?;
            self.server = Some(Server::choose(&self.env, self.options.server.as_deref(), &logins)?);
        }
        self.server.clone().ok_or_else(|| Problem::NoServer.into())
    }

    /// A client of it.
    pub(crate) fn client(&mut self) -> anyhow::Result<wire::Client> {
        self.server()?.client()
    }

    /// The app that is meant: the one named, else the one of this folder's git remote.
    pub(crate) fn app(&mut self, choice: &AppChoice) -> anyhow::Result<String> {
        if let Some(app) = &choice.app {
            return Ok(app.clone());
        }
        if choice.remote.is_none()
            && let Some(app) = self.var("HOKKU_APP")
        {
            return Ok(app);
        }
        let git_host = self.server()?.git_host();
        Ok(remotes::app(&remotes::remotes(&self.env.dir), &git_host, choice.remote.as_deref())?)
    }

    /// The folder of what is kept for this user.
    pub(crate) fn folder(&self) -> Result<PathBuf, Problem> {
        credentials::folder(&*self.env.var).ok_or(Problem::NoHome)
    }

    /// Every login.
    pub(crate) fn logins(&self) -> anyhow::Result<Credentials> {
        match credentials::folder(&*self.env.var) {
            Some(folder) => Credentials::read(&folder),
            None => Ok(Credentials::default()),
        }
    }

    /// The present time.
    pub(crate) fn now(&self) -> SystemTime {
        (self.env.now)()
    }

    /// A time of the API for people.
    pub(crate) fn when(&self, time: &str) -> String {
        words::when(time, self.now())
    }

    /// Makes sure that something is really to be destroyed.
    pub(crate) fn confirm(&mut self, app: &str, given: Option<&str>, what: &str) -> anyhow::Result<()> {
        let refused = |typed| Problem::NotConfirmed { app: app.to_owned(), typed };
        let typed = match given {
            Some(given) => given.to_owned(),
            None => {
                self.env.screen.note(format!("{what} This cannot be undone."));
                self.env.screen.ask(&format!("To proceed, type {app}: "))?.ok_or_else(|| refused(None))?
            }
        };
        if typed.trim() == app { Ok(()) } else { Err(refused(Some(typed)).into()) }
    }
}

/// A path of the API from its parts.
pub(crate) fn path(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("/{}", utf8_percent_encode(part, PLAIN))).collect()
}

/// The newest release of an app.
pub(crate) async fn newest_release(
    client: &wire::Client,
    app: &str,
) -> anyhow::Result<Option<wire::Release>> {
    let newest = client.page(&path(&["apps", app, "releases"]), "version ..; order=desc, max=1").await?;
    Ok(newest.into_iter().next())
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn what_is_typed_stays_one_part_of_a_path() {
        assert_eq!(path(&["apps", "a/../b?c d", "dynos"]), "/apps/a%2F..%2Fb%3Fc%20d/dynos");
        assert_eq!(path(&["apps", "shop-1", "dynos", "web.1"]), "/apps/shop-1/dynos/web.1");
    }
}
