use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::routing::get;
use tower::ServiceExt;

use super::routes;

/// Routes that answer everything, or one path, with their own name.
fn named(name: &'static str) -> Router {
    Router::new().fallback(move || async move { name })
}

async fn answer(host: &str, path: &str) -> String {
    let login = Router::new().route("/auth", get(|| async { "login" }));
    let git = Router::new().route("/shop.git", get(|| async { "git" }));
    let dashboard = dashboard::Routes { pages: named("pages"), login };
    let routes = routes(named("api"), git, dashboard, "dashboard.localhost");
    let request = Request::get(path).header("host", host).body(Body::empty()).expect("a request");
    let response = routes.oneshot(request).await.expect("it never fails");
    let body = to_bytes(response.into_body(), 1024).await.expect("a body");
    String::from_utf8(body.to_vec()).expect("text")
}

#[tokio::test]
async fn pages_are_served_at_their_own_host_and_nowhere_else() {
    for host in
        ["dashboard.localhost", "dashboard.localhost:5443", "Dashboard.Localhost", "dashboard.localhost."]
    {
        for path in ["/", "/apps", "/auth", "/shop.git"] {
            assert_eq!(answer(host, path).await, "pages", "{host}{path}");
        }
    }
    for host in ["localhost:5443", "127.0.0.1", "api.dashboard.localhost", "dashboard.localhost.evil", ""] {
        assert_eq!(answer(host, "/apps").await, "api", "{host}");
        assert_eq!(answer(host, "/auth").await, "login", "{host}");
        assert_eq!(answer(host, "/shop.git").await, "git", "{host}");
    }
}
