//! An app's settings: config vars, maintenance, its name, its end.

use axum::extract::{Path, Query};
use axum::response::{Html, IntoResponse, Redirect};
use maud::{Markup, html};
use serde::de::IgnoredAny;
use wire::{App, AppChange, ConfigVars, ConfigVarsChange, Domain, Flag};

use crate::failure::Failure;
use crate::layout::{self, Tab, app_head, button, key_field, segment};
use crate::posted::Posted;
use crate::session::{FormKey, Session};

/// The settings; `?reveal=all` shows the values of config vars as well.
pub(crate) async fn page(
    session: Session,
    Path(app): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<impl IntoResponse, Failure> {
    let (account, app) = session.account_and_app(&app).await?;
    let (vars_path, domains_path) =
        (format!("/apps/{}/config-vars", app.id), format!("/apps/{}/domains", app.id));
    let (vars, domains): (ConfigVars, Vec<Domain>) =
        tokio::try_join!(session.client.get(&vars_path), session.client.list(&domains_path))?;
    let is_revealed = query.iter().any(|(name, _)| name == "reveal");
    let key = &session.key;
    let body = html! {
        (app_head(&app, Tab::Settings))
        (config(&app, &vars, is_revealed, key))
        section.card {
            h2 { "Addresses" }
            @for domain in &domains { div.row { span.name { (domain.hostname) } span.hint { (domain.kind) } } }
            div.row { span.name { "git" } code.grow { (app.git_url) } }
        }
        (maintenance(&app, key))
        (danger(&app, key))
    };
    let title = format!("{} settings", app.name);
    Ok(Html(layout::page(&title, Some(&session.visitor(&account)), &body).into_string()))
}

/// Values are not even in the page until they are asked for.
fn config(app: &App, vars: &ConfigVars, is_revealed: bool, key: &FormKey) -> Markup {
    let action = format!("/apps/{}/config", app.name);
    let settings = format!("/apps/{}/settings", app.name);
    html! {
        section.card #config {
            div.card-head {
                h2 { "Config vars" }
                @if is_revealed { a.button href=(settings) { "Hide values" } }
                @else if !vars.is_empty() { a.button href={ (settings) "?reveal=all#config" } { "Reveal values" } }
            }
            p.hint { "A change makes a release: dynos start anew with it." }
            @for (name, value) in vars {
                div.row.var {
                    span.name { (name) }
                    @if is_revealed {
                        form.grow.line method="post" action=(action) {
                            (key_field(key))
                            input type="hidden" name="name" value=(name);
                            textarea name="value" rows=(value.lines().count().clamp(1, 8)) aria-label={ "Value of " (name) } { (value) }
                            button { "Save" }
                        }
                        (button(key, &action, "Remove", "quiet", &[("name", name), ("remove", "yes")]))
                    } @else { span.hint.grow { "••••••••" } }
                }
            }
            form.row.var method="post" action=(action) {
                (key_field(key))
                input name="name" placeholder="NAME" required aria-label="Name" autocapitalize="characters" autocomplete="off";
                input.grow name="value" placeholder="value" aria-label="Value" autocomplete="off";
                button { "Add" }
            }
        }
    }
}

fn maintenance(app: &App, key: &FormKey) -> Markup {
    let action = format!("/apps/{}/maintenance", app.name);
    let (words, label, to) = if app.maintenance {
        ("Visitors see the maintenance page.", "Turn off", "off")
    } else {
        ("Visitors see the app.", "Turn on", "on")
    };
    html! {
        section.card {
            div.card-head { h2 { "Maintenance mode" } (button(key, &action, label, "", &[("to", to)])) }
            p.hint { (words) }
        }
    }
}

fn danger(app: &App, key: &FormKey) -> Markup {
    html! {
        section.card {
            h2 { "Name" }
            form.line method="post" action={ "/apps/" (app.name) "/rename" } {
                (key_field(key))
                label { "New name" input name="name" value=(app.name) required maxlength="30" autocapitalize="none"; }
                button { "Rename" }
            }
            p.hint { "Its addresses change with it, the one to push to as well." }
        }
        section.card.danger {
            h2 { "Destroy" }
            p.hint { "Ends its dynos and deletes its releases, config, databases and repository. There is no way back." }
            form.line method="post" action={ "/apps/" (app.name) "/destroy" } {
                (key_field(key))
                label {
                    span { "Type " b { (app.name) } " to confirm" }
                    input name="confirm" required autocomplete="off" autocapitalize="none";
                }
                button.bad { "Destroy app" }
            }
        }
    }
}

/// Sets or removes a config var.
pub(crate) async fn change_config(
    session: Session,
    Path(app): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let app = segment(&app)?;
    let is_removal = posted.field("remove") == "yes";
    // Browsers send the ends of lines as CR LF; shells and PEM readers want LF.
    let value = (!is_removal).then(|| posted.field("value").replace("\r\n", "\n"));
    let change = ConfigVarsChange::from([(posted.field("name").trim().to_owned(), value)]);
    session.client.patch::<IgnoredAny>(&format!("/apps/{app}/config-vars"), &change).await?;
    Ok(Redirect::to(&format!("/apps/{app}/settings#config")))
}

/// Turns the maintenance page on or off.
pub(crate) async fn switch_maintenance(
    session: Session,
    Path(app): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let app = segment(&app)?;
    let change = AppChange { maintenance: Some(Flag(posted.field("to") == "on")), ..AppChange::default() };
    session.client.patch::<IgnoredAny>(&format!("/apps/{app}"), &change).await?;
    Ok(Redirect::to(&format!("/apps/{app}/settings")))
}

/// Gives the app another name.
pub(crate) async fn rename(
    session: Session,
    Path(app): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let change = AppChange { name: Some(posted.field("name").trim().to_owned()), ..AppChange::default() };
    let app: App = session.client.patch(&format!("/apps/{}", segment(&app)?), &change).await?;
    Ok(Redirect::to(&format!("/apps/{}/settings", app.name)))
}

/// Ends the app, when its name was typed.
pub(crate) async fn destroy(
    session: Session,
    Path(app): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let app = segment(&app)?;
    if posted.field("confirm").trim() != app {
        return Err(Failure::Invalid(format!("Nothing was destroyed: type `{app}` to confirm.")));
    }
    session.client.delete::<IgnoredAny>(&format!("/apps/{app}")).await?;
    Ok(Redirect::to("/apps"))
}
