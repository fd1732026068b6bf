//! Attachments: an add-on's place in an app's config.

use model::addon::{Attachment, config_keys};
use store::{StoreError, Tx};

use crate::addon_desk::AttachWish;
use crate::apps::app_ref;
use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};
use crate::{access, addon_services};

/// Fields an attachment list can be sorted by.
const FIELDS: &[&str] = &["id"];
const MISSING: Problem = Problem::NotFound { resource: "add_on attachment" };
/// How a client may spell the default credential; usually it says nothing.
const DEFAULT_NAMESPACE: &str = "credential:default";
/// An attachment `DATABASE` sets the config var `DATABASE_URL`.
const URL: &str = "_URL";

pub(crate) fn show(tx: &Tx<'_>, call: &Call, attachment: &Attachment) -> Result<wire::Attachment, Problem> {
    let missing = |what| StoreError::Missing { what };
    let addon = tx.addon(attachment.addon)?.ok_or(missing("add-on of this attachment"))?;
    let owner = tx.app(addon.app)?.ok_or(missing("app of this add-on"))?;
    let app = tx.app(attachment.app)?.ok_or(missing("app of this attachment"))?;
    let config_vars = call.extras.config_vars.then(|| config_vars(tx, attachment)).transpose()?;
    Ok(wire::Attachment {
        addon: wire::AttachedAddon {
            app: app_ref(&owner),
            id: addon.id.to_string(),
            name: addon.name,
            plan: call.extras.addon_plan.then(|| addon_services::plan_ref(addon.plan)),
        },
        app: app_ref(&app),
        config_vars,
        created_at: attachment.created_at.to_api(),
        id: attachment.id.to_string(),
        log_input_url: None,
        name: attachment.name.clone(),
        namespace: None,
        updated_at: attachment.created_at.to_api(),
        web_url: None,
    })
}

/// The config vars that an attachment sets; until the add-on is provisioned, those it will set.
pub(crate) fn config_vars(tx: &Tx<'_>, attachment: &Attachment) -> Result<Vec<String>, Problem> {
    let addon =
        tx.addon(attachment.addon)?.ok_or(StoreError::Missing { what: "add-on of this attachment" })?;
    let keys = config_keys(addon.plan.service, &attachment.name).unwrap_or_default();
    Ok(keys.iter().map(ToString::to_string).collect())
}

/// The attachments to an app, or to all of the caller's apps.
pub(crate) fn within(tx: &Tx<'_>, call: &Call, app: Option<&str>) -> Result<Vec<Attachment>, Problem> {
    match app {
        Some(app) => Ok(tx.attachments_to(access::app(tx, &call.caller, app)?.id)?),
        None => access::attachments(tx, &call.caller),
    }
}

/// Whether a text is an attachment's id, name or config var, the latter with or without `_URL`.
fn is(tx: &Tx<'_>, attachment: &Attachment, text: &str) -> Result<bool, Problem> {
    let upper = text.to_ascii_uppercase();
    if attachment.id.to_string() == text || attachment.name == upper {
        return Ok(true);
    }
    let is_var = |var: &String| *var == upper || var.strip_suffix(URL) == Some(upper.as_str());
    Ok(config_vars(tx, attachment)?.iter().any(is_var))
}

/// Whether a text means one of these attachments.
pub(crate) fn any_is(tx: &Tx<'_>, attachments: &[&Attachment], text: &str) -> Result<bool, Problem> {
    for attachment in attachments {
        if is(tx, attachment, text)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn listed(tx: &Tx<'_>, call: &Call, attachments: &[Attachment]) -> Answer {
    let shown: Result<Vec<_>, _> = attachments.iter().map(|attachment| show(tx, call, attachment)).collect();
    call.list(shown?, FIELDS)
}

/// Every attachment to the caller's apps.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| listed(tx, call, &access::attachments(tx, &call.caller)?)).await
}

/// The attachments to an app.
pub(crate) async fn list_of_app(call: Call) -> Answer {
    call.read(|tx, call| listed(tx, call, &tx.attachments_to(call.app(tx)?.id)?)).await
}

/// The attachments of an add-on.
pub(crate) async fn list_of_addon(call: Call) -> Answer {
    call.read(|tx, call| {
        let addon = access::addon(tx, &call.caller, call.param("addon"))?;
        listed(tx, call, &tx.attachments_of(addon.id)?)
    })
    .await
}

/// One attachment by id.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| one(tx, call, &access::attachments(tx, &call.caller)?)).await
}

/// One attachment to an app, by name or id.
pub(crate) async fn info_of_app(call: Call) -> Answer {
    call.read(|tx, call| one(tx, call, &tx.attachments_to(call.app(tx)?.id)?)).await
}

fn one(tx: &Tx<'_>, call: &Call, among: &[Attachment]) -> Answer {
    let asked = call.param("attachment");
    let found = among.iter().find(|it| it.name == asked || it.id.to_string() == asked).ok_or(MISSING)?;
    Ok(Reply::ok(&show(tx, call, found)?))
}

/// `POST /actions/addon-attachments/resolve`: the attachments that a text can mean; `app::name` names the app too.
pub(crate) async fn resolve(call: Call, Json(asked): Json<wire::AttachmentResolution>) -> Answer {
    call.read(move |tx, call| {
        let whole = asked.addon_attachment.as_str();
        let (app, text) = match whole.split_once("::") {
            Some((app, text)) => (Some(app), text),
            None => (asked.app.as_deref(), whole),
        };
        let mut found = Vec::new();
        for attachment in within(tx, call, app)? {
            let addon = tx.addon(attachment.addon)?.ok_or(MISSING)?;
            let fits = asked.addon_service.as_deref().is_none_or(|service| service == addon.plan.service);
            let named = addon.name == text || addon.id.to_string() == text;
            if fits && (named || is(tx, &attachment, text)?) {
                found.push(show(tx, call, &attachment)?);
            }
        }
        if found.is_empty() { Err(MISSING) } else { Ok(Reply::ok(&found)) }
    })
    .await
}

/// Attaches an add-on to an app; in place of another attachment only when that is confirmed.
pub(crate) async fn create(call: Call, Json(asked): Json<wire::AttachmentRequest>) -> Answer {
    call.write(move |tx, call, said| {
        let addon = access::addon(tx, &call.caller, &asked.addon.0)?;
        let app = access::app(tx, &call.caller, &asked.app.0)?;
        if let Some(namespace) = asked.namespace.as_deref().filter(|it| *it != DEFAULT_NAMESPACE) {
            return Err(Problem::Invalid(format!(
                "{} has no `{namespace}`: there is the default credential only.",
                addon.name
            )));
        }
        let wish = AttachWish {
            addon: &addon,
            app: &app,
            name: asked.name.as_deref(),
            replaces: asked.confirm.as_deref().is_some_and(|it| app.name.as_str() == it),
            user: &call.caller,
        };
        let (attachment, releases) = call.server.cx.addons.attach(tx, &wish)?;
        releases.iter().for_each(|release| said.released(release));
        Ok(Reply::created(&show(tx, call, &attachment)?))
    })
    .await
}

/// Detaches an add-on from an app.
pub(crate) async fn destroy(call: Call) -> Answer {
    call.write(|tx, call, said| {
        let asked = call.param("attachment");
        let seen = access::attachments(tx, &call.caller)?;
        let attachment = seen.into_iter().find(|it| it.id.to_string() == asked).ok_or(MISSING)?;
        let shown = show(tx, call, &attachment)?;
        let release = call.server.cx.addons.detach(tx, &attachment, &call.caller)?;
        said.released(&release);
        Ok(Reply::ok(&shown))
    })
    .await
}
