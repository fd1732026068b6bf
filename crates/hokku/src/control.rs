//! The control server's own listener: API, git and web pages, plain HTTP over the unix socket that the router passes
//! them to.

use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use axum::http::header::HOST;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tower::{ServiceExt, service_fn};

/// Everything the control server answers. The web pages have a host of their own, `pages_host`, and are nowhere else:
/// apps are not trusted, and a page's cookie must reach nothing but pages.
pub(crate) fn routes(api: Router, git: Router, dashboard: dashboard::Routes, pages_host: &str) -> Router {
    let dashboard::Routes { pages, login } = dashboard;
    let own = git.merge(login).merge(api);
    let pages_host = pages_host.to_owned();
    Router::new().fallback_service(service_fn(move |request: Request| {
        let routes = if is_for(&request, &pages_host) { &pages } else { &own };
        routes.clone().oneshot(request)
    }))
}

/// Whether a request names this host, with any port.
fn is_for(request: &Request, host: &str) -> bool {
    let named = request.headers().get(HOST).and_then(|named| named.to_str().ok()).unwrap_or_default();
    let name = named.rsplit_once(':').map_or(named, |(name, _)| name);
    name.trim_end_matches('.').eq_ignore_ascii_case(host)
}

/// Serves until `stop`; open requests finish.
///
/// # Errors
/// When the listener fails.
pub(crate) async fn serve(
    listener: UnixListener,
    routes: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .context("the control server failed")
}

#[cfg(test)]
mod tests;
