//! The API with a running app, driven in the process; every good answer is held against the schema.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::{Router, http};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::fixture::{self, Running};
use crate::schema;
use crate::shapes::{Shape, shape};

pub(crate) const OWNER: &str = "owner-token";
pub(crate) const STRANGER: &str = "stranger-token";
/// Somebody who may be made a collaborator.
pub(crate) const COLLEAGUE: &str = "colleague-token";
pub(crate) const APP: &str = "running-app";
const V3: &str = "application/vnd.heroku+json; version=3";

/// One server with three accounts; the first owns an app.
pub(crate) struct Api {
    pub(crate) cx: api::Context,
    pub(crate) running: Running,
    router: Router,
    seen: Mutex<BTreeSet<String>>,
    dir: TempDir,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Api {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let cx = fixture::context(dir.path(), 5443);
        let owner = fixture::account(&cx, "owner@example.com", OWNER).await;
        fixture::account(&cx, "stranger@example.com", STRANGER).await;
        fixture::account(&cx, "colleague@example.com", COLLEAGUE).await;
        let running = fixture::running_app(&cx, &owner, APP).await;
        cx.store.set_witness(api::witness(cx.clone()));
        let router = api::routes(cx.clone());
        Self { cx, running, router, seen: Mutex::default(), dir }
    }

    /// The data folder.
    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Any request at all.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("the router never fails");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8(body.to_vec()).expect("UTF-8");
        Answer { status: head.status, headers: head.headers, text }
    }

    /// A request of an API client with a token.
    pub(crate) async fn ask(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.ask_with(token, method, path, body, &[]).await
    }

    pub(crate) async fn ask_with(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(http::header::ACCEPT, V3);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).expect("a request")).await
    }

    /// A request of the owner that must succeed, with an answer of the route's shape.
    pub(crate) async fn good(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.ask(OWNER, method.clone(), path, body).await;
        assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text);
        self.hold(&method, path, &answer);
        answer.json()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.good(Method::GET, path, None).await
    }

    /// Holds an answer against the shape of its route, and notes that the route was seen.
    pub(crate) fn hold(&self, method: &Method, path: &str, answer: &Answer) {
        let route = route_of(method, path);
        match shape(method, route) {
            Shape::One(resource) => hold_one(resource, &answer.json(), path),
            Shape::List(resource) => {
                let list = answer.json();
                let items = list.as_array().unwrap_or_else(|| panic!("{path} is no list: {list}"));
                items.iter().for_each(|item| hold_one(resource, item, path));
            }
            Shape::EmptyList => assert_eq!(answer.json(), serde_json::json!([]), "{path}"),
            Shape::EmptyObject => assert_eq!(answer.json(), serde_json::json!({}), "{path}"),
            Shape::Refused => assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}"),
            Shape::Ours => {}
        }
        self.seen().insert(format!("{method} {route}"));
    }

    /// The routes that were held so far.
    pub(crate) fn seen(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hold_one(resource: &str, value: &Value, path: &str) {
    let faults = schema::faults(resource, value);
    assert!(faults.is_empty(), "{path}: {faults:#?}");
}

/// The route that a path belongs to: the one with the most parts that are the same.
fn route_of(method: &Method, path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or(path);
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |route: &str| {
        let route: Vec<&str> = route.split('/').collect();
        let same = |(wanted, part): (&&str, &&str)| wanted.starts_with('{') || wanted == part;
        route.len() == parts.len() && route.iter().zip(&parts).all(same)
    };
    let named = api::route_names().into_iter().filter(|it| it.method == *method && fits(it.path));
    let best = named.min_by_key(|it| it.path.matches('{').count());
    best.unwrap_or_else(|| panic!("no route for {method} {path}")).path
}
