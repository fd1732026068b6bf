//! Certificates: sealed, chosen, got automatically.

use model::certificate::{AcmState, Certificate, CertificateFacts};
use model::domain::{DomainKind, Hostname};
use model::time::Timestamp;

use super::{new_app, open};
use crate::StoreError;

fn certificate(name: &str) -> Certificate {
    let facts = CertificateFacts {
        names: vec![name.to_owned()],
        issuer: "/CN=a".to_owned(),
        subject: "/CN=b".to_owned(),
        starts_at: Timestamp::from_micros(1),
        expires_at: Timestamp::from_micros(9),
        trusted: true,
    };
    Certificate { chain_pem: format!("chain of {name}"), key_pem: "the-private-key".into(), facts }
}

#[tokio::test]
async fn what_a_user_chose_is_served_before_what_was_got_automatically() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let host: Hostname = "www.example.com".parse().expect("a host");
    let done = store.write(move |tx| {
        let app = new_app(tx, "shop")?;
        let domain = tx.create_domain(app.id, &host, DomainKind::Custom)?;
        tx.want_certificate(&host)?;
        tx.want_certificate(&host)?;
        assert_eq!(tx.served_certificates()?, []);
        tx.certificate_refused(&host, "no", 1, Timestamp::from_micros(7))?;
        let failing = tx.automatic_certificate(&host)?.expect("it is wanted");
        assert_eq!((failing.state, failing.reason.as_deref()), (AcmState::Failing, Some("no")));
        tx.certificate_issued(&host, &certificate("automatic"))?;
        let issued = tx.automatic_certificate(&host)?.expect("it is there");
        assert_eq!((issued.state, issued.refusals, issued.reason), (AcmState::Issued, 0, None));
        assert_eq!(issued.certificate, Some(certificate("automatic")));
        let served = tx.served_certificates()?;
        assert_eq!(served[0].hosts, ["www.example.com"]);
        assert_eq!(served[0].chain_pem, "chain of automatic");
        let own = tx.create_sni_endpoint(app.id, "own", &certificate("own"))?;
        assert!(matches!(
            tx.create_sni_endpoint(app.id, "own", &certificate("own")),
            Err(StoreError::Taken { what: "Name" })
        ));
        tx.set_domain_endpoint(domain, Some(own.id))?;
        assert_eq!(tx.domains(app.id)?[1].endpoint, Some(own.id));
        let served: Vec<String> = tx.served_certificates()?.into_iter().map(|it| it.chain_pem).collect();
        assert_eq!(served, ["chain of own"]);
        tx.delete_sni_endpoint(own.id)?;
        assert_eq!(tx.domains(app.id)?[1].endpoint, None);
        tx.set_acme_account("https://ca", &"account-credentials".into())?;
        assert_eq!(tx.acme_account("https://ca")?, Some("account-credentials".into()));
        assert_eq!(tx.acme_account("https://other")?, None);
        Ok::<_, StoreError>(())
    });
    done.await.expect("done");
    drop(store);
    for name in ["hokku.db", "hokku.db-wal"] {
        let file = std::fs::read(dir.path().join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&file);
        assert!(!text.contains("the-private-key") && !text.contains("account-cred"), "in {name}");
    }
}
