//! Who may work on an app, and whose it is.

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Redirect};
use maud::{Markup, html};
use serde::de::IgnoredAny;
use wire::{App, AppTransferRequest, Collaborator, CollaboratorRequest};

use crate::failure::Failure;
use crate::layout::{self, Tab, app_head, button, key_field, segment};
use crate::people::address;
use crate::posted::Posted;
use crate::session::{FormKey, Session};

/// The list, the owner first.
pub(crate) async fn page(session: Session, Path(app): Path<String>) -> Result<impl IntoResponse, Failure> {
    let (account, app) = session.account_and_app(&app).await?;
    let people: Vec<Collaborator> = session.client.list(&format!("/apps/{}/collaborators", app.id)).await?;
    let (key, action) = (&session.key, format!("/apps/{}/access", app.name));
    let body = html! {
        (app_head(&app, Tab::Access))
        section.card {
            h2 { "People" }
            @for person in &people {
                div.row {
                    span.name.grow { (person.user.email) }
                    span.badge { (person.role.as_deref().unwrap_or("collaborator")) }
                    @if person.user.email != app.owner.email {
                        (button(key, &action, "Remove", "quiet", &[("email", &person.user.email), ("remove", "yes")]))
                    }
                }
            }
            form.line method="post" action=(action) {
                (key_field(key))
                label { "E-mail" input type="email" name="email" required autocomplete="off"; }
                button { "Add" }
            }
            p.hint {
                "A collaborator may do all but destroy, rename or give away the app, or destroy its add-ons."
            }
        }
        @if account.id == app.owner.id { (transfer(&app, key)) }
    };
    let title = format!("{} access", app.name);
    Ok(Html(layout::page(&title, Some(&session.visitor(&account)), &body).into_string()))
}

fn transfer(app: &App, key: &FormKey) -> Markup {
    html! {
        section.card {
            h2 { "Owner" }
            form.line method="post" action={ "/apps/" (app.name) "/transfer" } {
                (key_field(key))
                label { "Give it to (e-mail)" input type="email" name="email" required autocomplete="off"; }
                button { "Offer" }
            }
            p.hint { "It is theirs once they take it, on their account's page. You stay a collaborator." }
        }
    }
}

/// Adds or removes a collaborator.
pub(crate) async fn change(
    session: Session,
    Path(app): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let app = segment(&app)?;
    let (path, email) = (format!("/apps/{app}/collaborators"), posted.field("email").trim());
    if posted.field("remove") == "yes" {
        session.client.delete::<IgnoredAny>(&format!("{path}/{}", address(email))).await?;
    } else {
        let request = CollaboratorRequest { user: email.into(), silent: None };
        session.client.post::<IgnoredAny>(&path, &request).await?;
    }
    Ok(Redirect::to(&format!("/apps/{app}/access")))
}

/// Offers the app to somebody.
pub(crate) async fn offer(
    session: Session,
    Path(app): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let recipient = posted.field("email").trim();
    let request =
        AppTransferRequest { app: segment(&app)?.into(), recipient: recipient.into(), silent: None };
    session.client.post::<IgnoredAny>("/account/app-transfers", &request).await?;
    Ok(Redirect::to("/account"))
}
