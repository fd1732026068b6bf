//! Who else may use a route: collaborators as far as Heroku lets them, tokens as far as their scope goes.

use axum::http::{Method, StatusCode};
use model::scope::Scope;
use serde_json::{Value, json};

use crate::access::{Things, body_of, path_of};
use crate::harness::{APP, Answer, Api, COLLEAGUE, OWNER};

/// What only an app's owner may do, besides renaming it and offering it to somebody.
const OWNERS: [(Method, &str); 2] =
    [(Method::DELETE, "/apps/{app}"), (Method::DELETE, "/apps/{app}/addons/{addon}")];

async fn collaborate(api: &Api) {
    let path = format!("/apps/{APP}/collaborators");
    api.good(Method::POST, &path, Some(json!({ "user": "colleague@example.com" }))).await;
}

async fn as_colleague(api: &Api, method: Method, path: &str, body: Option<Value>) -> Answer {
    api.ask(COLLEAGUE, method, path, body).await
}

/// Every route of the app is asked for; each must do the same for a collaborator as for the owner, who is asked on a
/// server of the same kind.
#[tokio::test]
async fn a_collaborator_may_do_all_but_what_is_the_owner_s() {
    let (api, twin) = (Api::start().await, Api::start().await);
    let (things, twins) = (Things::make(&api).await, Things::make(&twin).await);
    collaborate(&api).await;
    collaborate(&twin).await;
    let is_of_app =
        |route: &api::RouteName| route.path.contains("{app}") || route.path.starts_with("/actions");
    // What removes something comes last.
    let mut routes: Vec<_> = api::route_names().into_iter().filter(is_of_app).collect();
    routes.sort_by_key(|route| (route.method == Method::DELETE, route.path.matches('/').count()));
    routes.sort_by_key(|route| OWNERS.contains(&(route.method.clone(), route.path)));
    let (mut refused, mut allowed) = (0, 0);
    for route in routes {
        let body = body_of(&route.method, route.path);
        let path = path_of(&api, route.path, &things);
        let answer = as_colleague(&api, route.method.clone(), &path, body.clone()).await;
        if OWNERS.contains(&(route.method.clone(), route.path)) {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {path}: {}", route.method, answer.text);
            let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
            assert!(message.starts_with("Only the owner of running-app may "), "{message}");
            refused += 1;
            continue;
        }
        let path = path_of(&twin, route.path, &twins);
        let as_owner = twin.ask(OWNER, route.method.clone(), &path, body).await;
        assert_eq!(answer.status, as_owner.status, "{} {path}: {}", route.method, answer.text);
        allowed += 1;
    }
    assert_eq!(refused, OWNERS.len());
    assert!(allowed > 50, "only {allowed} routes were tried");
}

#[tokio::test]
async fn a_collaborator_cannot_take_an_app_or_its_name() {
    let api = Api::start().await;
    collaborate(&api).await;
    let app = format!("/apps/{APP}");
    let rename = as_colleague(&api, Method::PATCH, &app, Some(json!({ "name": "mine" }))).await;
    assert_eq!(rename.status, StatusCode::FORBIDDEN);
    assert_eq!(
        rename.json()["message"],
        "Only the owner of running-app may rename it. It belongs to owner@example.com."
    );
    let same = as_colleague(&api, Method::PATCH, &app, Some(json!({ "maintenance": true }))).await;
    assert_eq!(same.status, StatusCode::OK);
    let offer = json!({ "app": APP, "recipient": "colleague@example.com" });
    let taken = as_colleague(&api, Method::POST, "/account/app-transfers", Some(offer)).await;
    assert_eq!(taken.status, StatusCode::FORBIDDEN);
    let listed = as_colleague(&api, Method::GET, "/apps", None).await.json();
    assert_eq!(listed[0]["owner"]["email"], "owner@example.com");
    // Who leaves sees nothing any more.
    let own = format!("{app}/collaborators/colleague@example.com");
    assert_eq!(as_colleague(&api, Method::DELETE, &own, None).await.status, StatusCode::OK);
    assert_eq!(as_colleague(&api, Method::GET, &app, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(as_colleague(&api, Method::GET, "/apps", None).await.json(), json!([]));
}

/// A token with one scope.
async fn token(api: &Api, scope: Scope) -> String {
    let wish = json!({ "scope": [scope.as_str()] });
    let made = api.good(Method::POST, "/oauth/authorizations", Some(wish)).await;
    assert_eq!(made["scope"], json!([scope.as_str()]));
    made["access_token"]["token"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn a_token_does_what_its_scope_allows_and_nothing_else() {
    let api = Api::start().await;
    let things = Things::make(&api).await;
    let (mut refused, mut allowed) = (0, 0);
    for scope in Scope::ALL {
        let token = token(&api, scope).await;
        for route in api::route_names().into_iter().filter(|route| route.needs_account) {
            let may = scope.allows(route.scope);
            if may && route.method != Method::GET {
                // What is let in is shown by the other tests; here nothing should change.
                continue;
            }
            let (path, body) = (path_of(&api, route.path, &things), body_of(&route.method, route.path));
            let answer = api.ask(&token, route.method.clone(), &path, body).await;
            let what = format!("{} {} with {scope}: {}", route.method, route.path, answer.text);
            assert_eq!(answer.header("oauth-scope"), scope.as_str(), "{what}");
            if may {
                assert_ne!(answer.status, StatusCode::FORBIDDEN, "{what}");
                allowed += 1;
            } else {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
                let error = answer.json();
                assert_eq!(error["id"], "forbidden", "{what}");
                let words = format!("This token's scope ({scope}) does not allow that. It needs one of: ");
                assert!(error["message"].as_str().is_some_and(|text| text.starts_with(&words)), "{what}");
                refused += 1;
            }
        }
    }
    assert!(refused > 200 && allowed > 100, "{refused} refused, {allowed} allowed");
}

/// The rule by which routes get their scope, held against what is dangerous.
#[test]
fn no_route_asks_for_too_little() {
    for route in api::route_names().into_iter().filter(|route| route.needs_account) {
        let (method, path) = (&route.method, route.path);
        let is_question =
            path.ends_with("/resolve") || path.starts_with("/filters") || path.ends_with("log-sessions");
        if *method != Method::GET && !is_question {
            assert!(!Scope::Read.allows(route.scope) && !Scope::ReadProtected.allows(route.scope), "{path}");
        }
        if path.contains("config-vars") || path.contains("credential") {
            assert!(!Scope::Read.allows(route.scope) && !Scope::Write.allows(route.scope), "{path}");
        }
        if path.starts_with("/oauth") || path.starts_with("/hokku") || path.starts_with("/account/keys") {
            assert_eq!(route.scope, Scope::Global, "{path}");
        }
    }
}
