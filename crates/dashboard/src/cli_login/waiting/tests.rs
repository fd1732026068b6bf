use super::{Logins, VALID, WAITING_MAX, WAITING_OF_ADDRESS_MAX};
use wire::LoginOutcome;

fn started(logins: &Logins) -> super::Begun {
    logins.start("Heroku CLI login from laptop".to_owned(), None).expect("there is room")
}

#[tokio::test(start_paused = true)]
async fn a_login_is_decided_once_and_told_to_who_began_it() {
    let logins = Logins::default();
    let (login, other) = (started(&logins), started(&logins));
    assert!(logins.wait(&login.id, &other.token).is_none());
    assert!(logins.wait(&login.id, "").is_none());
    assert!(logins.about(&login.id).is_some());
    let decision = logins.decide(&login.id).expect("the first");
    assert!(logins.decide(&login.id).is_none() && logins.about(&login.id).is_none());
    decision.tell(LoginOutcome { access_token: Some("t".to_owned()), error: None });
    // Also who comes only afterwards is told.
    let waiting = logins.wait(&login.id, &login.token).expect("its own");
    assert_eq!(waiting.outcome.borrow().as_ref().and_then(|it| it.access_token.as_deref()), Some("t"));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_confirms_makes_room() {
    let logins = Logins::default();
    let first = started(&logins);
    for _ in 1..WAITING_MAX {
        started(&logins);
    }
    assert!(logins.start(String::new(), None).is_none());
    tokio::time::advance(VALID).await;
    assert!(logins.decide(&first.id).is_none());
    started(&logins);
}

#[tokio::test(start_paused = true)]
async fn one_stranger_cannot_take_all_the_room() {
    let logins = Logins::default();
    let start = |from: &str| logins.start(String::new(), Some(from.to_owned()));
    for _ in 0..WAITING_OF_ADDRESS_MAX {
        assert!(start("192.0.2.7").is_some());
    }
    assert!(start("192.0.2.7").is_none());
    assert!(start("192.0.2.8").is_some());
}
