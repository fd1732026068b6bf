//! A browser without a window: it keeps cookies, and fills in forms that it was shown.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::fixture;

pub(crate) const OWNER: &str = "owner@example.com";
pub(crate) const APP: &str = "running-app";

/// A server: the API behind a socket, the pages before it.
pub(crate) struct Site {
    pub(crate) cx: api::Context,
    pub(crate) running: fixture::Running,
    pub(crate) routes: dashboard::Routes,
    pub(crate) stop: CancellationToken,
    serving: JoinHandle<()>,
    _dir: TempDir,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Site {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let cx = fixture::context(dir.path(), 5443);
        let owner = fixture::account(&cx, OWNER, "owner-token").await;
        fixture::account(&cx, "stranger@example.com", "stranger-token").await;
        let running = fixture::running_app(&cx, &owner, APP).await;
        let socket = dir.path().join("control.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let api = api::routes(cx.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, api).await.expect("served") });
        let stop = CancellationToken::new();
        let client = wire::Client::new(&cx.site.api_url(""), None, "").expect("a client");
        let routes = dashboard::routes(dashboard::Context {
            client: client.at_socket(&socket),
            url: cx.site.dashboard_url(""),
            plain_http: true,
            stop: stop.clone(),
        });
        Self { cx, running, routes, stop, serving, _dir: dir }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { pages: self.routes.pages.clone(), cookies: BTreeMap::new() }
    }

    /// A browser that is signed in.
    pub(crate) async fn signed_in(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let form = browser.get("/login").await;
        let fields = [("email", email), ("password", fixture::PASSWORD)];
        let answer = browser.send_form(&form, "/login", &fields).await;
        assert_eq!(answer.location(), "/apps", "{}", answer.text);
        browser
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The key of the forms on this page.
    pub(crate) fn form_key(&self) -> &str {
        let rest = self.text.split_once("name=\"form_key\" value=\"").expect("a form").1;
        rest.split_once('"').expect("a value").0
    }
}

/// Sends a request and takes the whole answer, which must end.
pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let whole = async {
        let response = router.clone().oneshot(request).await.expect("the router never fails");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8(body.to_vec()).expect("UTF-8");
        Answer { status: head.status, headers: head.headers, text }
    };
    tokio::time::timeout(Duration::from_secs(60), whole).await.expect("an answer that ends")
}

pub(crate) struct Browser {
    pages: Router,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = self.request("GET", path).body(Body::empty()).expect("a request");
        self.send(request).await
    }

    /// The beginning of an answer that goes on, up to where it holds `word`.
    pub(crate) async fn follow(&mut self, path: &str, word: &str) -> String {
        let request = self.request("GET", path).body(Body::empty()).expect("a request");
        let beginning = async {
            let mut body = self.pages.clone().oneshot(request).await.expect("never fails").into_body();
            let mut text = String::new();
            while !text.contains(word) {
                let frame = body.frame().await.expect("it goes on").expect("unbroken");
                text.push_str(std::str::from_utf8(frame.data_ref().expect("data")).expect("UTF-8"));
            }
            text
        };
        tokio::time::timeout(Duration::from_secs(60), beginning).await.expect("in time")
    }

    /// Fills in a form of a page that was shown.
    pub(crate) async fn send_form(&mut self, page: &Answer, path: &str, fields: &[(&str, &str)]) -> Answer {
        let key = page.form_key().to_owned();
        self.post(path, &[fields, &[("form_key", &key)]].concat(), "same-origin").await
    }

    /// Sends fields from a page of `site`, as browsers call it.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)], site: &str) -> Answer {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let request = self.request("POST", path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.header("sec-fetch-site", site).body(Body::from(body)).expect("a request");
        self.send(request).await
    }

    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let path = path.split('#').next().expect("a path");
        Request::builder().method(method).uri(path).header(COOKIE, cookies)
    }

    async fn send(&mut self, request: Request<Body>) -> Answer {
        let answer = send(&self.pages, request).await;
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().expect("text");
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            let (name, value) = cookie.split(';').next().and_then(|it| it.split_once('=')).expect("a cookie");
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}
