//! What pages have in common: their frame, and the small parts that they are made of.

use maud::{DOCTYPE, Markup, html};

use crate::assets::{SCRIPT_URL, STYLE_URL};
use crate::failure::Failure;
use crate::posted::KEY_FIELD;
use crate::session::{FormKey, Session};

/// Who is signed in, for the top of a page.
pub(crate) struct Visitor<'a> {
    /// Their address.
    pub(crate) email: &'a str,
    /// For the form to sign out.
    pub(crate) key: &'a FormKey,
}

/// A whole page.
pub(crate) fn page(title: &str, visitor: Option<&Visitor<'_>>, body: &Markup) -> Markup {
    reloading_page(title, visitor, body, false)
}

/// A whole page; while something on it is about to change, it loads itself again.
pub(crate) fn reloading_page(
    title: &str,
    visitor: Option<&Visitor<'_>>,
    body: &Markup,
    changes_soon: bool,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if changes_soon { meta http-equiv="refresh" content="3"; }
                title { (title) " · Hokku" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(*STYLE_URL);
                script src=(*SCRIPT_URL) defer {}
            }
            body {
                header.top {
                    a.brand href="/apps" { "Hokku" }
                    @if let Some(visitor) = visitor {
                        a.who href="/account" { (visitor.email) }
                        (button(visitor.key, "/logout", "Sign out", "quiet", &[]))
                    }
                }
                main { (body) }
            }
        }
    }
}

/// The pages of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Overview,
    Activity,
    Logs,
    Access,
    Settings,
}

const TABS: [(Tab, &str, &str); 5] = [
    (Tab::Overview, "Overview", ""),
    (Tab::Activity, "Activity", "/activity"),
    (Tab::Logs, "Logs", "/logs"),
    (Tab::Access, "Access", "/access"),
    (Tab::Settings, "Settings", "/settings"),
];

/// The top of an app's pages.
pub(crate) fn app_head(app: &wire::App, open: Tab) -> Markup {
    html! {
        div.app-head {
            h1 { (app.name) }
            @if app.maintenance { span.badge.warn { "maintenance" } }
            @if let Some(url) = &app.web_url {
                a.open href=(url) target="_blank" rel="noopener noreferrer" { "Open app ↗" }
            }
        }
        nav.tabs {
            @for (tab, name, path) in TABS {
                a href={ "/apps/" (app.name) (path) } aria-current=[(tab == open).then_some("page")] { (name) }
            }
        }
    }
}

/// The hidden field that every form needs.
pub(crate) fn key_field(key: &FormKey) -> Markup {
    html! { input type="hidden" name=(KEY_FIELD) value=(key.0); }
}

/// A form that is only a button.
pub(crate) fn button(
    key: &FormKey,
    action: &str,
    label: &str,
    class: &str,
    fields: &[(&str, &str)],
) -> Markup {
    html! {
        form.inline method="post" action=(action) {
            (key_field(key))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class=(class) { (label) }
        }
    }
}

/// The state of a dyno, release, build or add-on.
pub(crate) fn state(word: &str) -> Markup {
    let class = match word {
        "up" | "succeeded" | "provisioned" | "idle" => "good",
        "crashed" | "failed" => "bad",
        _ => "warn",
    };
    html! { span class={ "badge " (class) } { (word) } }
}

/// Whether a state is one that passes by itself.
pub(crate) fn passes(word: &str) -> bool {
    matches!(word, "starting" | "restarting" | "stopping" | "pending" | "provisioning" | "deprovisioning")
}

/// A time of the API, in UTC; a script shows it in the visitor's zone.
pub(crate) fn time(at: &str) -> Markup {
    let short =
        at.get(..16).map_or_else(|| at.to_owned(), |short| format!("{} UTC", short.replace('T', " ")));
    html! { time datetime=(at) { (short) } }
}

/// A size in bytes, in words: the number that the push told.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// A part of a path that is a name or an id. Anything else could lead to another path of the API.
pub(crate) fn segment(text: &str) -> Result<&str, Failure> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text.is_empty() || !text.bytes().all(is_plain) {
        return Err(Failure::Missing);
    }
    Ok(text)
}

impl Session {
    /// What the top of a page tells of this session.
    pub(crate) fn visitor<'a>(&'a self, account: &'a wire::Account) -> Visitor<'a> {
        Visitor { email: &account.email, key: &self.key }
    }

    /// The account and the app that an app's page is about.
    pub(crate) async fn account_and_app(&self, name: &str) -> Result<(wire::Account, wire::App), Failure> {
        let path = format!("/apps/{}", segment(name)?);
        Ok(tokio::try_join!(self.client.get("/account"), self.client.get(&path))?)
    }
}
