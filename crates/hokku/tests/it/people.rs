//! Somebody besides the owner: invited, logged in with the official CLI, working on an app, made its owner, removed.

use serde_json::json;

use crate::developer::Developer;
use crate::server::Server;
use crate::until::{SOON, until_true};

const APP: &str = "shared";
const JANE: &str = "jane@example.com";
const PASSWORD: &str = "correct horse battery";
/// Her address and password.
const BASIC: &str = "Basic amFuZUBleGFtcGxlLmNvbTpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=";

/// Adds Jane, and chooses her password at the place where her link leads.
fn invite(server: &Server) {
    let invited = server.change("POST", "/hokku/accounts", &json!({ "email": JANE }));
    let url = invited["url"].as_str().expect("a link");
    let secret = url.rsplit('/').next().expect("a secret");
    let page = server.client().get("dashboard.localhost", &format!("/join/{secret}"));
    assert!(page.text().contains("Choose a password for <b>jane@example.com</b>."), "{}", page.text());
    let choice = json!({ "password": PASSWORD }).to_string();
    let path = format!("/hokku/invitations/{secret}");
    assert_eq!(server.call("POST", &path, None, choice.as_bytes()).status, 200);
    assert_eq!(server.call("POST", &path, None, choice.as_bytes()).status, 404, "it works once");
}

fn log_in(developer: &Developer) {
    let mut terminal = developer.heroku_in_terminal(&["login", "-i"]);
    terminal.until_it_shows("Email");
    terminal.press(&format!("{JANE}\r"));
    terminal.until_it_shows("Password");
    terminal.press(&format!("{PASSWORD}\r"));
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("Logged in as jane@example.com"), "{screen}");
}

#[test]
fn a_collaborator_works_on_an_app_and_takes_it() {
    let mut server = Server::start();
    let owner = Developer::new(&server, "hello");
    owner.heroku(&["create", APP]).ok();
    invite(&server);
    let jane = Developer::without_token(&server, "hello");
    log_in(&jane);
    // A stranger: nothing is there.
    assert_eq!(jane.heroku(&["apps"]).ok().out.trim(), "You have no apps.");
    let hidden = jane.heroku(&["config:set", "A=1", "--app", APP]);
    assert!(hidden.code == 2 && hidden.err.contains("Couldn't find that app."), "{}", hidden.said());
    let url = format!("https://localhost:{}/{APP}.git", server.port());
    jane.git(&["remote", "add", "heroku", &url]).ok();
    let hidden = jane.push();
    assert!(hidden.code != 0 && hidden.err.contains("No such app as shared."), "{}", hidden.said());

    let added = owner.heroku(&["access:add", JANE, "--app", APP]).ok();
    assert!(
        added.err.contains("Adding jane@example.com access to the app shared... done"),
        "{}",
        added.said()
    );
    let listed = owner.heroku(&["access", "--app", APP]).ok();
    assert!(listed.out.contains("jane@example.com        collaborator"), "{}", listed.out);
    works_as_a_collaborator(&server, &jane);
    takes_the_app(&server, &owner, &jane);
    revokes_and_logs_out(&server, &jane);

    // Who is removed is out, also with a token that lasts.
    let token = server.change("POST", "/hokku/accounts/jane@example.com/actions/reset", &json!({}));
    assert_eq!(token["reset"], true);
    let refused = server.api("DELETE", "/hokku/accounts/jane@example.com", None);
    assert!(refused.text().contains("owns apps: shared"), "{}", refused.text());
    let to_owner = json!({ "apps_to": "owner@hokku.localhost" });
    server.change("DELETE", "/hokku/accounts/jane@example.com", &to_owner);
    assert_eq!(server.get("/apps/shared")["owner"]["email"], "owner@hokku.localhost");
    let out = server.call("POST", "/oauth/authorizations", Some(BASIC), b"{}");
    assert_eq!(out.status, 401, "{}", out.text());
    assert_eq!(server.page(APP, "/").status, 200, "the app goes on");
    // The machine's own token is made anew when somebody revoked it.
    let key = server.get("/oauth/authorizations/~")["id"].as_str().expect("an id").to_owned();
    let before = server.token();
    server.change("DELETE", &format!("/oauth/authorizations/{key}"), &json!({}));
    assert_eq!(server.api("GET", "/account", None).status, 401);
    server.hang_up();
    server.start_again();
    assert_ne!(server.token(), before);
    assert_eq!(server.api("GET", "/account", None).status, 200);
}

fn works_as_a_collaborator(server: &Server, jane: &Developer) {
    let apps = jane.heroku(&["apps"]).ok().out;
    assert!(apps.contains("Collaborated Apps") && apps.contains("owner@hokku.localhost"), "{apps}");
    jane.push().ok();
    assert_eq!(server.page(APP, "/").status, 200);
    jane.heroku(&["config:set", "GREETING=hi from jane", "--app", APP]).ok();
    jane.heroku(&["ps:scale", "web=1", "--app", APP]).ok();
    jane.heroku(&["labs:enable", "runtime-dyno-metadata", "--app", APP]).ok();
    let told =
        jane.heroku(&["run", "--app", APP, "echo", "$HEROKU_APP_NAME", "$HEROKU_RELEASE_VERSION"]).ok();
    assert!(told.out.contains("shared v4"), "{}", told.said());
    for args in [
        &["apps:destroy", "--confirm", APP, "--app", APP][..],
        &["apps:rename", "mine", "--app", APP],
        &["apps:transfer", JANE, "--app", APP],
    ] {
        let refused = jane.heroku(args);
        assert_eq!(refused.code, 2, "{}", refused.said());
        let words = refused.err.replace("\n ›   ", "").replace("  ", " ");
        assert!(words.contains("Only the owner of shared may"), "{words}");
    }
}

fn takes_the_app(server: &Server, owner: &Developer, jane: &Developer) {
    owner.heroku(&["apps:transfer", JANE, "--app", APP]).ok();
    let token = jane.heroku(&["auth:token"]).ok().out;
    let authorization = format!("Bearer {}", token.trim());
    let accept = json!({ "state": "accepted" }).to_string();
    let path = format!("/account/app-transfers/{APP}");
    let taken = server.call("PATCH", &path, Some(&authorization), accept.as_bytes());
    assert_eq!(taken.status, 200, "{}", taken.text());
    jane.heroku(&["apps:leave", "--app", APP]);
    let info = jane.heroku(&["apps:info", "--app", APP]).ok().out;
    assert!(info.contains("Owner:          jane@example.com"), "{info}");
    assert_eq!(jane.heroku(&["apps:rename", "shared-2", "--app", APP]).ok().code, 0);
    until_true("its new host, with its certificate", SOON, || {
        server.client().try_get("shared-2.localhost", "/").is_ok_and(|it| it.status == 200)
    });
    assert_eq!(server.page_in_the_open(APP, "/").status, 404, "the old host is nobody's");
    jane.heroku(&["apps:rename", APP, "--app", "shared-2"]).ok();
    let left = owner.heroku(&["apps:leave", "--app", APP]).ok();
    assert!(left.err.contains("Leaving shared... done"), "{}", left.said());
    assert_eq!(server.api("GET", "/apps/shared", None).status, 404);
}

fn revokes_and_logs_out(server: &Server, jane: &Developer) {
    let made = jane.heroku(&["authorizations:create", "--short", "--scope", "read,identity"]).ok().out;
    let robot = format!("Bearer {}", made.trim());
    assert_eq!(server.call("GET", "/apps/shared/dynos", Some(&robot), b"").status, 200);
    assert_eq!(server.call("GET", "/apps/shared/config-vars", Some(&robot), b"").status, 403);
    assert_eq!(server.call("DELETE", "/apps/shared", Some(&robot), b"").status, 403);
    let token = jane.heroku(&["auth:token"]).ok().out;
    let login = format!("Bearer {}", token.trim());
    assert_eq!(server.call("GET", "/account", Some(&login), b"").status, 200);
    jane.heroku(&["logout"]).ok();
    assert_eq!(
        server.call("GET", "/account", Some(&login), b"").status,
        401,
        "it is revoked, not only forgotten"
    );
    assert_eq!(server.call("GET", "/account", Some(&robot), b"").status, 200, "others stay");
}
