//! Domains.

use model::domain::{Domain, DomainKind, Hostname};
use model::id::{AppId, DomainId};

use crate::database::Tx;
use crate::error::{StoreError, unique};
use crate::row::Columns;
use crate::topic::Topic;

const WHAT: &str = "domain";

fn read(_: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Domain, StoreError> {
    let custom: bool = row.get("custom")?;
    Ok(Domain {
        id: row.parse("id")?,
        app: row.parse("app")?,
        hostname: row.parse("hostname")?,
        kind: if custom { DomainKind::Custom } else { DomainKind::Platform },
        endpoint: row.parse_opt("endpoint")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

impl Tx<'_> {
    /// Adds a domain to an app.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when an app has it already.
    pub fn create_domain(
        &self,
        app: AppId,
        hostname: &Hostname,
        kind: DomainKind,
    ) -> Result<DomainId, StoreError> {
        let id = DomainId::new();
        self.sql
            .execute(
                "INSERT INTO domains (id, app, hostname, custom, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                (
                    id.to_string(),
                    app.to_string(),
                    hostname.as_str(),
                    kind == DomainKind::Custom,
                    self.now().as_micros(),
                ),
            )
            .map_err(unique("Hostname", "add a domain"))?;
        self.touch(Topic::Apps);
        Ok(id)
    }

    /// An app's domains, the platform's own first.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn domains(&self, app: AppId) -> Result<Vec<Domain>, StoreError> {
        let query = "SELECT * FROM domains WHERE app = ?1 ORDER BY custom, hostname";
        self.rows(WHAT, query, &[&app.to_string()], read)
    }

    /// Every domain of every app.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn all_domains(&self) -> Result<Vec<Domain>, StoreError> {
        self.rows(WHAT, "SELECT * FROM domains ORDER BY hostname", &[], read)
    }

    /// Removes a custom domain.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn delete_domain(&self, id: DomainId) -> Result<(), StoreError> {
        self.execute(
            "remove a domain",
            "DELETE FROM domains WHERE id = ?1 AND custom = 1",
            &[&id.to_string()],
        )?;
        self.touch(Topic::Apps);
        Ok(())
    }
}
