//! The control server's own listener: API and git, plain HTTP over the unix socket that the router passes them to.

use anyhow::Context;
use axum::Router;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

/// Everything the control server answers.
pub(crate) fn routes(api: Router, git: Router) -> Router {
    git.merge(api)
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
