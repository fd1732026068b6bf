//! Certificates that users bring to their apps, and which certificate is served for which host.

use model::certificate::{Certificate, CertificateFacts, SniEndpoint};
use model::config_var::Secret;
use model::id::{AppId, DomainId, SniEndpointId};

use crate::database::Tx;
use crate::error::{StoreError, unique};
use crate::row::{Columns, json};
use crate::topic::Topic;

const WHAT: &str = "certificate";

/// A certificate with the hosts it is presented for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Host names.
    pub hosts: Vec<String>,
    /// The chain in PEM.
    pub chain_pem: String,
    /// The key in PEM.
    pub key_pem: Secret,
}

fn place(id: SniEndpointId) -> String {
    format!("sni_endpoints/{id}/key")
}

/// The certificate's columns; `place` is what its key was sealed for.
pub(crate) fn read_certificate(
    tx: &Tx<'_>,
    row: &Columns<'_, '_>,
    place: &str,
) -> Result<Certificate, StoreError> {
    let key: Vec<u8> = row.get("key")?;
    Ok(Certificate {
        chain_pem: row.get("chain")?,
        key_pem: Secret::new(tx.sealer.open_sealed(place, &key)?),
        facts: CertificateFacts {
            names: row.json("names")?,
            issuer: row.get("issuer")?,
            subject: row.get("subject")?,
            starts_at: row.time("starts_at")?,
            expires_at: row.time("expires_at")?,
            trusted: row.get("trusted")?,
        },
    })
}

fn read(tx: &Tx<'_>, row: &Columns<'_, '_>) -> Result<SniEndpoint, StoreError> {
    let id: SniEndpointId = row.parse("id")?;
    Ok(SniEndpoint {
        id,
        app: row.parse("app")?,
        name: row.get("name")?,
        certificate: read_certificate(tx, row, &place(id))?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

impl Tx<'_> {
    /// Adds a certificate to an app.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the app has one of that name.
    pub fn create_sni_endpoint(
        &self,
        app: AppId,
        name: &str,
        certificate: &Certificate,
    ) -> Result<SniEndpoint, StoreError> {
        let id = SniEndpointId::new();
        let Certificate { chain_pem, key_pem, facts } = certificate;
        let key = self.sealer.seal(&place(id), key_pem.expose_secret())?;
        self.sql
            .execute(
                "INSERT INTO sni_endpoints (id, app, name, chain, key, names, issuer, subject, starts_at,
                                            expires_at, trusted, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)",
                (
                    id.to_string(),
                    app.to_string(),
                    name,
                    chain_pem,
                    key,
                    json(&facts.names),
                    &facts.issuer,
                    &facts.subject,
                    facts.starts_at.as_micros(),
                    facts.expires_at.as_micros(),
                    facts.trusted,
                    self.now().as_micros(),
                ),
            )
            .map_err(unique("Name", "add a certificate"))?;
        self.touch(Topic::Apps);
        self.sni_endpoint(id)?.ok_or(StoreError::Missing { what: WHAT })
    }

    /// A user's certificate by id.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn sni_endpoint(&self, id: SniEndpointId) -> Result<Option<SniEndpoint>, StoreError> {
        self.row(WHAT, "SELECT * FROM sni_endpoints WHERE id = ?1", &[&id.to_string()], read)
    }

    /// The certificates that users brought to an app, by name.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn sni_endpoints(&self, app: AppId) -> Result<Vec<SniEndpoint>, StoreError> {
        let query = "SELECT * FROM sni_endpoints WHERE app = ?1 ORDER BY name";
        self.rows(WHAT, query, &[&app.to_string()], read)
    }

    /// Replaces a user's certificate; the domains that use it go on using it.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_sni_certificate(
        &self,
        id: SniEndpointId,
        certificate: &Certificate,
    ) -> Result<(), StoreError> {
        let Certificate { chain_pem, key_pem, facts } = certificate;
        let key = self.sealer.seal(&place(id), key_pem.expose_secret())?;
        self.execute(
            "replace a certificate",
            "UPDATE sni_endpoints SET chain = ?2, key = ?3, names = ?4, issuer = ?5, subject = ?6,
                    starts_at = ?7, expires_at = ?8, trusted = ?9, updated_at = ?10 WHERE id = ?1",
            &[
                &id.to_string(),
                chain_pem,
                &key,
                &json(&facts.names),
                &facts.issuer,
                &facts.subject,
                &facts.starts_at.as_micros(),
                &facts.expires_at.as_micros(),
                &facts.trusted,
                &self.now().as_micros(),
            ],
        )?;
        self.touch(Topic::Apps);
        Ok(())
    }

    /// Removes a user's certificate; its domains are served with the platform's again.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_sni_endpoint(&self, id: SniEndpointId) -> Result<(), StoreError> {
        self.execute("remove a certificate", "DELETE FROM sni_endpoints WHERE id = ?1", &[&id.to_string()])?;
        self.touch(Topic::Apps);
        Ok(())
    }

    /// Chooses the certificate that a domain is served with; none: the automatic or the platform's own.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_domain_endpoint(
        &self,
        domain: DomainId,
        endpoint: Option<SniEndpointId>,
    ) -> Result<(), StoreError> {
        self.execute(
            "choose a domain's certificate",
            "UPDATE domains SET endpoint = ?2, updated_at = ?3 WHERE id = ?1",
            &[&domain.to_string(), &endpoint.map(|id| id.to_string()), &self.now().as_micros()],
        )?;
        self.touch(Topic::Apps);
        Ok(())
    }

    /// The certificates to present, besides those that the platform makes itself: what users chose for their
    /// domains, and for other hosts what was got automatically.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn served_certificates(&self) -> Result<Vec<Served>, StoreError> {
        let chosen = "SELECT e.id, e.chain, e.key, json_group_array(d.hostname) AS hosts
                      FROM sni_endpoints e JOIN domains d ON d.endpoint = e.id GROUP BY e.id ORDER BY e.id";
        let mut served = self.rows(WHAT, chosen, &[], |tx, row| {
            let key: Vec<u8> = row.get("key")?;
            let key = tx.sealer.open_sealed(&place(row.parse("id")?), &key)?;
            let mut hosts: Vec<String> = row.json("hosts")?;
            hosts.sort();
            Ok(Served { hosts, chain_pem: row.get("chain")?, key_pem: Secret::new(key) })
        })?;
        let automatic = self.automatic_certificates()?.into_iter().filter_map(|automatic| {
            let certificate = automatic.certificate?;
            Some((automatic.hostname.to_string(), certificate))
        });
        let chosen: Vec<String> = served.iter().flat_map(|served| served.hosts.clone()).collect();
        for (host, certificate) in automatic.filter(|(host, _)| !chosen.contains(host)) {
            let Certificate { chain_pem, key_pem, .. } = certificate;
            served.push(Served { hosts: vec![host], chain_pem, key_pem });
        }
        Ok(served)
    }
}
