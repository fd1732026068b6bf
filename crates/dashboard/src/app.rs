//! An app at a glance: what runs, how much of it, and on which data.

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Redirect};
use maud::{Markup, html};
use serde::de::IgnoredAny;
use wire::{Account, Addon, App, Dyno, Formation, FormationChange, Release};

use crate::failure::Failure;
use crate::layout::{self, Tab, app_head, button, key_field, megabytes, passes, segment, state, time};
use crate::posted::Posted;
use crate::session::{FormKey, Session};

/// Largest quantity that the form offers; the API has its own limit.
const QUANTITY_MAX: u32 = 100;

/// What the page shows.
struct Overview {
    app: App,
    dynos: Vec<Dyno>,
    formation: Vec<Formation>,
    addons: Vec<Addon>,
    latest: Option<Release>,
}

/// The app's first page.
pub(crate) async fn overview(
    session: Session,
    Path(app): Path<String>,
) -> Result<impl IntoResponse, Failure> {
    let name = segment(&app)?;
    let client = &session.client;
    let of_app = |what: &str| format!("/apps/{name}{what}");
    let (itself, dynos, formation) = (of_app(""), of_app("/dynos"), of_app("/formation"));
    let (addons, releases) = (of_app("/addons"), of_app("/releases"));
    let (account, app, dynos, formation, addons, latest) = tokio::try_join!(
        client.get::<Account>("/account"),
        client.get(&itself),
        client.list(&dynos),
        client.list(&formation),
        client.list(&addons),
        client.page::<Release>(&releases, "version ..; order=desc, max=1"),
    )?;
    let seen = Overview { app, dynos, formation, addons, latest: latest.into_iter().next() };
    let changes_soon = seen.dynos.iter().any(|dyno| passes(&dyno.state))
        || seen.addons.iter().any(|addon| passes(&addon.state))
        || seen.latest.iter().any(|release| passes(&release.status));
    let body = show(&seen, &session.key);
    let visitor = session.visitor(&account);
    Ok(Html(layout::reloading_page(&seen.app.name, Some(&visitor), &body, changes_soon).into_string()))
}

fn show(seen: &Overview, key: &FormKey) -> Markup {
    let app = &seen.app;
    html! {
        (app_head(app, Tab::Overview))
        @match &seen.latest {
            Some(release) => (latest_release(app, release)),
            None => {}
        }
        @if app.slug_size.is_none() { (how_to_push(app)) }
        section.card {
            div.card-head {
                h2 { "Dynos" }
                @if !seen.dynos.is_empty() {
                    (button(key, &format!("/apps/{}/restart", app.name), "Restart all", "", &[]))
                }
            }
            @if seen.dynos.is_empty() { p.hint { "Nothing runs." } } @else { (dynos(app, &seen.dynos, key)) }
        }
        section.card {
            h2 { "Formation" }
            @if seen.formation.is_empty() { p.hint { "The first push brings the process types." } }
            @for kind in &seen.formation { (process_type(app, kind, key)) }
        }
        section.card {
            h2 { "Add-ons" }
            @if seen.addons.is_empty() {
                p.hint { "None. " code { "heroku addons:create heroku-postgresql -a " (app.name) } " makes a database." }
            }
            @for addon in &seen.addons {
                div.row {
                    span.name { (addon.name) }
                    (state(&addon.state))
                    span.hint { (plan(addon)) }
                    span.hint.end { (addon.config_vars.join(", ")) }
                }
            }
        }
    }
}

fn latest_release(app: &App, release: &Release) -> Markup {
    html! {
        section.card.row {
            span.name { "v" (release.version) }
            (state(&release.status))
            span { (release.description) }
            span.hint.end {
                @if let Some(bytes) = app.slug_size { (megabytes(bytes)) " · " }
                (time(&release.created_at))
            }
        }
    }
}

fn how_to_push(app: &App) -> Markup {
    html! {
        section.card {
            h2 { "Push your code" }
            pre { "git remote add heroku " (app.git_url) "\ngit push heroku main" }
        }
    }
}

fn dynos(app: &App, dynos: &[Dyno], key: &FormKey) -> Markup {
    let action = format!("/apps/{}/restart", app.name);
    html! {
        div.wide { table {
            thead { tr { th { "Dyno" } th { "State" } th { "Release" } th { "Since" } th.grow { "Command" } th {} } }
            tbody {
                @for dyno in dynos {
                    tr {
                        td.name { (dyno.name) }
                        td { (state(&dyno.state)) }
                        td { "v" (dyno.release.version) }
                        td { (time(&dyno.updated_at)) }
                        td.grow { code { (dyno.command) } }
                        td { (button(key, &action, "Restart", "quiet", &[("dyno", &dyno.name)])) }
                    }
                }
            }
        } }
    }
}

fn process_type(app: &App, kind: &Formation, key: &FormKey) -> Markup {
    html! {
        form.row method="post" action={ "/apps/" (app.name) "/scale" } {
            (key_field(key))
            input type="hidden" name="type" value=(kind.kind);
            span.name { (kind.kind) }
            code.grow { (kind.command) }
            span.hint { (kind.size) }
            input type="number" name="quantity" min="0" max=(QUANTITY_MAX) value=(kind.quantity)
                aria-label={ "Number of " (kind.kind) " dynos" };
            button { "Scale" }
        }
    }
}

fn plan(addon: &Addon) -> &str {
    addon.plan.get("name").and_then(|name| name.as_str()).unwrap_or_default()
}

/// Changes how many dynos run a process type.
pub(crate) async fn scale(
    session: Session,
    Path(app): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let (app, kind) = (segment(&app)?, segment(posted.field("type"))?);
    // The API would take `-1` for one fewer.
    let quantity: u32 = posted
        .field("quantity")
        .trim()
        .parse()
        .map_err(|_| Failure::Invalid("How many dynos? Give a whole number.".to_owned()))?;
    let quantity = Some(quantity.to_string().as_str().into());
    let change = FormationChange { quantity, ..FormationChange::default() };
    session.client.patch::<IgnoredAny>(&format!("/apps/{app}/formation/{kind}"), &change).await?;
    Ok(Redirect::to(&format!("/apps/{app}")))
}

/// Restarts one dyno, or all.
pub(crate) async fn restart(
    session: Session,
    Path(app): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let app = segment(&app)?;
    let path = match posted.field("dyno") {
        "" => format!("/apps/{app}/dynos"),
        // A name such as `web.1`: a process type, and a number.
        dyno => {
            let (kind, number) = dyno.split_once('.').ok_or(Failure::Missing)?;
            format!("/apps/{app}/dynos/{}.{}", segment(kind)?, segment(number)?)
        }
    };
    session.client.delete::<IgnoredAny>(&path).await?;
    Ok(Redirect::to(&format!("/apps/{app}")))
}
