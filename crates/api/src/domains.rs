//! Domains of an app: the platform's own and the user's.

use model::domain::{Domain, DomainKind, Hostname};
use store::{App, Tx};

use crate::apps::app_ref;
use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};

const FIELDS: &[&str] = &["hostname", "id"];
/// Most domains of one app (Heroku: 1,000).
const DOMAINS_MAX: usize = 1_000;

pub(crate) fn show(call: &Call, app: &App, domain: &Domain) -> Result<wire::Domain, Problem> {
    let is_custom = domain.kind == DomainKind::Custom;
    let target = call.server.cx.site.app_host(&app.name).map_err(Problem::internal)?;
    Ok(wire::Domain {
        acm_status: None,
        acm_status_reason: None,
        app: app_ref(app),
        cname: is_custom.then(|| target.to_string()),
        created_at: domain.created_at.to_api(),
        hostname: domain.hostname.to_string(),
        id: domain.id.to_string(),
        kind: if is_custom { "custom" } else { "heroku" }.to_owned(),
        sni_endpoint: None,
        status: "none".to_owned(),
        updated_at: domain.created_at.to_api(),
    })
}

fn find(tx: &Tx<'_>, app: &App, identity: &str) -> Result<Domain, Problem> {
    let is_meant = |domain: &Domain| {
        domain.hostname.as_str().eq_ignore_ascii_case(identity) || domain.id.to_string() == identity
    };
    tx.domains(app.id)?.into_iter().find(is_meant).ok_or(Problem::NotFound { resource: "domain" })
}

/// An app's domains.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        let shown: Result<Vec<_>, _> =
            tx.domains(app.id)?.iter().map(|domain| show(call, &app, domain)).collect();
        call.list(shown?, FIELDS)
    })
    .await
}

/// One domain by host name or id.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        Ok(Reply::ok(&show(call, &app, &find(tx, &app, call.param("domain"))?)?))
    })
    .await
}

/// Adds a user's domain.
pub(crate) async fn create(call: Call, Json(request): Json<wire::DomainRequest>) -> Answer {
    let hostname: Hostname = request.hostname.parse().map_err(Problem::invalid)?;
    if request.sni_endpoint.is_some() {
        return Err(Problem::NotFound { resource: "sni_endpoint" });
    }
    call.write(move |tx, call, _| {
        let app = call.app(tx)?;
        check_foreign(call, &hostname)?;
        if tx.domains(app.id)?.len() >= DOMAINS_MAX {
            return Err(Problem::Invalid(format!("An app can have at most {DOMAINS_MAX} domains.")));
        }
        let id = tx.create_domain(app.id, &hostname, DomainKind::Custom)?;
        Ok(Reply::created(&show(call, &app, &find(tx, &app, &id.to_string())?)?))
    })
    .await
}

/// Names under the platform's own domain belong to it: whoever took `api.<domain>` would get everyone's tokens.
fn check_foreign(call: &Call, hostname: &Hostname) -> Result<(), Problem> {
    let own = call.server.cx.site.domain.as_str();
    let name = hostname.as_str();
    let plain = name.strip_prefix("*.").unwrap_or(name);
    let is_own = plain == own
        || plain.strip_suffix(own).is_some_and(|rest| rest.ends_with('.'))
        || call.server.cx.site.control_hosts().iter().any(|host| host == plain);
    if is_own {
        return Err(Problem::Invalid(format!("Hostname `{name}` is reserved: it belongs to the platform.")));
    }
    Ok(())
}

/// Removes a user's domain.
pub(crate) async fn destroy(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let app = call.app(tx)?;
        let domain = find(tx, &app, call.param("domain"))?;
        if domain.kind == DomainKind::Platform {
            return Err(Problem::Invalid(format!(
                "Cannot remove {}: it comes with the app.",
                domain.hostname
            )));
        }
        tx.delete_domain(domain.id)?;
        Ok(Reply::ok(&show(call, &app, &domain)?))
    })
    .await
}
