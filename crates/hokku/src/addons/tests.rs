use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use addon::postgres::TlsFiles;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::PostgresTls;
use crate::ca::tests::{Days, open};

#[test]
fn the_certificate_of_postgres_is_renewed_before_it_runs_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let days = Days::default();
    let ca = open(dir.path(), &days);
    let files =
        TlsFiles { cert_pem: dir.path().join("postgres.crt"), key_pem: dir.path().join("postgres.key") };
    let names = BTreeSet::from(["pg.apps.example.com".to_owned(), "10.213.0.1".to_owned()]);
    let tls = PostgresTls { names, files };
    let written = || {
        tls.write(&ca).expect("written");
        let read = |path| fs::read_to_string(path).expect("a file");
        (read(&tls.files.cert_pem), read(&tls.files.key_pem))
    };
    let first = written();
    days.pass(366);
    assert_eq!(written(), first, "it lasts 397 days");
    days.pass(2);
    let second = written();
    assert!(second.0 != first.0 && second.1 != first.1);
    let chain =
        CertificateDer::pem_slice_iter(second.0.as_bytes()).collect::<Result<_, _>>().expect("a chain");
    let key = PrivateKeyDer::from_pem_slice(second.1.as_bytes()).expect("a key");
    CertifiedKey::from_der(chain, key, &ring::default_provider()).expect("the key is the certificate's");
    let mode = fs::metadata(&tls.files.key_pem).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
