//! Domains of an app: the platform's own and the user's.

use model::domain::{Domain, DomainKind, Hostname};
use store::{App, Tx};

use crate::apps::app_ref;
use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};
use crate::sni_endpoints;

const FIELDS: &[&str] = &["hostname", "id"];
/// Most domains of one app (Heroku: 1,000).
const DOMAINS_MAX: usize = 1_000;

pub(crate) fn show(tx: &Tx<'_>, call: &Call, app: &App, domain: &Domain) -> Result<wire::Domain, Problem> {
    let is_custom = domain.kind == DomainKind::Custom;
    let chosen = domain.endpoint.map(|id| tx.sni_endpoint(id)).transpose()?.flatten();
    let automatic = match chosen {
        None if is_custom && app.acm => tx.automatic_certificate(&domain.hostname)?,
        _ => None,
    };
    let endpoint = match (chosen, automatic.as_ref().is_some_and(|it| it.certificate.is_some())) {
        (Some(chosen), _) => Some(wire::Ref { id: chosen.id.to_string(), name: chosen.name }),
        (None, true) => Some(sni_endpoints::automatic_ref(app)),
        (None, false) => None,
    };
    let changed = automatic.as_ref().map_or(domain.updated_at, |it| it.updated_at.max(domain.updated_at));
    Ok(wire::Domain {
        acm_status: automatic.as_ref().and_then(|it| it.state.acm_status()).map(str::to_owned),
        acm_status_reason: automatic.and_then(|it| it.reason),
        app: app_ref(app),
        cname: is_custom.then(|| call.server.cx.site.dns_target(domain.id)),
        created_at: domain.created_at.to_api(),
        hostname: domain.hostname.to_string(),
        id: domain.id.to_string(),
        kind: if is_custom { "custom" } else { "heroku" }.to_owned(),
        sni_endpoint: endpoint,
        status: "none".to_owned(),
        updated_at: changed.to_api(),
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
            tx.domains(app.id)?.iter().map(|domain| show(tx, call, &app, domain)).collect();
        call.list(shown?, FIELDS)
    })
    .await
}

/// One domain by host name or id.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let app = call.app(tx)?;
        Ok(Reply::ok(&show(tx, call, &app, &find(tx, &app, call.param("domain"))?)?))
    })
    .await
}

/// Adds a user's domain.
pub(crate) async fn create(call: Call, Json(request): Json<wire::DomainRequest>) -> Answer {
    let wire::DomainRequest { hostname, sni_endpoint } = request;
    let hostname: Hostname = hostname.trim().trim_end_matches('.').parse().map_err(Problem::invalid)?;
    call.write(move |tx, call, _| {
        let app = call.app(tx)?;
        check_foreign(call, &hostname)?;
        check_public(&hostname)?;
        check_free(tx, &app, &hostname)?;
        if tx.domains(app.id)?.len() >= DOMAINS_MAX {
            return Err(Problem::Invalid(format!("An app can have at most {DOMAINS_MAX} domains.")));
        }
        let id = tx.create_domain(app.id, &hostname, DomainKind::Custom)?;
        if let Some(wire::Named(endpoint)) = &sni_endpoint {
            serve_with(tx, &app, &find(tx, &app, &id.to_string())?, endpoint)?;
        }
        Ok(Reply::created(&show(tx, call, &app, &find(tx, &app, &id.to_string())?)?))
    })
    .await
}

fn serve_with(tx: &Tx<'_>, app: &App, domain: &Domain, endpoint: &str) -> Result<(), Problem> {
    let endpoint = sni_endpoints::find(tx, app, endpoint)?;
    sni_endpoints::check_covers(domain, &endpoint.certificate)?;
    Ok(tx.set_domain_endpoint(domain.id, Some(endpoint.id))?)
}

/// Serves a domain with another certificate.
pub(crate) async fn update(call: Call, Json(change): Json<wire::DomainChange>) -> Answer {
    call.write(move |tx, call, _| {
        let app = call.app(tx)?;
        let domain = find(tx, &app, call.param("domain"))?;
        if domain.kind == DomainKind::Platform {
            return Err(Problem::Invalid(format!(
                "{} comes with the app and with a certificate of the platform.",
                domain.hostname
            )));
        }
        match &change.sni_endpoint {
            Some(wire::Named(endpoint)) => serve_with(tx, &app, &domain, endpoint)?,
            None => tx.set_domain_endpoint(domain.id, None)?,
        }
        Ok(Reply::ok(&show(tx, call, &app, &find(tx, &app, call.param("domain"))?)?))
    })
    .await
}

/// A name that anybody's DNS can hold: at least two labels, and no address.
fn check_public(hostname: &Hostname) -> Result<(), Problem> {
    let last = hostname.as_str().rsplit('.').next().unwrap_or_default();
    let is_address = last.bytes().all(|byte| byte.is_ascii_digit());
    let labels = hostname.as_str().split('.').filter(|label| *label != "*").count();
    if labels < 2 || is_address {
        return Err(Problem::Invalid(format!(
            "Hostname `{hostname}` is not a domain name. Give it in full, such as www.example.com."
        )));
    }
    Ok(())
}

/// A domain belongs to one app. A wildcard and the names it stands for may belong to several apps of one owner, who
/// then decides what goes where; the longer name wins.
fn check_free(tx: &Tx<'_>, app: &App, hostname: &Hostname) -> Result<(), Problem> {
    for other in tx.all_domains()?.iter().filter(|other| other.hostname.overlaps(hostname)) {
        if other.app == app.id && other.hostname == *hostname {
            return Err(Problem::Invalid(format!("{hostname} is already added to this app.")));
        }
        let owner = tx.app(other.app)?.map(|app| app.owner);
        if other.hostname == *hostname || owner != Some(app.owner) {
            return Err(Problem::Invalid(format!("{hostname} is currently in use by another app.")));
        }
    }
    Ok(())
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
        let shown = show(tx, call, &app, &domain)?;
        tx.delete_domain(domain.id)?;
        Ok(Reply::ok(&shown))
    })
    .await
}
