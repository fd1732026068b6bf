//! Which app a folder is.

use super::{Remote, app, app_of};

const HOST: &str = "localhost:5443";

fn remote(name: &str, url: &str) -> Remote {
    Remote { name: name.to_owned(), url: url.to_owned() }
}

#[test]
fn a_remote_s_url_names_an_app_of_its_host() {
    for (url, named) in [
        ("https://localhost:5443/shop.git", Some("shop")),
        ("https://127.0.0.1:5443/shop.git", Some("shop")),
        ("https://heroku:token@localhost:5443/shop.git", Some("shop")),
        ("https://localhost:5443/shop", Some("shop")),
        ("https://git.heroku.com/shop.git", None),
        ("https://localhost:5443/a/b.git", None),
        ("https://localhost:5443/", None),
        ("git@localhost:5443:shop.git", None),
    ] {
        assert_eq!(app_of(url, HOST).as_deref(), named, "{url}");
    }
}

#[test]
fn the_usual_remote_is_meant_and_several_others_are_not_guessed() {
    let staging = remote("staging", "https://localhost:5443/shop-staging.git");
    let production = remote("production", "https://localhost:5443/shop.git");
    let foreign = remote("heroku", "https://git.heroku.com/elsewhere.git");
    let ours = remote("hokku", "https://localhost:5443/mine.git");
    let chosen = |remotes: &[Remote], named| app(remotes, HOST, named).map_err(|problem| problem.to_string());

    assert_eq!(chosen(&[staging.clone(), foreign.clone()], None).as_deref(), Ok("shop-staging"));
    assert_eq!(chosen(&[staging.clone(), foreign.clone(), ours], None).as_deref(), Ok("mine"));
    assert_eq!(chosen(&[staging.clone(), production.clone()], Some("production")).as_deref(), Ok("shop"));
    assert_eq!(
        chosen(&[staging, production], None),
        Err("several apps are in this folder's git remotes: staging (shop-staging), production (shop)"
            .to_owned())
    );
    assert_eq!(
        chosen(&[], None),
        Err("no app is named, and no git remote of this folder is at localhost:5443".to_owned())
    );
    assert!(chosen(&[foreign], Some("heroku")).is_err_and(|words| words.contains("git.heroku.com")));
}
