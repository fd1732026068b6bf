use std::time::Duration;

use super::{AcmEvent, AcmState, CertificateFacts, REFUSALS_MAX, retry_after};
use crate::time::Timestamp;

fn facts(names: &[&str]) -> CertificateFacts {
    CertificateFacts {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        issuer: "/CN=a".to_owned(),
        subject: "/CN=b".to_owned(),
        starts_at: Timestamp::from_micros(0),
        expires_at: Timestamp::from_micros(90 * 86_400_000_000),
        trusted: true,
    }
}

#[test]
fn a_certificate_covers_its_names_and_one_label_below_its_wildcards() {
    let covers = |names: &[&str], host: &str| facts(names).covers(&host.parse().expect("a host"));
    assert!(covers(&["www.example.com"], "WWW.example.com"));
    assert!(covers(&["*.example.com"], "www.example.com"));
    assert!(covers(&["*.example.com"], "*.example.com"));
    for host in ["example.com", "a.b.example.com", "*.b.example.com", "example.org"] {
        assert!(!covers(&["*.example.com"], host), "{host}");
    }
    assert!(!covers(&["www.example.com"], "*.example.com"));
    assert!(!covers(&["example.com"], "www.example.com"));
}

#[test]
fn a_certificate_is_renewed_with_a_third_of_its_life_left() {
    assert_eq!(facts(&[]).renew_at(), Timestamp::from_micros(60 * 86_400_000_000));
}

#[test]
fn states_follow_the_drawing() {
    use AcmState::{Failed, Failing, Issued, Verified, Waiting};
    let refuse = |times| AcmEvent::Refuse { times };
    for (from, event, to) in [
        (Waiting, AcmEvent::Validate, Verified),
        (Verified, AcmEvent::Issue, Issued),
        (Waiting, AcmEvent::Issue, Issued),
        (Issued, AcmEvent::Validate, Issued),
        (Waiting, refuse(1), Failing),
        (Issued, refuse(1), Failing),
        (Failing, refuse(REFUSALS_MAX), Failed),
        (Failed, AcmEvent::Refresh, Waiting),
        (Failing, AcmEvent::Refresh, Waiting),
        (Issued, AcmEvent::Refresh, Issued),
        (Failed, AcmEvent::Validate, Verified),
    ] {
        assert_eq!(from.on(event), to, "{from:?} {event:?}");
        assert_eq!(AcmState::from_word(to.as_str()), Some(to));
    }
}

#[test]
fn pauses_double_to_a_day() {
    let minutes = |refusals| retry_after(refusals).as_secs() / 60;
    assert_eq!([1, 2, 3, 4].map(minutes), [15, 30, 60, 120]);
    assert_eq!(retry_after(1_000), Duration::from_secs(86_400));
}
