use std::sync::{Arc, PoisonError};

use model::site::Site;
use store::Store;

use super::Rendezvous;
use crate::ca::tests::{Days, open};

/// The chain that the rendezvous shows.
fn shown(rendezvous: &Rendezvous) -> Vec<Vec<u8>> {
    let present = rendezvous.present.read().unwrap_or_else(PoisonError::into_inner);
    let (_, key) = present.as_ref().expect("it shows one");
    key.cert.iter().map(|der| der.to_vec()).collect()
}

#[tokio::test]
async fn the_certificate_of_the_rendezvous_is_renewed_before_it_runs_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let days = Days::default();
    let (ca, store) = (open(dir.path(), &days), Store::open(dir.path(), days.clock()).expect("a store"));
    let domain = "localhost".parse().expect("a name");
    let site = Site { domain, port: 5443, rendezvous_port: 5444 };
    let rendezvous = Rendezvous::new(ca, &site, &store).await.expect("a certificate");
    let first = shown(&rendezvous);
    assert_eq!(first.len(), 2, "its own and the authority's");
    let later = async |passed| {
        days.pass(passed);
        Arc::clone(&rendezvous).look(&store).await.expect("looked");
        shown(&rendezvous)
    };
    assert_eq!(later(366).await, first);
    let second = later(2).await;
    assert_ne!(second[0], first[0]);
    assert_eq!(second[1], first[1], "the same authority vouches for it");
}
