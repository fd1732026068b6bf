//! The web pages, and the part of a command line's login that happens in a browser.
//!
//! ```text
//!  browser ─► frame (headers) ─► session (cookie) ─► page ─► wire::Client ─► Platform API, with the visitor's token
//! ```
//! A page is a client of the Platform API like any other: it can do nothing that a third-party client could not, and
//! knows nothing that the API does not tell. Pages are made on the server and work without scripts; a script follows
//! the log and shows times in the visitor's zone.
//!
//! Pages have a host of their own, so that their cookie is sent to nobody else. Apps live on sibling hosts and are not
//! trusted: every form carries a key that only its session knows.

mod access;
mod account;
mod activity;
mod app;
mod app_logs;
mod apps;
mod assets;
mod cli_login;
mod failure;
mod frame;
mod join;
mod layout;
mod output;
mod people;
mod posted;
mod secret;
mod session;
mod settings;
mod sign_in;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;

/// What the pages work with.
#[derive(Clone)]
pub struct Context {
    /// Reaches the Platform API, as nobody yet.
    pub client: wire::Client,
    /// Where the pages are reached: scheme, host and perhaps a port (`https://dashboard.example.com`).
    pub url: String,
    /// Whether they are also served over plain HTTP, as on a laptop.
    pub plain_http: bool,
    /// Cancelled when the server stops: command lines that wait for their login are told.
    pub stop: CancellationToken,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What is served where.
#[derive(Debug, Clone)]
pub struct Routes {
    /// The pages, for a host of their own.
    pub pages: Router,
    /// Where command lines ask for a login (`HEROKU_LOGIN_HOST`), beside the API.
    pub login: Router,
}

/// The context and the logins that wait.
pub(crate) struct Dashboard {
    pub(crate) cx: Context,
    pub(crate) logins: cli_login::Logins,
}

/// Every route of the web pages and of the login. Logins that wait are kept in memory: a restart ends them, and the
/// command line says to try again.
#[must_use]
pub fn routes(cx: Context) -> Routes {
    let dashboard = Arc::new(Dashboard { cx, logins: cli_login::Logins::default() });
    let pages = Router::new()
        .route("/", get(apps::home))
        .route("/login", get(sign_in::form).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .route("/join/{link}", get(join::form).post(join::choose))
        .route("/account", get(account::page))
        .route("/account/password", post(account::change_password))
        .route("/account/tokens/{token}/revoke", post(account::revoke))
        .route("/account/keys/{key}/remove", post(account::remove_key))
        .route("/account/transfers/{transfer}", post(account::decide))
        .route("/account/people", post(people::add))
        .route("/account/people/{person}/reset", post(people::reset))
        .route("/account/people/{person}/remove", post(people::remove))
        .route("/cli-login/{login}", get(cli_login::confirm).post(cli_login::decide))
        .route("/apps", get(apps::list).post(apps::create))
        .route("/apps/{app}", get(app::overview))
        .route("/apps/{app}/scale", post(app::scale))
        .route("/apps/{app}/restart", post(app::restart))
        .route("/apps/{app}/logs", get(app_logs::page))
        .route("/apps/{app}/logs/stream", get(app_logs::stream))
        .route("/apps/{app}/activity", get(activity::page))
        .route("/apps/{app}/activity/builds/{build}", get(output::of_build))
        .route("/apps/{app}/activity/releases/{release}", get(output::of_release))
        .route("/apps/{app}/rollback", post(activity::roll_back))
        .route("/apps/{app}/access", get(access::page).post(access::change))
        .route("/apps/{app}/transfer", post(access::offer))
        .route("/apps/{app}/settings", get(settings::page))
        .route("/apps/{app}/config", post(settings::change_config))
        .route("/apps/{app}/maintenance", post(settings::switch_maintenance))
        .route("/apps/{app}/rename", post(settings::rename))
        .route("/apps/{app}/destroy", post(settings::destroy))
        .route("/assets/style.css", get(assets::style))
        .route("/assets/page.js", get(assets::script))
        .fallback(failure::no_page)
        .layer(from_fn_with_state(Arc::clone(&dashboard), frame::frame))
        .with_state(Arc::clone(&dashboard));
    let login = Router::new()
        .route("/", get(cli_login::home))
        .route("/auth", post(cli_login::start))
        .route("/auth/browser/{login}", get(cli_login::to_browser))
        .route("/auth/cli/{login}", get(cli_login::wait))
        .layer(from_fn(frame::never_kept))
        .with_state(dashboard);
    Routes { pages, login }
}
