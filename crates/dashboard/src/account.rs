//! A person's own page: password, logins and tokens, SSH keys, apps that are offered; for the platform's owner, the
//! people (`people`).

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Redirect};
use http::StatusCode;
use maud::{Markup, html};
use serde::de::IgnoredAny;
use wire::{
    Account, AccountChange, AppTransfer, AppTransferChange, Authorization, ClientError, Key, PlatformAccount,
};

use crate::failure::Failure;
use crate::layout::{self, button, key_field, segment, time};
use crate::people;
use crate::posted::Posted;
use crate::session::{FormKey, Session};

/// The page.
pub(crate) async fn page(session: Session) -> Result<impl IntoResponse, Failure> {
    let client = &session.client;
    let (account, tokens, keys, transfers): (Account, Vec<Authorization>, Vec<Key>, Vec<AppTransfer>) = tokio::try_join!(
        client.get("/account"),
        client.list("/oauth/authorizations"),
        client.list("/account/keys"),
        client.list("/account/app-transfers"),
    )?;
    let people = everybody(&session).await?;
    let key = &session.key;
    let body = html! {
        h1 { (account.email) }
        (offers(&account, &transfers, key))
        @if let Some(people) = &people { (people::card(people, key)) }
        section.card {
            h2 { "Password" }
            form method="post" action="/account/password" {
                (key_field(key))
                input type="hidden" name="email" value=(account.email) autocomplete="username";
                div.line {
                    label { "Present password" input type="password" name="password" required autocomplete="current-password"; }
                    label { "New password" input type="password" name="new" required minlength="8" autocomplete="new-password"; }
                    button { "Change" }
                }
            }
            p.hint { "A change ends every other login." }
        }
        (authorizations(&session, &tokens))
        section.card {
            h2 { "SSH keys" }
            @if keys.is_empty() { p.hint { "None. Git is served over HTTPS only, so none is needed." } }
            @for one in &keys {
                div.row {
                    span.name { (one.comment) }
                    code.grow { (one.fingerprint) }
                    (button(key, &format!("/account/keys/{}/remove", one.id), "Remove", "quiet", &[]))
                }
            }
        }
    };
    Ok(Html(layout::page("Account", Some(&session.visitor(&account)), &body).into_string()))
}

/// The people of the platform, for its owner.
async fn everybody(session: &Session) -> Result<Option<Vec<PlatformAccount>>, Failure> {
    match session.client.list("/hokku/accounts").await {
        Ok(people) => Ok(Some(people)),
        Err(ClientError::Refused { status: StatusCode::FORBIDDEN, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Apps that wait for somebody to take them.
fn offers(account: &Account, transfers: &[AppTransfer], key: &FormKey) -> Markup {
    let open: Vec<_> = transfers.iter().filter(|transfer| transfer.state == "pending").collect();
    html! {
        @if !open.is_empty() {
            section.card {
                h2 { "Apps on offer" }
                @for transfer in open {
                    @let action = format!("/account/transfers/{}", transfer.id);
                    div.row {
                        span.name { (transfer.app.name) }
                        @if transfer.recipient.id == account.id {
                            span.grow { "from " (transfer.owner.email) }
                            (button(key, &action, "Take it", "primary", &[("to", "accepted")]))
                            (button(key, &action, "Decline", "quiet", &[("to", "declined")]))
                        } @else {
                            span.grow { "to " (transfer.recipient.email) }
                            (button(key, &action, "Take the offer back", "quiet", &[("to", "nobody")]))
                        }
                    }
                }
            }
        }
    }
}

fn authorizations(session: &Session, tokens: &[Authorization]) -> Markup {
    html! {
        section.card {
            h2 { "Logins and tokens" }
            div.wide { table { tbody {
                @for token in tokens {
                    tr {
                        td.grow.name {
                            (token.description)
                            @if token.id == session.token.authorization { " " span.badge { "this login" } }
                        }
                        td { code { (token.access_token.as_ref().map_or("", |it| it.token.as_str())) } }
                        td.hint { (token.scope.join(", ")) }
                        td { (time(&token.created_at)) }
                        td { (button(&session.key, &format!("/account/tokens/{}/revoke", token.id), "Revoke", "quiet", &[])) }
                    }
                }
            } } }
            p.hint { "A token stops working at once when it is revoked. Make one with " code { "heroku authorizations:create" } "." }
        }
    }
}

/// Changes the password.
pub(crate) async fn change_password(session: Session, posted: Posted) -> Result<Redirect, Failure> {
    let field = |name: &str| Some(posted.field(name).to_owned());
    let change =
        AccountChange { password: field("password"), new_password: field("new"), ..AccountChange::default() };
    session.client.patch::<IgnoredAny>("/account", &change).await?;
    Ok(Redirect::to("/account"))
}

/// Revokes a token.
pub(crate) async fn revoke(
    session: Session,
    Path(token): Path<String>,
    _: Posted,
) -> Result<Redirect, Failure> {
    session.client.delete::<IgnoredAny>(&format!("/oauth/authorizations/{}", segment(&token)?)).await?;
    Ok(Redirect::to("/account"))
}

/// Forgets an SSH key.
pub(crate) async fn remove_key(
    session: Session,
    Path(key): Path<String>,
    _: Posted,
) -> Result<Redirect, Failure> {
    session.client.delete::<IgnoredAny>(&format!("/account/keys/{}", segment(&key)?)).await?;
    Ok(Redirect::to("/account"))
}

/// Takes an app that is offered, or does not, or takes the offer back.
pub(crate) async fn decide(
    session: Session,
    Path(transfer): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let path = format!("/account/app-transfers/{}", segment(&transfer)?);
    match posted.field("to") {
        "nobody" => session.client.delete::<IgnoredAny>(&path).await?,
        state => session.client.patch(&path, &AppTransferChange { state: state.to_owned() }).await?,
    };
    Ok(Redirect::to("/account"))
}
