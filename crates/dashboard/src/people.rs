//! The people of the platform, on its owner's page: add, give a new link, remove.

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Redirect};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::IgnoredAny;
use wire::{Account, Empty, Invitation, PlatformAccount, PlatformAccountRemoval, PlatformAccountRequest};

use crate::failure::Failure;
use crate::layout::{self, button, key_field, segment, time};
use crate::posted::Posted;
use crate::session::{FormKey, Session};

/// The list, with what can be done.
pub(crate) fn card(people: &[PlatformAccount], key: &FormKey) -> Markup {
    html! {
        section.card #people {
            h2 { "People" }
            @for person in people {
                @let action = format!("/account/people/{}", person.id);
                div.row {
                    span.name { (person.email) }
                    @if person.owner { span.badge { "owner" } }
                    @if person.state != "active" { span.badge.warn { (person.state) } }
                    span.hint.grow { (person.apps) @if person.apps == 1 { " app" } @else { " apps" } }
                    (button(key, &format!("{action}/reset"), "New link", "quiet", &[]))
                    @if !person.owner { (button(key, &format!("{action}/remove"), "Remove", "quiet", &[])) }
                }
            }
            form.line method="post" action="/account/people" {
                (key_field(key))
                label { "E-mail" input type="email" name="email" required autocomplete="off"; }
                button { "Add" }
            }
            p.hint { "No mail is sent: you are shown a link, which you give to the person." }
        }
    }
}

/// Adds somebody and shows the link.
pub(crate) async fn add(session: Session, posted: Posted) -> Result<impl IntoResponse, Failure> {
    let request = PlatformAccountRequest { email: posted.field("email").trim().to_owned() };
    let invitation: Invitation = session.client.post("/hokku/accounts", &request).await?;
    invited(&session, &invitation).await
}

/// Makes a new link and shows it.
pub(crate) async fn reset(
    session: Session,
    Path(person): Path<String>,
    _: Posted,
) -> Result<impl IntoResponse, Failure> {
    let path = format!("/hokku/accounts/{}/actions/reset", segment(&person)?);
    let invitation: Invitation = session.client.post(&path, &Empty {}).await?;
    invited(&session, &invitation).await
}

async fn invited(session: &Session, invitation: &Invitation) -> Result<Html<String>, Failure> {
    let account: Account = session.client.get("/account").await?;
    let body = html! {
        section.card.narrow {
            h1 { "A link for " (invitation.email) }
            p { code { (invitation.url.as_deref().unwrap_or_default()) } }
            p.hint {
                "Give it to " (invitation.email) " and to nobody else: who opens it chooses the password. It works once, until "
                (time(&invitation.expires_at)) ", and is not shown again."
            }
            p { a href="/account#people" { "Back" } }
        }
    };
    Ok(Html(layout::page("A link", Some(&session.visitor(&account)), &body).into_string()))
}

/// Removes somebody; whose apps are named by the refusal, if there are any.
pub(crate) async fn remove(
    session: Session,
    Path(person): Path<String>,
    _: Posted,
) -> Result<Redirect, Failure> {
    let path = format!("/hokku/accounts/{}", segment(&person)?);
    session.client.delete_with::<IgnoredAny>(&path, &PlatformAccountRemoval::default()).await?;
    Ok(Redirect::to("/account#people"))
}

/// An address as a part of a path.
pub(crate) fn address(email: &str) -> String {
    utf8_percent_encode(email, NON_ALPHANUMERIC).to_string()
}
