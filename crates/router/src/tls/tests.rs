use super::{CertificateError, Certificates};
use crate::table::Certificate;

fn certificate(hosts: &[&str]) -> Certificate {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(hosts.clone()).expect("a certificate");
    Certificate { hosts, chain_pem: made.cert.pem(), key_pem: made.signing_key.serialize_pem() }
}

#[test]
fn names_choose_certificates() {
    let [first, exact, wild] =
        [&["first.example"][..], &["a.example.com"], &["*.example.com"]].map(certificate);
    let all = Certificates::default();
    assert!(all.replace(&[first.clone(), exact.clone(), wild.clone()]).is_empty());
    let index = all.index();
    let found = |name: Option<&str>| index.find(name).expect("there is always one").cert[0].to_vec();
    let only = |one: &Certificate| {
        let alone = Certificates::default();
        assert!(alone.replace(std::slice::from_ref(one)).is_empty());
        alone.index().find(None).expect("its certificate").cert[0].to_vec()
    };
    assert_eq!(found(None), only(&first));
    assert_eq!(found(Some("elsewhere.example")), only(&first));
    assert_eq!(found(Some("A.example.com")), only(&exact));
    assert_eq!(found(Some("b.example.com")), only(&wild));
    assert_eq!(found(Some("c.b.example.com")), only(&first));
}

#[test]
fn a_bad_certificate_does_not_keep_the_others_out() {
    let [good, mut other, mut garbled, mut empty] =
        [&["a.example"][..], &["b.example"], &["c.example"], &["d.example"]].map(certificate);
    other.key_pem.clone_from(&good.key_pem);
    garbled.key_pem = "no key".into();
    empty.chain_pem = String::new();
    let all = Certificates::default();
    let errors = all.replace(&[other, garbled, empty, good]);
    assert!(
        matches!(
            errors.as_slice(),
            [CertificateError::Mismatch { .. }, CertificateError::Key { .. }, CertificateError::Empty { .. }]
        ),
        "{errors:?}"
    );
    assert!(all.index().find(Some("a.example")).is_some());
}
