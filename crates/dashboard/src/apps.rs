//! The list of apps.

use axum::response::{Html, IntoResponse, Redirect};
use maud::html;
use wire::{Account, App, AppRequest};

use crate::failure::Failure;
use crate::layout::{self, key_field, time};
use crate::posted::Posted;
use crate::session::Session;

/// The front door.
pub(crate) async fn home() -> Redirect {
    Redirect::to("/apps")
}

/// All apps of the visitor.
pub(crate) async fn list(session: Session) -> Result<impl IntoResponse, Failure> {
    let (account, apps): (Account, Vec<App>) =
        tokio::try_join!(session.client.get("/account"), session.client.list("/apps"))?;
    let body = html! {
        h1 { "Apps" }
        @if apps.is_empty() {
            p.hint { "There are no apps yet. Make one here, or with " code { "heroku create" } "." }
        } @else {
            section.card.list {
                @for app in &apps {
                    a.row href={ "/apps/" (app.name) } {
                        span.name { (app.name) }
                        @if app.maintenance { span.badge.warn { "maintenance" } }
                        span.hint { (app.buildpack_provided_description.as_deref().unwrap_or("")) }
                        span.hint.end {
                            @match &app.released_at {
                                Some(at) => { "released " (time(at)) }
                                None => "never released",
                            }
                        }
                    }
                }
            }
        }
        section.card {
            h2 { "New app" }
            form.line method="post" action="/apps" {
                (key_field(&session.key))
                label { "Name" input name="name" placeholder="leave empty for a made-up one" maxlength="30" autocapitalize="none"; }
                button.primary { "Create app" }
            }
        }
    };
    Ok(Html(layout::page("Apps", Some(&session.visitor(&account)), &body).into_string()))
}

/// Makes an app.
pub(crate) async fn create(session: Session, posted: Posted) -> Result<Redirect, Failure> {
    let name = posted.field("name").trim();
    let name = (!name.is_empty()).then(|| name.to_owned());
    let app: App = session.client.post("/apps", &AppRequest { name, ..AppRequest::default() }).await?;
    Ok(Redirect::to(&format!("/apps/{}", app.name)))
}
