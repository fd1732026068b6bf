//! Certificates of an app: those that its users bring, and as one more what was got automatically.

use model::app::AppName;
use model::certificate::{Automatic, Certificate, CertificateFacts, ENDPOINTS_MAX, SniEndpoint};
use model::domain::{Domain, DomainKind};
use store::{App, Tx};

use crate::apps::app_ref;
use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::identity;
use crate::reply::{Answer, Reply};

const FIELDS: &[&str] = &["name", "id"];
/// The name under which automatic certificates are shown.
const AUTOMATIC: &str = "automatic";
/// Names made up before giving up; each is free with a chance of nearly one.
const NAMES_TRIED_MAX: usize = 20;

/// What an app's certificates are shown from.
struct Seen {
    app: App,
    endpoints: Vec<SniEndpoint>,
    domains: Vec<Domain>,
    /// Automatic certificates of its custom domains that are there, with the domain.
    automatic: Vec<(Domain, Automatic, Certificate)>,
}

fn look(tx: &Tx<'_>, app: App) -> Result<Seen, Problem> {
    let domains = tx.domains(app.id)?;
    let mut automatic = Vec::new();
    for domain in domains.iter().filter(|_| app.acm).filter(|domain| is_managed(domain)) {
        let Some(mut known) = tx.automatic_certificate(&domain.hostname)? else { continue };
        if let Some(certificate) = known.certificate.take() {
            automatic.push((domain.clone(), known, certificate));
        }
    }
    Ok(Seen { endpoints: tx.sni_endpoints(app.id)?, app, domains, automatic })
}

fn is_managed(domain: &Domain) -> bool {
    domain.kind == DomainKind::Custom && domain.endpoint.is_none()
}

/// How a domain refers to its automatic certificate.
pub(crate) fn automatic_ref(app: &App) -> wire::Ref {
    wire::Ref {
        id: identity::fixed("automatic-certificates", &app.id.to_string()),
        name: AUTOMATIC.to_owned(),
    }
}

fn ssl_cert(id: &str, facts: &CertificateFacts, acm: bool) -> wire::SslCert {
    wire::SslCert {
        acm,
        ca_signed: facts.trusted,
        cert_domains: facts.names.clone(),
        expires_at: facts.expires_at.to_api(),
        id: identity::fixed("ssl-cert", id),
        issuer: facts.issuer.clone(),
        self_signed: facts.issuer == facts.subject,
        starts_at: facts.starts_at.to_api(),
        subject: facts.subject.clone(),
    }
}

impl Seen {
    fn show(&self, endpoint: &SniEndpoint) -> wire::SniEndpoint {
        let uses = |domain: &&Domain| domain.endpoint == Some(endpoint.id);
        let id = endpoint.id.to_string();
        wire::SniEndpoint {
            app: app_ref(&self.app),
            certificate_chain: endpoint.certificate.chain_pem.clone(),
            cname: None,
            created_at: endpoint.created_at.to_api(),
            display_name: None,
            domains: self.domains.iter().filter(uses).map(|domain| domain.id.to_string()).collect(),
            name: endpoint.name.clone(),
            ssl_cert: ssl_cert(&id, &endpoint.certificate.facts, false),
            id,
            updated_at: endpoint.updated_at.to_api(),
        }
    }

    /// Each domain has a certificate of its own; all are shown as one, with the dates of the one that expires first:
    /// clients ask which to choose when there are several.
    fn show_automatic(&self) -> Option<wire::SniEndpoint> {
        let (_, _, first) = self.automatic.iter().min_by_key(|(_, _, it)| it.facts.expires_at)?;
        let since = self.automatic.iter().map(|(_, known, _)| known.updated_at);
        let wire::Ref { id, name } = automatic_ref(&self.app);
        let mut shown = ssl_cert(&id, &first.facts, true);
        shown.cert_domains = self.automatic.iter().flat_map(|(_, _, it)| it.facts.names.clone()).collect();
        Some(wire::SniEndpoint {
            app: app_ref(&self.app),
            certificate_chain: first.chain_pem.clone(),
            cname: None,
            created_at: since.clone().min()?.to_api(),
            display_name: None,
            domains: self.automatic.iter().map(|(domain, _, _)| domain.id.to_string()).collect(),
            id,
            name,
            ssl_cert: shown,
            updated_at: since.max()?.to_api(),
        })
    }

    fn show_all(&self) -> Vec<wire::SniEndpoint> {
        self.show_automatic().into_iter().chain(self.endpoints.iter().map(|it| self.show(it))).collect()
    }

    /// One that users may change.
    fn find(&self, identity: &str) -> Result<&SniEndpoint, Problem> {
        let automatic = automatic_ref(&self.app);
        if !self.automatic.is_empty() && [automatic.id.as_str(), AUTOMATIC].contains(&identity) {
            return Err(Problem::Invalid(
                "This certificate is managed automatically. Turn that off first with certs:auto:disable."
                    .to_owned(),
            ));
        }
        let is_meant = |it: &&SniEndpoint| it.name == identity || it.id.to_string() == identity;
        self.endpoints.iter().find(is_meant).ok_or(Problem::NotFound { resource: "sni_endpoint" })
    }
}

/// A certificate that a user brought to the app, by name or id.
pub(crate) fn find(tx: &Tx<'_>, app: &App, identity: &str) -> Result<SniEndpoint, Problem> {
    look(tx, app.clone())?.find(identity).cloned()
}

/// One that a user brought, by id, as it is shown.
pub(crate) fn shown(tx: &Tx<'_>, app: &App, id: &str) -> Result<Option<wire::SniEndpoint>, Problem> {
    let seen = look(tx, app.clone())?;
    Ok(seen.endpoints.iter().find(|it| it.id.to_string() == id).map(|it| seen.show(it)))
}

/// An app's certificates.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| call.list(look(tx, call.app(tx)?)?.show_all(), FIELDS)).await
}

/// One of them.
pub(crate) async fn info(call: Call) -> Answer {
    call.read(|tx, call| {
        let asked = call.param("sni_endpoint");
        let mut all = look(tx, call.app(tx)?)?.show_all().into_iter();
        let found = all.find(|it| it.name == asked || it.id == asked);
        Ok(Reply::ok(&found.ok_or(Problem::NotFound { resource: "sni_endpoint" })?))
    })
    .await
}

fn checked(call: &Call, request: &wire::SniEndpointRequest) -> Result<Certificate, Problem> {
    let cx = &call.server.cx;
    let wire::SniEndpointRequest { certificate_chain, private_key } = request;
    certs::check(certificate_chain, private_key, &cx.roots, cx.store.now()).map_err(Problem::invalid)
}

/// Adds a certificate.
pub(crate) async fn create(call: Call, Json(request): Json<wire::SniEndpointRequest>) -> Answer {
    call.write(move |tx, call, _| {
        let app = call.app(tx)?;
        let certificate = checked(call, &request)?;
        let known = tx.sni_endpoints(app.id)?;
        if known.len() >= ENDPOINTS_MAX {
            return Err(Problem::Invalid(format!("An app can have at most {ENDPOINTS_MAX} certificates.")));
        }
        let is_free = |name: &String| known.iter().all(|endpoint| endpoint.name != *name);
        let mut names = (0..NAMES_TRIED_MAX).map(|_| AppName::generated(rand::random()).to_string());
        let name = names.find(is_free);
        let name =
            name.ok_or_else(|| Problem::Conflict("Could not find a free name. Try again.".to_owned()))?;
        let endpoint = tx.create_sni_endpoint(app.id, &name, &certificate)?;
        Ok(Reply::created(&look(tx, app)?.show(&endpoint)))
    })
    .await
}

/// Replaces a certificate.
pub(crate) async fn update(call: Call, Json(request): Json<wire::SniEndpointRequest>) -> Answer {
    call.write(move |tx, call, _| {
        let app = call.app(tx)?;
        let seen = look(tx, app.clone())?;
        let endpoint = seen.find(call.param("sni_endpoint"))?;
        let certificate = checked(call, &request)?;
        for domain in seen.domains.iter().filter(|domain| domain.endpoint == Some(endpoint.id)) {
            check_covers(domain, &certificate)?;
        }
        tx.set_sni_certificate(endpoint.id, &certificate)?;
        let after = look(tx, app)?;
        Ok(Reply::ok(&after.show(after.find(&endpoint.name)?)))
    })
    .await
}

/// A domain is not served with a certificate that no client accepts for it.
pub(crate) fn check_covers(domain: &Domain, certificate: &Certificate) -> Result<(), Problem> {
    if certificate.facts.covers(&domain.hostname) {
        return Ok(());
    }
    Err(Problem::Invalid(format!(
        "The certificate is for {}, and does not cover {}.",
        certificate.facts.names.join(", "),
        domain.hostname
    )))
}

/// Removes a certificate; its domains go on with the platform's own.
pub(crate) async fn destroy(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let seen = look(tx, call.app(tx)?)?;
        let endpoint = seen.find(call.param("sni_endpoint"))?;
        tx.delete_sni_endpoint(endpoint.id)?;
        Ok(Reply::ok(&seen.show(endpoint)))
    })
    .await
}
