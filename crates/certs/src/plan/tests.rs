use model::certificate::{AcmState, Automatic, Certificate, CertificateFacts};
use model::domain::Hostname;
use model::time::Timestamp;

use super::{Action, Seen, next_due, plan};

const DAY: i64 = 86_400_000_000;

fn at(day: i64) -> Timestamp {
    Timestamp::from_micros(day * DAY)
}

fn host(text: &str) -> Hostname {
    text.parse().expect("a host")
}

/// With a certificate of 90 days from day 0, if `has`.
fn known(name: &str, state: AcmState, not_before: i64, has: bool) -> Automatic {
    let facts = CertificateFacts {
        names: vec![name.to_owned()],
        issuer: String::new(),
        subject: String::new(),
        starts_at: at(0),
        expires_at: at(90),
        trusted: true,
    };
    let certificate = Certificate { chain_pem: String::new(), key_pem: "".into(), facts };
    Automatic {
        hostname: host(name),
        state,
        reason: None,
        refusals: 0,
        not_before: at(not_before),
        certificate: has.then_some(certificate),
        updated_at: at(0),
    }
}

fn seen(wanted: &[&str], known: Vec<Automatic>) -> Seen {
    Seen { wanted: wanted.iter().map(|name| host(name)).collect(), known, ..Seen::default() }
}

#[test]
fn hosts_are_noted_ordered_and_forgotten() {
    let waiting = known("b.example", AcmState::Waiting, 0, false);
    let gone = known("c.example", AcmState::Issued, 0, true);
    let seen = seen(&["a.example", "b.example"], vec![waiting, gone]);
    assert_eq!(
        plan(&seen, at(1)),
        [
            Action::Want(host("a.example")),
            Action::Forget(host("c.example")),
            Action::Order(host("b.example"))
        ]
    );
}

#[test]
fn one_order_at_a_time_and_who_waits_longest_first() {
    let first = known("z.example", AcmState::Failing, 1, false);
    let second = known("a.example", AcmState::Failing, 2, false);
    let later = known("b.example", AcmState::Failing, 9, false);
    let seen = seen(&["a.example", "b.example", "z.example"], vec![later, second, first]);
    assert_eq!(plan(&seen, at(3)), [Action::Order(host("z.example"))]);
    assert_eq!(next_due(&seen), Some(at(1)));
}

#[test]
fn a_certificate_is_renewed_with_a_third_of_its_life_left_and_then_at_the_pace_of_refusals() {
    let issued = seen(&["a.example"], vec![known("a.example", AcmState::Issued, 0, true)]);
    assert_eq!(plan(&issued, at(59)), []);
    assert_eq!(next_due(&issued), Some(at(60)));
    assert_eq!(plan(&issued, at(60)), [Action::Order(host("a.example"))]);
    let refused = seen(&["a.example"], vec![known("a.example", AcmState::Failing, 61, true)]);
    assert_eq!(plan(&refused, at(60)), []);
    assert_eq!(plan(&refused, at(61)), [Action::Order(host("a.example"))]);
    let mut outgrown = issued;
    outgrown.outgrown.insert(host("a.example"));
    assert_eq!(plan(&outgrown, at(1)), [Action::Order(host("a.example"))]);
}

#[test]
fn a_wildcard_is_rejected_once_where_it_cannot_be_had() {
    let wild = || vec![known("*.a.example", AcmState::Waiting, 0, false)];
    let mut waiting = seen(&["*.a.example"], wild());
    assert_eq!(plan(&waiting, at(1)), [Action::Reject(host("*.a.example"))]);
    assert_eq!(next_due(&waiting), None);
    waiting.does_wildcards = true;
    assert_eq!(plan(&waiting, at(1)), [Action::Order(host("*.a.example"))]);
    let rejected = seen(&["*.a.example"], vec![known("*.a.example", AcmState::Failed, 0, false)]);
    assert_eq!(plan(&rejected, at(1)), []);
}
