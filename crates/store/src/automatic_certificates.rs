//! Certificates that are got automatically, one for each host; the platform's accounts at authorities; what the router
//! answers while an authority looks.

use std::collections::BTreeMap;

use model::certificate::{AcmEvent, AcmState, Automatic, Certificate};
use model::config_var::Secret;
use model::domain::Hostname;
use model::id::AppId;
use model::time::Timestamp;

use crate::database::Tx;
use crate::error::StoreError;
use crate::row::{Columns, json};
use crate::sni_endpoints::read_certificate;
use crate::topic::Topic;

const WHAT: &str = "automatic certificate";

fn place(hostname: &Hostname) -> String {
    format!("automatic_certificates/{hostname}/key")
}

fn account_place(directory: &str) -> String {
    format!("acme_accounts/{directory}/credentials")
}

fn read(tx: &Tx<'_>, row: &Columns<'_, '_>) -> Result<Automatic, StoreError> {
    let hostname: Hostname = row.parse("hostname")?;
    let is_there = row.get::<Option<String>>("chain")?.is_some();
    let certificate = is_there.then(|| read_certificate(tx, row, &place(&hostname))).transpose()?;
    Ok(Automatic {
        hostname,
        state: row.word("state", AcmState::from_word)?,
        reason: row.get("reason")?,
        refusals: row.get("refusals")?,
        not_before: row.time("not_before")?,
        certificate,
        updated_at: row.time("updated_at")?,
    })
}

impl Tx<'_> {
    /// Turns automatic certificates of an app's custom domains on or off.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_acm(&self, app: AppId, on: bool) -> Result<(), StoreError> {
        self.execute(
            "set automatic certificates",
            "UPDATE apps SET acm = ?2, updated_at = ?3 WHERE id = ?1",
            &[&app.to_string(), &on, &self.now().as_micros()],
        )?;
        self.touch(Topic::Apps);
        Ok(())
    }

    /// Every automatic certificate, by host.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn automatic_certificates(&self) -> Result<Vec<Automatic>, StoreError> {
        self.rows(WHAT, "SELECT * FROM automatic_certificates ORDER BY hostname", &[], read)
    }

    /// The automatic certificate of a host, if one is wanted.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn automatic_certificate(&self, hostname: &Hostname) -> Result<Option<Automatic>, StoreError> {
        let query = "SELECT * FROM automatic_certificates WHERE hostname = ?1";
        self.row(WHAT, query, &[&hostname.as_str()], read)
    }

    /// Notes that a host wants a certificate; nothing changes when that is known.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn want_certificate(&self, hostname: &Hostname) -> Result<(), StoreError> {
        self.execute(
            "want a certificate",
            "INSERT INTO automatic_certificates (hostname, state, refusals, not_before, updated_at)
             VALUES (?1, ?2, 0, 0, ?3) ON CONFLICT (hostname) DO NOTHING",
            &[&hostname.as_str(), &AcmState::Waiting.as_str(), &self.now().as_micros()],
        )?;
        self.touch(Topic::Apps);
        Ok(())
    }

    /// Forgets a host's automatic certificate.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn forget_certificate(&self, hostname: &Hostname) -> Result<(), StoreError> {
        self.execute(
            "forget a certificate",
            "DELETE FROM automatic_certificates WHERE hostname = ?1",
            &[&hostname.as_str()],
        )?;
        self.touch(Topic::Apps);
        Ok(())
    }

    /// The authority has seen that the host is ours.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is no longer wanted.
    pub fn certificate_validated(&self, hostname: &Hostname) -> Result<(), StoreError> {
        let before = self.wanted(hostname)?;
        self.set_acm_state(hostname, before.state.on(AcmEvent::Validate), None)
    }

    /// The certificate came.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is no longer wanted.
    pub fn certificate_issued(
        &self,
        hostname: &Hostname,
        certificate: &Certificate,
    ) -> Result<(), StoreError> {
        let before = self.wanted(hostname)?;
        let Certificate { chain_pem, key_pem, facts } = certificate;
        let key = self.sealer.seal(&place(hostname), key_pem.expose_secret())?;
        self.execute(
            "keep a certificate",
            "UPDATE automatic_certificates SET refusals = 0, not_before = 0, chain = ?2, key = ?3, names = ?4,
                    issuer = ?5, subject = ?6, starts_at = ?7, expires_at = ?8, trusted = ?9
             WHERE hostname = ?1",
            &[
                &hostname.as_str(),
                chain_pem,
                &key,
                &json(&facts.names),
                &facts.issuer,
                &facts.subject,
                &facts.starts_at.as_micros(),
                &facts.expires_at.as_micros(),
                &facts.trusted,
            ],
        )?;
        self.set_acm_state(hostname, before.state.on(AcmEvent::Issue), None)
    }

    /// The authority refused; `times` in a row, and it is asked again at `not_before`.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is no longer wanted.
    pub fn certificate_refused(
        &self,
        hostname: &Hostname,
        reason: &str,
        times: u32,
        not_before: Timestamp,
    ) -> Result<(), StoreError> {
        let before = self.wanted(hostname)?;
        self.execute(
            "note a refusal",
            "UPDATE automatic_certificates SET refusals = ?2, not_before = ?3 WHERE hostname = ?1",
            &[&hostname.as_str(), &times, &not_before.as_micros()],
        )?;
        self.set_acm_state(hostname, before.state.on(AcmEvent::Refuse { times }), Some(reason))
    }

    /// A user wants it tried again now; nothing happens to a host that wants none.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn refresh_certificate(&self, hostname: &Hostname) -> Result<(), StoreError> {
        let Some(before) = self.automatic_certificate(hostname)? else { return Ok(()) };
        self.execute(
            "try a certificate again",
            "UPDATE automatic_certificates SET refusals = 0, not_before = 0 WHERE hostname = ?1",
            &[&hostname.as_str()],
        )?;
        self.set_acm_state(hostname, before.state.on(AcmEvent::Refresh), None)
    }

    fn wanted(&self, hostname: &Hostname) -> Result<Automatic, StoreError> {
        self.automatic_certificate(hostname)?.ok_or(StoreError::Missing { what: WHAT })
    }

    fn set_acm_state(
        &self,
        hostname: &Hostname,
        state: AcmState,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        self.execute(
            "note a certificate's state",
            "UPDATE automatic_certificates SET state = ?2, reason = ?3, updated_at = ?4 WHERE hostname = ?1",
            &[&hostname.as_str(), &state.as_str(), &reason, &self.now().as_micros()],
        )?;
        self.touch(Topic::Apps);
        Ok(())
    }

    /// The credentials of the platform's account at an authority.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn acme_account(&self, directory: &str) -> Result<Option<Secret>, StoreError> {
        let query = "SELECT credentials FROM acme_accounts WHERE directory = ?1";
        self.row("ACME account", query, &[&directory], |tx, row| {
            let sealed: Vec<u8> = row.get("credentials")?;
            tx.sealer.open_sealed(&account_place(directory), &sealed).map(Secret::new)
        })
    }

    /// Keeps them.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn set_acme_account(&self, directory: &str, credentials: &Secret) -> Result<(), StoreError> {
        let sealed = self.sealer.seal(&account_place(directory), credentials.expose_secret())?;
        self.execute(
            "keep an ACME account",
            "INSERT INTO acme_accounts (directory, credentials, created_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (directory) DO UPDATE SET credentials = excluded.credentials",
            &[&directory, &sealed, &self.now().as_micros()],
        )
        .map(drop)
    }

    /// What the router answers to authorities: token to answer.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn acme_challenges(&self) -> Result<BTreeMap<String, String>, StoreError> {
        self.rows("ACME challenge", "SELECT token, answer FROM acme_challenges", &[], |_, row| {
            Ok((row.get("token")?, row.get("answer")?))
        })
        .map(|pairs| pairs.into_iter().collect())
    }

    /// Makes the router answer so.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn add_acme_challenge(&self, token: &str, answer: &str) -> Result<(), StoreError> {
        self.execute(
            "answer an authority",
            "INSERT OR REPLACE INTO acme_challenges (token, answer, created_at) VALUES (?1, ?2, ?3)",
            &[&token, &answer, &self.now().as_micros()],
        )?;
        self.touch(Topic::Apps);
        Ok(())
    }

    /// Ends all such answers: orders are placed one at a time.
    ///
    /// # Errors
    /// Only the store's own.
    pub fn clear_acme_challenges(&self) -> Result<(), StoreError> {
        if self.execute("end answers to authorities", "DELETE FROM acme_challenges", &[])? > 0 {
            self.touch(Topic::Apps);
        }
        Ok(())
    }
}
