use super::*;

fn usage(bytes: u64) -> Held {
    Held { objects: 1, bytes }
}

fn fits(ledger: &Arc<Ledger>, less: u64, more: u64) -> Option<Reservation> {
    match ledger.reserve(less, more) {
        Verdict::Fits(room) => Some(room),
        Verdict::Unsure | Verdict::Refused(_) => None,
    }
}

#[test]
fn nothing_is_refused_before_it_is_counted_again() {
    let limit = Limit::new(100);
    let ledger = Ledger::new(limit.clone());
    assert!(matches!(ledger.reserve(0, 1), Verdict::Unsure), "nothing is known yet");
    ledger.begin_count();
    ledger.counted(usage(60));
    fits(&ledger, 0, 40).expect("it fits").became_object();
    assert!(matches!(ledger.reserve(0, 1), Verdict::Unsure), "it may have replaced something");
    ledger.begin_count();
    ledger.counted(usage(100));
    assert!(matches!(ledger.reserve(0, 1), Verdict::Refused(_)));
    assert!(fits(&ledger, 50, 50).is_some(), "in place of as many");
    limit.set(50);
    assert!(fits(&ledger, 60, 60).is_some(), "over a smaller plan's limit nothing has to go");
    assert!(matches!(ledger.reserve(60, 61), Verdict::Refused(_)));
    ledger.changed();
    assert!(matches!(ledger.reserve(0, 1), Verdict::Unsure), "something went");
}

#[test]
fn what_is_on_its_way_takes_room_until_it_does_not_come() {
    let ledger = Ledger::new(Limit::new(100));
    ledger.begin_count();
    ledger.counted(usage(0));
    let room = fits(&ledger, 0, 80).expect("it fits");
    assert!(fits(&ledger, 0, 30).is_none());
    drop(room);
    fits(&ledger, 0, 30).expect("it fits again").became_part("upload");
    assert!(fits(&ledger, 0, 80).is_none(), "parts take room as well");
    ledger.ended("upload", false);
    assert!(fits(&ledger, 0, 80).is_some());
}
