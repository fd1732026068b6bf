//! Add-ons: list, make, show, find by any name, destroy.

use logs::event;
use model::addon::{Addon, AddonState, Attachment, plan};
use store::{App, StoreError, Tx};

use crate::addon_desk::AddonWish;
use crate::apps::app_ref;
use crate::body::Json;
use crate::call::Call;
use crate::error::{Problem, no_such_plan};
use crate::reply::{Answer, Reply};
use crate::{access, addon_attachments, addon_services};

/// Fields an add-on list can be sorted by.
const FIELDS: &[&str] = &["id", "name"];
const MISSING: Problem = Problem::NotFound { resource: "add_on" };

pub(crate) fn show(tx: &Tx<'_>, call: &Call, addon: &Addon) -> Result<wire::Addon, Problem> {
    let app = tx.app(addon.app)?.ok_or(StoreError::Missing { what: "app of this add-on" })?;
    let own = tx.attachments_of(addon.id)?.into_iter().filter(|attachment| attachment.app == addon.app);
    let mut config_vars = Vec::new();
    for attachment in own {
        config_vars.extend(addon_attachments::config_vars(tx, &attachment)?);
    }
    let plan = addon_services::plan(addon.plan);
    let price = plan.price.clone();
    let plan_value = if call.extras.full_plan {
        serde_json::to_value(&plan)
    } else {
        serde_json::to_value(wire::Ref { id: plan.id.clone(), name: plan.name.clone() })
    };
    Ok(wire::Addon {
        actions: Vec::new(),
        addon_service: addon_services::service_ref(addon.plan.service),
        app: app_ref(&app),
        billed_price: Some(price.into()),
        billing_entity: wire::BillingEntity {
            id: app.id.to_string(),
            name: app.name.to_string(),
            kind: "app".to_owned(),
        },
        config_vars,
        created_at: addon.created_at.to_api(),
        id: addon.id.to_string(),
        name: addon.name.clone(),
        plan: plan_value.map_err(Problem::internal)?,
        provider_id: addon.id.to_string(),
        provision_message: None,
        state: state(addon).to_owned(),
        updated_at: addon.updated_at.to_api(),
        web_url: None,
    })
}

/// For clients an add-on that is going is gone.
fn state(addon: &Addon) -> &'static str {
    match addon.state {
        AddonState::Provisioning => "provisioning",
        AddonState::Provisioned => "provisioned",
        AddonState::Deprovisioning => "deprovisioned",
    }
}

pub(crate) fn is_there(addon: &Addon) -> bool {
    addon.state != AddonState::Deprovisioning
}

/// Every add-on of the caller.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let seen = access::addons(tx, &call.caller)?;
        let shown: Result<Vec<_>, _> =
            seen.iter().filter(|it| is_there(it)).map(|addon| show(tx, call, addon)).collect();
        call.list(shown?, FIELDS)
    })
    .await
}

/// The add-ons an app owns or is attached to.
pub(crate) async fn list_of_app(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let mut addons = tx.addons_of(app.id)?;
        for attached in tx.addons_attached_to(app.id)? {
            if addons.iter().all(|addon| addon.id != attached.id) {
                addons.push(attached);
            }
        }
        let shown: Result<Vec<_>, _> =
            addons.iter().filter(|it| is_there(it)).map(|addon| show(tx, call, addon)).collect();
        call.list(shown?, FIELDS)
    })
    .await
}

/// One add-on by name or id.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let addon = access::addon(tx, &call.caller, call.param("addon"))?;
        Ok(Reply::ok(&show(tx, call, &addon)?))
    })
    .await
}

/// One add-on of an app, by name, id or attachment.
pub(crate) async fn info_of_app(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let addon = of_app(tx, call, &app)?;
        Ok(Reply::ok(&show(tx, call, &addon)?))
    })
    .await
}

fn of_app(tx: &Tx<'_>, call: &Call, app: &App) -> Result<Addon, Problem> {
    let asked = call.param("addon");
    let attachments = tx.attachments_to(app.id)?;
    let attached = |addon: &Addon| attachments.iter().any(|attachment| attachment.addon == addon.id);
    match tx.addon_by_identity(asked)? {
        Some(addon) if addon.app == app.id || attached(&addon) => Ok(addon),
        _ => {
            let named = attachments.iter().find(|attachment| attachment.name == asked);
            let found = named.map(|attachment| tx.addon(attachment.addon)).transpose()?.flatten();
            found.ok_or(MISSING)
        }
    }
}

/// Asks for an add-on; its stage provisions it.
pub(crate) async fn create(call: Call, Json(request): Json<wire::AddonRequest>) -> Answer {
    let wire::AddonRequest { plan: asked, attachment, name, confirm: _, config } = request;
    let plan = plan(&asked.0).ok_or_else(|| Problem::NoPlan { name: asked.0.clone() })?;
    if let Some(option) = config.keys().next() {
        return Err(Problem::Invalid(format!("Option `{option}` is not supported by {}.", plan.service)));
    }
    call.write(move |tx, call, said| {
        let app = call.app(tx)?;
        let attachment = attachment.and_then(|attachment| attachment.name);
        let wish = AddonWish {
            app: &app,
            plan,
            name: name.as_deref(),
            attachment: attachment.as_deref(),
            user: &call.caller,
        };
        let (addon, release) = call.server.cx.addons.request(tx, &wish)?;
        said.released(&release);
        Ok(Reply::created(&show(tx, call, &addon)?))
    })
    .await
}

/// Gives an add-on another plan of its service, or another name.
pub(crate) async fn update(call: Call, Json(asked): Json<wire::AddonChange>) -> Answer {
    call.write(move |tx, call, said| {
        let app = call.app(tx)?;
        let addon = of_app(tx, call, &app)?;
        if addon.app != app.id {
            return Err(Problem::Invalid(format!("{} belongs to another app.", addon.name)));
        }
        if !is_there(&addon) {
            return Err(MISSING);
        }
        if let Some(wish) = &asked.plan {
            // The official CLI tells which plans there are when it gets this text with this status.
            let found = plan(&wish.0).ok_or_else(|| Problem::Invalid(no_such_plan(&wish.0)))?;
            if found.service != addon.plan.service {
                return Err(Problem::Invalid(format!(
                    "{} is of {}; it cannot become {}.",
                    addon.name, addon.plan.service, wish.0
                )));
            }
            if found != addon.plan {
                tx.set_addon_plan(addon.id, found)?;
                said.say_with(addon.app, |user| event::plan_changed(&addon.name, &found.full_name(), user));
            }
        }
        if let Some(name) = asked.name.as_deref().filter(|name| *name != addon.name) {
            call.server.cx.addons.rename(tx, &addon, name)?;
        }
        let changed = tx.addon(addon.id)?.ok_or(MISSING)?;
        Ok(Reply::ok(&show(tx, call, &changed)?))
    })
    .await
}

/// Destroys an add-on and everything in it.
pub(crate) async fn destroy(call: Call, Json(asked): Json<wire::AddonDestruction>) -> Answer {
    call.write(move |tx, call, said| {
        let app = call.own_app(tx, "destroy its add-ons")?;
        let addon = of_app(tx, call, &app)?;
        if addon.app != app.id {
            return Err(Problem::Invalid(format!("{} belongs to another app.", addon.name)));
        }
        let elsewhere = tx.attachments_of(addon.id)?.iter().any(|attachment| attachment.app != app.id);
        if elsewhere && !asked.force.is_some_and(bool::from) {
            return Err(Problem::Invalid(format!(
                "{} is attached to other apps too. Detach it there first, or use --force.",
                addon.name
            )));
        }
        let shown = show(tx, call, &addon)?;
        if is_there(&addon) {
            let releases = call.server.cx.addons.destroy(tx, &addon, &call.caller)?;
            releases.iter().for_each(|release| said.released(release));
        }
        Ok(Reply::ok(&wire::Addon { state: "deprovisioned".to_owned(), ..shown }))
    })
    .await
}

/// `POST /actions/addons/resolve`: the add-ons that a text can mean.
pub(crate) async fn resolve(call: Call, Json(asked): Json<wire::AddonResolution>) -> Answer {
    call.read(move |tx, call| {
        let text = asked.addon.as_str();
        let mut found = Vec::new();
        let seen = addon_attachments::within(tx, call, asked.app.as_deref())?;
        for addon in access::addons(tx, &call.caller)?.into_iter().filter(is_there) {
            let attachments: Vec<&Attachment> = seen.iter().filter(|it| it.addon == addon.id).collect();
            let in_scope = asked.app.is_none() || !attachments.is_empty();
            let named = addon.name == text || addon.id.to_string() == text;
            let of_service = in_scope && addon.plan.service == text;
            let attached = asked.app.is_some() && addon_attachments::any_is(tx, &attachments, text)?;
            let fits = asked.addon_service.as_deref().is_none_or(|service| service == addon.plan.service);
            if fits && (named || of_service || attached) {
                found.push(show(tx, call, &addon)?);
            }
        }
        if found.is_empty() { Err(MISSING) } else { Ok(Reply::ok(&found)) }
    })
    .await
}
