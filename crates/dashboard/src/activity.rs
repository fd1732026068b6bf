//! What happened to an app: its releases and its builds.

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Redirect};
use maud::{Markup, html};
use serde::de::IgnoredAny;
use wire::{App, Build, Release, ReleaseRequest};

use crate::failure::Failure;
use crate::layout::{self, Tab, app_head, button, passes, segment, state, time};
use crate::posted::Posted;
use crate::session::{FormKey, Session};

/// Most builds shown; releases are asked for as many.
const SHOWN_MAX: usize = 30;

/// Releases, newest first, with the way back to each; then builds.
pub(crate) async fn page(session: Session, Path(app): Path<String>) -> Result<impl IntoResponse, Failure> {
    let (account, app) = session.account_and_app(&app).await?;
    let path = format!("/apps/{}", app.id);
    let range = format!("version ..; order=desc, max={SHOWN_MAX}");
    let (releases_path, builds_path) = (format!("{path}/releases"), format!("{path}/builds"));
    let (list, mut made): (Vec<Release>, Vec<Build>) =
        tokio::try_join!(session.client.page(&releases_path, &range), session.client.list(&builds_path),)?;
    // Times are written so that they sort as texts.
    made.sort_by(|a, b| b.created_at.cmp(&a.created_at));
    made.truncate(SHOWN_MAX);
    let changes_soon = list.iter().map(|release| &release.status).any(|status| passes(status))
        || made.iter().any(|build| passes(&build.status));
    let body = html! {
        (app_head(&app, Tab::Activity))
        section.card { h2 { "Releases" } (releases(&app, &list, &session.key)) }
        section.card {
            h2 { "Builds" }
            @if made.is_empty() { p.hint { "Nothing was pushed yet." } } @else { (builds(&app, &made)) }
        }
    };
    let title = format!("{} activity", app.name);
    let visitor = session.visitor(&account);
    Ok(Html(layout::reloading_page(&title, Some(&visitor), &body, changes_soon).into_string()))
}

fn releases(app: &App, releases: &[Release], key: &FormKey) -> Markup {
    let action = format!("/apps/{}/rollback", app.name);
    html! {
        div.wide { table { tbody {
            @for release in releases {
                tr {
                    td.name { "v" (release.version) }
                    td { (state(&release.status)) }
                    td.grow {
                        (release.description)
                        @if release.current { " " span.badge { "current" } }
                        @if release.output_stream_url.is_some() {
                            " " a href={ "/apps/" (app.name) "/activity/releases/" (release.id) } { "output" }
                        }
                    }
                    td.hint { (release.user.email) }
                    td { (time(&release.created_at)) }
                    td {
                        @if release.eligible_for_rollback && !release.current {
                            (button(key, &action, "Roll back", "quiet", &[("release", &release.id)]))
                        }
                    }
                }
            }
        } } }
    }
}

fn builds(app: &App, builds: &[Build]) -> Markup {
    html! {
        div.wide { table { tbody {
            @for build in builds {
                tr {
                    td.name { (commit(build)) }
                    td { (state(&build.status)) }
                    td.grow { a href={ "/apps/" (app.name) "/activity/builds/" (build.id) } { "build output" } }
                    td.hint { (build.user.email) }
                    td { (time(&build.created_at)) }
                }
            }
        } } }
    }
}

/// What people call a build: the beginning of its commit.
pub(crate) fn commit(build: &Build) -> &str {
    let version = build.source_blob.version.as_deref().unwrap_or(&build.id);
    version.get(..8).unwrap_or(version)
}

/// Goes back to an older release.
pub(crate) async fn roll_back(
    session: Session,
    Path(app): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let app = segment(&app)?;
    let release = Some(posted.field("release").to_owned());
    let request = ReleaseRequest { release, ..ReleaseRequest::default() };
    session.client.post::<IgnoredAny>(&format!("/apps/{app}/releases"), &request).await?;
    Ok(Redirect::to(&format!("/apps/{app}")))
}
