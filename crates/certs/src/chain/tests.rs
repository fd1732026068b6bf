use std::process::Command;

use model::certificate::Certificate;
use model::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};

use super::{BadCertificate, Roots, check};

/// 2026-06-01.
const NOW: Timestamp = Timestamp::from_micros(1_780_272_000_000_000);

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn params(name: &str, hosts: &[&str], years: (i32, i32)) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("names");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "DE");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params
}

fn authority(name: &str, by: Option<&Authority>) -> Authority {
    let key = KeyPair::generate().expect("a key");
    let mut params = params(name, &[], (2020, 2040));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made = match by {
        Some(by) => params.signed_by(&key, &by.issuer),
        None => params.self_signed(&key),
    };
    let pem = made.expect("a certificate").pem();
    let issuer = Issuer::from_ca_cert_pem(&pem, key).expect("an authority");
    Authority { pem, issuer }
}

/// A certificate and its key.
fn leaf(hosts: &[&str], years: (i32, i32), by: &Authority) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let made = params("leaf", hosts, years).signed_by(&key, &by.issuer).expect("a certificate");
    (made.pem(), key.serialize_pem())
}

fn checked(chain: &[&str], key: &str, roots: &str) -> Result<Certificate, BadCertificate> {
    check(&chain.concat(), key, &Roots::from_pem(roots), NOW)
}

#[test]
fn a_whole_chain_is_understood_and_trusted_by_its_root() {
    let root = authority("root", None);
    let middle = authority("middle", Some(&root));
    let (cert, key) = leaf(&["www.Example.com", "*.example.com"], (2026, 2027), &middle);
    let noise = format!("Bag Attributes\n{cert}\n  subject=x\n");
    let good = checked(&[&noise, &middle.pem], &key, &root.pem).expect("a good chain");
    assert_eq!(good.facts.names, ["www.example.com", "*.example.com"]);
    assert_eq!(
        (good.facts.issuer.as_str(), good.facts.subject.as_str()),
        ("/C=DE/CN=middle", "/C=DE/CN=leaf")
    );
    assert_eq!(good.facts.starts_at.to_api(), "2026-01-01T00:00:00Z");
    assert_eq!(good.facts.expires_at.to_api(), "2027-01-01T00:00:00Z");
    assert!(good.facts.trusted);
    assert!(!good.chain_pem.contains("Bag Attributes"), "only what was understood is kept");
    assert!(!checked(&[&cert, &middle.pem], &key, "").expect("fine").facts.trusted);
    assert!(!checked(&[&cert], &key, &root.pem).expect("fine").facts.trusted, "a link is missing");
    assert!(checked(&[&cert, &middle.pem, &root.pem], &key, &root.pem).expect("fine").facts.trusted);
}

#[test]
fn every_fault_has_its_words() {
    let root = authority("root", None);
    let middle = authority("middle", Some(&root));
    let (cert, key) = leaf(&["www.example.com"], (2026, 2027), &middle);
    let (old, old_key) = leaf(&["www.example.com"], (2024, 2025), &middle);
    let (early, early_key) = leaf(&["www.example.com"], (2030, 2031), &middle);
    let (nobody, nobody_key) = leaf(&[], (2026, 2027), &middle);
    let broken = cert.replacen("MII", "AAA", 1);
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIF\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let weak = Command::new("openssl").args(["genrsa", "1024"]).output().expect("openssl runs");
    let weak = String::from_utf8(weak.stdout).expect("text");
    let many = middle.pem.repeat(11);
    let long = "x".repeat(200 * 1024);
    let cases: [(&str, &[&str], &str); 14] = [
        ("nothing", &[""], &key),
        ("text", &["a certificate"], &key),
        ("broken", &[&broken], &key),
        ("long", &[&long], &key),
        ("many", &[&many], &key),
        ("no key", &[&cert, &middle.pem], "a key"),
        ("long key", &[&cert, &middle.pem], &long),
        ("locked key", &[&cert, &middle.pem], locked),
        ("weak key", &[&cert, &middle.pem], &weak),
        ("another's key", &[&cert, &middle.pem], &old_key),
        ("upside down", &[&middle.pem, &cert], &key),
        ("wrong link", &[&cert, &root.pem], &key),
        ("expired", &[&old, &middle.pem], &old_key),
        ("too early", &[&early, &middle.pem], &early_key),
    ];
    let mut text = String::new();
    for (name, chain, key) in cases {
        let fault = checked(chain, key, "").expect_err(name);
        text += &format!("{name}: {fault}\n");
    }
    let fault = checked(&[&nobody], &nobody_key, "").expect_err("no names");
    text += &format!("no names: {fault}\n");
    insta::assert_snapshot!(text);
}
