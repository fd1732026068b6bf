//! What a token must allow for each route: decided by the method and the path, so that no route is without.

use http::Method;
use model::scope::Scope;

/// Requests that are sent with POST and only ask.
const QUESTIONS: [&str; 4] = [
    "/apps/{app}/log-sessions",
    "/actions/addons/resolve",
    "/actions/addon-attachments/resolve",
    "/filters/apps",
];
/// Facts of an account that are not the account itself: clients ask for them beside what they want.
const BESIDE: [&str; 3] = ["/account/rate-limits", "/account/features", "/account/features/{feature}"];
/// What the data API tells without secrets; what it tells of a database itself holds the password.
const OPEN_DATA: [&str; 1] = ["/client/v11/databases/{database}/wait_status"];

/// The least scope that a token needs for a route.
pub(crate) fn needed(method: &Method, path: &str) -> Scope {
    let reads = *method == Method::GET || QUESTIONS.contains(&path);
    if reads && matches!(path, "/account" | "/users/{account}") {
        return Scope::Identity;
    }
    let is_account = ["/account", "/oauth", "/hokku"].iter().any(|part| path.starts_with(part));
    if is_account && !BESIDE.contains(&path) {
        return Scope::Global;
    }
    match (reads, is_secret(method, path)) {
        (true, false) => Scope::Read,
        (false, false) => Scope::Write,
        (true, true) => Scope::ReadProtected,
        (false, true) => Scope::WriteProtected,
    }
}

/// Whether secrets are shown or can be made to show: config vars, credentials (also in a URL), a command of one's own in a dyno.
fn is_secret(method: &Method, path: &str) -> bool {
    let is_data = path.starts_with("/client/") || path.starts_with("/postgres/");
    let is_command = path == "/apps/{app}/dynos" && *method == Method::POST;
    let has_credentials = path.contains("/log-drains") || path.contains("/webhooks");
    path.contains("config") || has_credentials || is_command || is_data && !OPEN_DATA.contains(&path)
}
