//! Every route of the API on one page.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use model::scope::Scope;

use crate::door::{Door, Gate, enter};
use crate::{
    Context, Server, account, accounts, acm, addon_attachments, addon_services, addons, app_transfers, apps,
    backups, buildpacks, builds, collaborators, config_vars, database_credentials, databases, domains,
    dyno_sizes, dynos, features, formation, invitations, keys, log_drains, log_sessions, log_stream, nothing,
    oauth_authorizations, output_streams, protocol, rate_limit, regions, releases, scopes, slugs,
    sni_endpoints, sources, stacks, status, transfer_schedules, transfers, webhooks,
};

/// One method of one path.
struct Route {
    method: Method,
    path: &'static str,
    door: Door,
    handler: MethodRouter<Arc<Server>>,
}

impl Route {
    fn through(self, door: Door) -> Self {
        Self { door, ..self }
    }
}

/// A route's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RouteName {
    /// Its method.
    pub method: Method,
    /// Its path, with `{…}` where something is named.
    pub path: &'static str,
    /// Whether only an account may use it; the others are public, or their URL is the permission.
    pub needs_account: bool,
    /// The least scope that a token needs for it.
    pub scope: Scope,
}

/// The name of every route, so that tests can hold that none is left out.
#[must_use]
pub fn route_names() -> Vec<RouteName> {
    let named = |Route { method, path, door, .. }| {
        let scope = scopes::needed(&method, path);
        RouteName { method, path, needs_account: door != Door::Open, scope }
    };
    table().into_iter().map(named).collect()
}

/// The API's router; it answers every path, so what else shares a listener with it goes before it.
pub fn routes(cx: Context) -> Router {
    let server = Arc::new(Server::new(cx));
    let add = |router: Router<Arc<Server>>, route: Route| {
        let needed = scopes::needed(&route.method, route.path);
        let gate = Gate { server: Arc::clone(&server), door: route.door, needed };
        router.route(route.path, route.handler.layer(from_fn_with_state(gate, enter)))
    };
    table()
        .into_iter()
        .fold(Router::new(), add)
        .fallback(protocol::no_endpoint)
        .method_not_allowed_fallback(protocol::no_endpoint)
        // Bodies have their own limits, by what they are for.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(protocol::frame))
        .with_state(server)
}

fn route<H, T>(method: Method, filter: MethodFilter, path: &'static str, handler: H) -> Route
where
    H: Handler<T, Arc<Server>>,
    T: 'static,
{
    Route { method, path, door: Door::Account, handler: on(filter, handler) }
}

fn get<H: Handler<T, Arc<Server>>, T: 'static>(path: &'static str, handler: H) -> Route {
    route(Method::GET, MethodFilter::GET, path, handler)
}

fn post<H: Handler<T, Arc<Server>>, T: 'static>(path: &'static str, handler: H) -> Route {
    route(Method::POST, MethodFilter::POST, path, handler)
}

fn patch<H: Handler<T, Arc<Server>>, T: 'static>(path: &'static str, handler: H) -> Route {
    route(Method::PATCH, MethodFilter::PATCH, path, handler)
}

fn put<H: Handler<T, Arc<Server>>, T: 'static>(path: &'static str, handler: H) -> Route {
    route(Method::PUT, MethodFilter::PUT, path, handler)
}

fn delete<H: Handler<T, Arc<Server>>, T: 'static>(path: &'static str, handler: H) -> Route {
    route(Method::DELETE, MethodFilter::DELETE, path, handler)
}

/// Every route. Whose app it is, is decided behind the door, in `access`.
fn table() -> Vec<Route> {
    [
        of_accounts(),
        of_people(),
        of_apps(),
        of_drains(),
        of_processes(),
        of_releases(),
        of_addons(),
        of_databases(),
        of_transfers(),
        of_the_platform(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of_accounts() -> Vec<Route> {
    vec![
        get("/account", account::info),
        patch("/account", account::update),
        get("/account/rate-limits", rate_limit::info).through(Door::Unmetered),
        get("/account/features", nothing::of_account),
        get("/account/features/{feature}", features::of_account),
        patch("/account/features/{feature}", features::of_account),
        get("/account/keys", keys::list),
        post("/account/keys", keys::create),
        get("/account/keys/{key}", keys::info),
        delete("/account/keys/{key}", keys::destroy),
        get("/account/app-transfers", app_transfers::list),
        post("/account/app-transfers", app_transfers::create),
        get("/account/app-transfers/{app_transfer}", app_transfers::info),
        patch("/account/app-transfers/{app_transfer}", app_transfers::update),
        delete("/account/app-transfers/{app_transfer}", app_transfers::destroy),
        get("/users/{account}", account::user),
        get("/users/{account}/apps", apps::list_of_user),
        get("/oauth/authorizations", oauth_authorizations::list),
        post("/oauth/authorizations", oauth_authorizations::create).through(Door::Login),
        get("/oauth/authorizations/{authorization}", oauth_authorizations::info),
        patch("/oauth/authorizations/{authorization}", oauth_authorizations::update),
        delete("/oauth/authorizations/{authorization}", oauth_authorizations::destroy),
        post("/oauth/authorizations/{authorization}/actions/regenerate-tokens", oauth_authorizations::rotate),
        get("/oauth/clients", nothing::of_account),
        get("/oauth/sessions", nothing::of_account),
        delete("/oauth/sessions/{session}", oauth_authorizations::destroy_session),
        get("/teams", nothing::of_account),
        get("/spaces", nothing::of_account),
        get("/pipelines", nothing::of_account),
    ]
}

/// The people of the platform: for its owner, and for who was given a link.
fn of_people() -> Vec<Route> {
    vec![
        get("/hokku/accounts", accounts::list),
        post("/hokku/accounts", accounts::create),
        get("/hokku/accounts/{account}", accounts::info),
        delete("/hokku/accounts/{account}", accounts::destroy),
        post("/hokku/accounts/{account}/actions/reset", accounts::reset),
        get("/hokku/invitations/{permit}", invitations::info).through(Door::Open),
        post("/hokku/invitations/{permit}", invitations::accept).through(Door::Open),
    ]
}

fn of_apps() -> Vec<Route> {
    vec![
        get("/apps", apps::list),
        post("/apps", apps::create),
        post("/filters/apps", apps::filter),
        get("/apps/{app}", apps::info),
        patch("/apps/{app}", apps::update),
        delete("/apps/{app}", apps::destroy),
        get("/apps/{app}/config-vars", config_vars::info),
        patch("/apps/{app}/config-vars", config_vars::update),
        get("/apps/{app}/collaborators", collaborators::list),
        post("/apps/{app}/collaborators", collaborators::create),
        get("/apps/{app}/collaborators/{collaborator}", collaborators::info),
        delete("/apps/{app}/collaborators/{collaborator}", collaborators::destroy),
        get("/apps/{app}/domains", domains::list),
        post("/apps/{app}/domains", domains::create),
        get("/apps/{app}/domains/{domain}", domains::info),
        patch("/apps/{app}/domains/{domain}", domains::update),
        delete("/apps/{app}/domains/{domain}", domains::destroy),
        get("/apps/{app}/features", features::list),
        get("/apps/{app}/features/{feature}", features::of_app),
        patch("/apps/{app}/features/{feature}", features::update),
        get("/apps/{app}/sni-endpoints", sni_endpoints::list),
        post("/apps/{app}/sni-endpoints", sni_endpoints::create),
        get("/apps/{app}/sni-endpoints/{sni_endpoint}", sni_endpoints::info),
        patch("/apps/{app}/sni-endpoints/{sni_endpoint}", sni_endpoints::update),
        delete("/apps/{app}/sni-endpoints/{sni_endpoint}", sni_endpoints::destroy),
        post("/apps/{app}/acm", acm::enable),
        patch("/apps/{app}/acm", acm::refresh),
        delete("/apps/{app}/acm", acm::disable),
        get("/apps/{app}/pipeline-couplings", nothing::pipeline_coupling),
        get("/apps/{app}/available-stacks", stacks::available),
        post("/apps/{app}/log-sessions", log_sessions::create),
        get("/streams/log/{permit}", log_stream::read).through(Door::Open),
    ]
}

fn of_drains() -> Vec<Route> {
    vec![
        get("/apps/{app}/log-drains", log_drains::list),
        post("/apps/{app}/log-drains", log_drains::create),
        get("/apps/{app}/log-drains/{drain}", log_drains::info),
        delete("/apps/{app}/log-drains/{drain}", log_drains::destroy),
        get("/apps/{app}/webhooks", webhooks::list),
        post("/apps/{app}/webhooks", webhooks::create),
        get("/apps/{app}/webhooks/{webhook}", webhooks::info),
        patch("/apps/{app}/webhooks/{webhook}", webhooks::update),
        delete("/apps/{app}/webhooks/{webhook}", webhooks::destroy),
        get("/apps/{app}/webhook-events", webhooks::events),
        get("/apps/{app}/webhook-events/{event}", webhooks::event),
        get("/apps/{app}/webhook-deliveries", webhooks::deliveries),
        get("/apps/{app}/webhook-deliveries/{delivery}", webhooks::delivery),
        get("/apps/{app}/telemetry-drains", nothing::of_app),
        post("/telemetry-drains", nothing::telemetry_drain),
        get("/telemetry-drains/{telemetry}", nothing::no_telemetry_drain),
        patch("/telemetry-drains/{telemetry}", nothing::no_telemetry_drain),
        delete("/telemetry-drains/{telemetry}", nothing::no_telemetry_drain),
    ]
}

fn of_processes() -> Vec<Route> {
    vec![
        get("/apps/{app}/formation", formation::list),
        patch("/apps/{app}/formation", formation::batch),
        get("/apps/{app}/formation/{formation}", formation::info),
        patch("/apps/{app}/formation/{formation}", formation::update),
        get("/apps/{app}/dynos", dynos::list),
        post("/apps/{app}/dynos", dynos::run),
        delete("/apps/{app}/dynos", dynos::restart_all),
        get("/apps/{app}/dynos/{dyno}", dynos::info),
        delete("/apps/{app}/dynos/{dyno}", dynos::stop),
        post("/apps/{app}/dynos/{dyno}/actions/stop", dynos::stop),
        delete("/apps/{app}/formations/{formation}", dynos::restart_type),
        post("/apps/{app}/formations/{formation}/actions/stop", dynos::restart_type),
        get("/apps/{app}/available-dyno-sizes", dyno_sizes::available),
        get("/dyno-sizes", dyno_sizes::list),
        get("/dyno-sizes/{size}", dyno_sizes::info),
    ]
}

fn of_releases() -> Vec<Route> {
    vec![
        get("/apps/{app}/releases", releases::list),
        post("/apps/{app}/releases", releases::create),
        get("/apps/{app}/releases/{release}", releases::info),
        get("/apps/{app}/releases/{release}/config-vars", config_vars::of_release),
        get("/apps/{app}/slugs/{slug}", slugs::info),
        get("/apps/{app}/builds", builds::list),
        post("/apps/{app}/builds", builds::create),
        get("/apps/{app}/builds/{build}", builds::info),
        get("/streams/output/{permit}", output_streams::read).through(Door::Open),
        post("/sources", sources::create),
        post("/apps/{app}/sources", sources::create_of_app),
        put("/sources/{permit}", sources::put).through(Door::Open),
        get("/apps/{app}/buildpack-installations", buildpacks::list),
        put("/apps/{app}/buildpack-installations", buildpacks::update),
        get("/buildpacks", buildpacks::registry_list).through(Door::Open),
        get("/buildpacks/{slug}", buildpacks::registry_info).through(Door::Open),
    ]
}

fn of_addons() -> Vec<Route> {
    vec![
        get("/addons", addons::list),
        get("/addons/{addon}", addons::info),
        get("/addons/{addon}/addon-attachments", addon_attachments::list_of_addon),
        get("/apps/{app}/addons", addons::list_of_app),
        post("/apps/{app}/addons", addons::create),
        get("/apps/{app}/addons/{addon}", addons::info_of_app),
        patch("/apps/{app}/addons/{addon}", addons::update),
        delete("/apps/{app}/addons/{addon}", addons::destroy),
        post("/actions/addons/resolve", addons::resolve),
        get("/addon-attachments", addon_attachments::list),
        post("/addon-attachments", addon_attachments::create),
        get("/addon-attachments/{attachment}", addon_attachments::info),
        delete("/addon-attachments/{attachment}", addon_attachments::destroy),
        get("/apps/{app}/addon-attachments", addon_attachments::list_of_app),
        get("/apps/{app}/addon-attachments/{attachment}", addon_attachments::info_of_app),
        post("/actions/addon-attachments/resolve", addon_attachments::resolve),
        get("/addon-services", addon_services::list),
        get("/addon-services/{service}", addon_services::info),
        get("/addon-services/{service}/plans", addon_services::plans),
        get("/addon-services/{service}/plans/{plan}", addon_services::plan_of_service),
        get("/plans/{plan}", addon_services::plan_info),
    ]
}

/// The data API: a host of its own on Heroku.
fn of_databases() -> Vec<Route> {
    vec![
        get("/client/v11/databases/{database}", databases::info),
        get("/client/v11/databases/{database}/wait_status", databases::wait_status),
        put("/client/v11/databases/{database}/reset", databases::reset),
        post("/client/v11/databases/{database}/connection_reset", databases::connection_reset),
        get("/postgres/v0/databases/{database}/credentials", database_credentials::list),
        post("/postgres/v0/databases/{database}/credentials", database_credentials::create),
        get("/postgres/v0/databases/{database}/credentials/{credential}", database_credentials::info),
        post(
            "/postgres/v0/databases/{database}/credentials/{credential}/credentials_rotation",
            database_credentials::rotate,
        ),
        post("/postgres/v0/databases/{database}/credentials_rotation", database_credentials::rotate),
    ]
}

fn of_transfers() -> Vec<Route> {
    vec![
        post("/client/v11/databases/{database}/backups", transfers::back_up),
        post("/client/v11/databases/{database}/restores", transfers::restore),
        post("/client/v11/databases/{database}/transfers", transfers::copy),
        get("/client/v11/databases/{database}/transfer-schedules", transfer_schedules::list),
        post("/client/v11/databases/{database}/transfer-schedules", transfer_schedules::create),
        delete("/client/v11/databases/{database}/transfer-schedules/{schedule}", transfer_schedules::destroy),
        get("/client/v11/apps/{app}/transfers", transfers::list),
        get("/client/v11/apps/{app}/transfers/{transfer}", transfers::info),
        delete("/client/v11/apps/{app}/transfers/{transfer}", transfers::destroy),
        post("/client/v11/apps/{app}/transfers/{transfer}/actions/cancel", transfers::cancel),
        post("/client/v11/apps/{app}/transfers/{transfer}/actions/public-url", backups::public_url),
        get("/backups/{permit}", backups::download).through(Door::Open),
    ]
}

fn of_the_platform() -> Vec<Route> {
    vec![
        get("/regions", regions::list),
        get("/regions/{region}", regions::info),
        get("/stacks", stacks::list),
        get("/stacks/{stack}", stacks::info),
        get("/api/v4/current-status", status::current).through(Door::Open),
    ]
}
