//! People on the pages: a link and what is chosen behind it, who works on an app, who gets it.

use axum::http::StatusCode;

use crate::browser::{APP, Answer, OWNER, Site};
use crate::fixture::PASSWORD;

/// The path of the link on a page.
fn link(page: &Answer) -> String {
    let rest = page.text.split_once("https://dashboard.localhost:5443/join/").expect("a link").1;
    format!("/join/{}", rest.split_once('<').expect("its end").0)
}

#[tokio::test]
async fn somebody_is_added_chooses_a_password_and_is_signed_in() {
    let site = Site::start().await;
    let mut owner = site.signed_in(OWNER).await;
    let page = owner.get("/account").await;
    let shown = owner.send_form(&page, "/account/people", &[("email", "Jane@example.com")]).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    let path = link(&shown);
    let account = owner.get("/account").await;
    assert!(
        account.text.contains("jane@example.com") && account.text.contains("invited"),
        "{}",
        account.text
    );
    assert!(!account.text.contains(&path), "it is shown once");

    let mut jane = site.browser();
    let form = jane.get(&path).await;
    assert!(form.text.contains("Choose a password for <b>jane@example.com</b>."), "{}", form.text);
    for (password, again, words) in [
        ("correct horse", "correct hrose", "The two passwords are not the same."),
        ("short", "short", "Password is too short (minimum is 8 characters)"),
    ] {
        let refused = jane.send_form(&form, &path, &[("password", password), ("again", again)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains(words), "{}", refused.text);
    }
    let fields = [("password", "correct horse"), ("again", "correct horse")];
    let forged = jane.post(&path, &fields, "same-origin").await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let done = jane.send_form(&form, &path, &fields).await;
    assert_eq!(done.location(), "/apps", "{}", done.text);
    assert!(jane.get("/apps").await.text.contains("jane@example.com"));
    for path in [path.as_str(), "/join/unknown", "/join/..%2Fx"] {
        let over = site.browser().get(path).await;
        assert!(matches!(over.status, StatusCode::GONE | StatusCode::NOT_FOUND), "{path}: {}", over.status);
    }
    // She sees nobody else, and cannot reach what only the owner sees.
    let own = jane.get("/account").await;
    assert!(!own.text.contains("People") && !own.text.contains(OWNER), "{}", own.text);
    let refused = jane.send_form(&own, "/account/people", &[("email", "x@example.com")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_collaborator_is_let_in_and_takes_the_app() {
    let site = Site::start().await;
    let (mut owner, mut other) = (site.signed_in(OWNER).await, site.signed_in("stranger@example.com").await);
    let access = format!("/apps/{APP}/access");
    let page = owner.get(&access).await;
    let unknown = owner.send_form(&page, &access, &[("email", "nobody@example.com")]).await;
    assert!(unknown.text.contains("There is no account of nobody@example.com"), "{}", unknown.text);
    assert_eq!(other.get(&access).await.status, StatusCode::NOT_FOUND);
    owner.send_form(&page, &access, &[("email", "stranger@example.com")]).await;
    assert!(other.get("/apps").await.text.contains(APP));
    let seen = other.get(&access).await;
    assert!(seen.text.contains("stranger@example.com") && !seen.text.contains("Give it to"), "{}", seen.text);

    let offered =
        owner.send_form(&page, &format!("/apps/{APP}/transfer"), &[("email", "stranger@example.com")]).await;
    assert_eq!(offered.location(), "/account", "{}", offered.text);
    assert!(owner.get("/account").await.text.contains("Take the offer back"));
    let account = other.get("/account").await;
    let action = account.text.split_once("action=\"/account/transfers/").expect("an offer").1;
    let action = format!("/account/transfers/{}", action.split_once('"').expect("its end").0);
    other.send_form(&account, &action, &[("to", "accepted")]).await;
    assert!(other.get(&access).await.text.contains("Give it to"), "it is theirs");
    let left = other.get(&access).await;
    other.send_form(&left, &access, &[("email", OWNER), ("remove", "yes")]).await;
    assert_eq!(owner.get(&access).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_login_is_revoked_from_another_one() {
    let site = Site::start().await;
    let (mut here, mut elsewhere) =
        (site.signed_in("stranger@example.com").await, site.signed_in("stranger@example.com").await);
    let page = here.get("/account").await;
    assert_eq!(page.text.matches("this login").count(), 1);
    let fields = [("password", PASSWORD), ("new", "another password")];
    let changed = here.send_form(&page, "/account/password", &fields).await;
    assert_eq!(changed.location(), "/account", "{}", changed.text);
    assert_eq!(elsewhere.get("/account").await.location(), "/login");
    assert_eq!(here.get("/account").await.status, StatusCode::OK);
    let page = here.get("/account").await;
    let own =
        page.text.split("/account/tokens/").filter_map(|rest| rest.split_once("/revoke")).map(|it| it.0);
    for token in own.map(str::to_owned).collect::<Vec<_>>() {
        here.send_form(&page, &format!("/account/tokens/{token}/revoke"), &[]).await;
    }
    assert_eq!(here.get("/account").await.location(), "/login", "its own was among them");
}
