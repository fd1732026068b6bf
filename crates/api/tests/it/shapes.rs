//! What each route answers with.

use axum::http::Method;

/// The shape of a good answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// One resource of the schema.
    One(&'static str),
    /// A list of such.
    List(&'static str),
    /// `[]`.
    EmptyList,
    /// `{}`.
    EmptyObject,
    /// 404: there never is one.
    Refused,
    /// Not in the schema: the data API, the registry, the status, streams.
    Ours,
}

/// The shape of a route's answer, by what its path ends with.
pub(crate) fn shape(method: &Method, path: &str) -> Shape {
    let is_create = *method == Method::POST;
    let is_delete = *method == Method::DELETE;
    match path {
        "/account" | "/users/{account}" => Shape::One("account"),
        "/account/rate-limits" => Shape::One("rate-limit"),
        "/oauth/authorizations" if !is_create => Shape::List("oauth-authorization"),
        "/oauth/authorizations" | "/oauth/authorizations/{authorization}" => {
            Shape::One("oauth-authorization")
        }
        "/account/features/{feature}" | "/apps/{app}/pipeline-couplings" | "/oauth/sessions/{session}" => {
            Shape::Refused
        }
        "/account/features" | "/oauth/clients" | "/oauth/sessions" | "/teams" | "/spaces" | "/pipelines" => {
            Shape::EmptyList
        }
        "/apps/{app}/telemetry-drains" => Shape::EmptyList,
        "/apps/{app}/log-drains" if !is_create => Shape::List("log-drain"),
        "/apps/{app}/log-drains" | "/apps/{app}/log-drains/{drain}" => Shape::One("log-drain"),
        "/apps/{app}/webhooks" if !is_create => Shape::List("app-webhook"),
        "/apps/{app}/webhooks" | "/apps/{app}/webhooks/{webhook}" => Shape::One("app-webhook"),
        "/apps/{app}/webhook-events" => Shape::List("app-webhook-event"),
        "/apps/{app}/webhook-events/{event}" => Shape::One("app-webhook-event"),
        "/apps/{app}/webhook-deliveries" => Shape::List("app-webhook-delivery"),
        "/apps/{app}/webhook-deliveries/{delivery}" => Shape::One("app-webhook-delivery"),
        "/telemetry-drains" => Shape::Ours,
        "/telemetry-drains/{telemetry}" => Shape::Refused,
        "/apps" if !is_create => Shape::List("app"),
        "/filters/apps" | "/users/{account}/apps" => Shape::List("app"),
        "/apps" | "/apps/{app}" => Shape::One("app"),
        "/apps/{app}/config-vars" | "/apps/{app}/releases/{release}/config-vars" => Shape::One("config-var"),
        "/apps/{app}/collaborators" if !is_create => Shape::List("collaborator"),
        "/apps/{app}/collaborators" | "/apps/{app}/collaborators/{collaborator}" => {
            Shape::One("collaborator")
        }
        "/apps/{app}/sni-endpoints" if !is_create => Shape::List("sni-endpoint"),
        "/apps/{app}/sni-endpoints" | "/apps/{app}/sni-endpoints/{sni_endpoint}" => {
            Shape::One("sni-endpoint")
        }
        "/apps/{app}/acm" => Shape::One("app"),
        "/apps/{app}/domains" if !is_create => Shape::List("domain"),
        "/apps/{app}/domains" | "/apps/{app}/domains/{domain}" => Shape::One("domain"),
        "/apps/{app}/available-stacks" | "/stacks" => Shape::List("stack"),
        "/stacks/{stack}" => Shape::One("stack"),
        "/regions" => Shape::List("region"),
        "/regions/{region}" => Shape::One("region"),
        "/apps/{app}/log-sessions" => Shape::One("log-session"),
        "/apps/{app}/formation" => Shape::List("formation"),
        "/apps/{app}/formation/{formation}" => Shape::One("formation"),
        "/apps/{app}/dynos" | "/apps/{app}/dynos/{dyno}" if is_delete => Shape::EmptyObject,
        "/apps/{app}/dynos/{dyno}/actions/stop"
        | "/apps/{app}/formations/{formation}"
        | "/apps/{app}/formations/{formation}/actions/stop" => Shape::EmptyObject,
        "/apps/{app}/dynos" if !is_create => Shape::List("dyno"),
        "/apps/{app}/dynos" | "/apps/{app}/dynos/{dyno}" => Shape::One("dyno"),
        "/apps/{app}/available-dyno-sizes" | "/dyno-sizes" => Shape::List("dyno-size"),
        "/dyno-sizes/{size}" => Shape::One("dyno-size"),
        "/apps/{app}/releases" if !is_create => Shape::List("release"),
        "/apps/{app}/releases" | "/apps/{app}/releases/{release}" => Shape::One("release"),
        "/apps/{app}/slugs/{slug}" => Shape::One("slug"),
        "/apps/{app}/builds" if !is_create => Shape::List("build"),
        "/apps/{app}/builds" | "/apps/{app}/builds/{build}" => Shape::One("build"),
        "/sources" | "/apps/{app}/sources" => Shape::One("source"),
        "/apps/{app}/buildpack-installations" => Shape::List("buildpack-installation"),
        other => shape_beside_apps(is_create, other),
    }
}

fn shape_beside_apps(is_create: bool, path: &str) -> Shape {
    match path {
        "/oauth/authorizations/{authorization}/actions/regenerate-tokens" => {
            Shape::One("oauth-authorization")
        }
        "/account/keys" if !is_create => Shape::List("key"),
        "/account/keys" | "/account/keys/{key}" => Shape::One("key"),
        "/account/app-transfers" if !is_create => Shape::List("app-transfer"),
        "/account/app-transfers" | "/account/app-transfers/{app_transfer}" => Shape::One("app-transfer"),
        "/apps/{app}/features" => Shape::List("app-feature"),
        "/apps/{app}/features/{feature}" => Shape::One("app-feature"),
        "/hokku/invitations/{permit}" if is_create => Shape::One("account"),
        path if path.starts_with("/hokku/") => Shape::Ours,
        "/postgres/v0/databases/{database}/credentials/{credential}/credentials_rotation"
        | "/postgres/v0/databases/{database}/credentials_rotation" => Shape::EmptyObject,
        "/addons" | "/actions/addons/resolve" => Shape::List("add-on"),
        "/apps/{app}/addons" if !is_create => Shape::List("add-on"),
        "/apps/{app}/addons" | "/addons/{addon}" | "/apps/{app}/addons/{addon}" => Shape::One("add-on"),
        "/addon-attachments" if is_create => Shape::One("add-on-attachment"),
        "/addon-attachments"
        | "/addons/{addon}/addon-attachments"
        | "/apps/{app}/addon-attachments"
        | "/actions/addon-attachments/resolve" => Shape::List("add-on-attachment"),
        "/addon-attachments/{attachment}" | "/apps/{app}/addon-attachments/{attachment}" => {
            Shape::One("add-on-attachment")
        }
        "/addon-services" => Shape::List("add-on-service"),
        "/addon-services/{service}" => Shape::One("add-on-service"),
        "/addon-services/{service}/plans" => Shape::List("plan"),
        "/addon-services/{service}/plans/{plan}" | "/plans/{plan}" => Shape::One("plan"),
        "/client/v11/databases/{database}"
        | "/client/v11/databases/{database}/wait_status"
        | "/client/v11/databases/{database}/reset"
        | "/client/v11/databases/{database}/connection_reset"
        | "/postgres/v0/databases/{database}/credentials"
        | "/postgres/v0/databases/{database}/credentials/{credential}"
        | "/client/v11/databases/{database}/backups"
        | "/client/v11/databases/{database}/restores"
        | "/client/v11/databases/{database}/transfers"
        | "/client/v11/databases/{database}/transfer-schedules"
        | "/client/v11/databases/{database}/transfer-schedules/{schedule}"
        | "/client/v11/apps/{app}/transfers"
        | "/client/v11/apps/{app}/transfers/{transfer}"
        | "/client/v11/apps/{app}/transfers/{transfer}/actions/cancel"
        | "/client/v11/apps/{app}/transfers/{transfer}/actions/public-url"
        | "/backups/{permit}"
        | "/streams/log/{permit}"
        | "/streams/output/{permit}"
        | "/sources/{permit}"
        | "/buildpacks"
        | "/buildpacks/{slug}"
        | "/api/v4/current-status" => Shape::Ours,
        other => panic!("say in shapes.rs what {other} answers with"),
    }
}
