//! Git's smart HTTP protocol: three addresses per app.

use std::collections::HashMap;
use std::error::Error;
use std::path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, EXPIRES, HeaderName, HeaderValue, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, StatusCode};
use model::id::{AccountId, BuildId};
use model::scope::Scope;
use store::App;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tracing::error;

use crate::access::{Denied, authorize};
use crate::backend::{Job, Service, advertise, exchange};
use crate::body::Decoder;
use crate::command::GitError;
use crate::pushes::Push;
use crate::repo::RepoError;
use crate::{Context, words};

/// The client's wish for a newer protocol.
const GIT_PROTOCOL: HeaderName = HeaderName::from_static("git-protocol");
/// Longest value of it that is passed on, in bytes.
const PROTOCOL_BYTES_MAX: usize = 64;
/// How long a request waits for its place among the git processes.
const SLOT_WAIT: Duration = Duration::from_secs(10);
/// The protocol's empty packet.
const FLUSH: &str = "0000";

/// Why a request is not served.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("no smart git service")]
    NotGit,
    #[error("not this service's media type")]
    MediaType,
    #[error("unknown content encoding")]
    Encoding,
    #[error("too many git processes")]
    Busy,
    #[error("the repository cannot be opened")]
    Repo(#[source] RepoError),
    #[error("git cannot be started")]
    Git(#[source] GitError),
    #[error("git said nothing")]
    Silent,
}

/// `/{app}.git/info/refs`, `/{app}.git/git-upload-pack` and `/{app}.git/git-receive-pack`.
pub fn routes(cx: Context) -> Router {
    Router::new()
        .route("/{repository}/info/refs", get(info_refs))
        .route("/{repository}/git-upload-pack", post(upload_pack))
        .route("/{repository}/git-receive-pack", post(receive_pack))
        .with_state(cx)
}

async fn info_refs(
    State(cx): State<Context>,
    Path(repository): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let service = query.get("service").and_then(|name| Service::from_name(name));
    let needed = service.map_or(Scope::Read, scope);
    let (app, _) = authorize(&cx.inner.config.store, &headers, &repository, needed).await?;
    let service = service.ok_or(Refused::NotGit)?;
    let repo = cx.inner.repos.open(app.id).await.map_err(Refused::Repo)?;
    let protocol = protocol(service, &headers);
    // The newest protocol begins without naming the service.
    let hello = if protocol.as_deref() == Some("version=2") { String::new() } else { hello(service) };
    let slot = slot(&cx, Service::UploadPack).await?;
    let job = Job { service, protocol, push: None, slot };
    let mut output = advertise(&cx, &repo, job).map_err(Refused::Git)?;
    let Some(first) = output.next().await else { return Err(Refused::Silent) };
    let begin = stream::iter([Ok(Bytes::from(hello)), first]);
    Ok(respond(service, "advertisement", Body::from_stream(begin.chain(output.into_stream()))))
}

async fn upload_pack(
    state: State<Context>,
    path: Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    serve(state, path, Service::UploadPack, request).await
}

async fn receive_pack(
    state: State<Context>,
    path: Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    serve(state, path, Service::ReceivePack, request).await
}

async fn serve(
    State(cx): State<Context>,
    Path(repository): Path<String>,
    service: Service,
    request: Request,
) -> Result<Response, Refused> {
    let (head, body) = request.into_parts();
    let (app, account) =
        authorize(&cx.inner.config.store, &head.headers, &repository, scope(service)).await?;
    if head.headers.get(CONTENT_TYPE) != Some(&media_type(service, "request")) {
        return Err(Refused::MediaType);
    }
    let decoder = Decoder::of(&head.headers).ok_or(Refused::Encoding)?;
    let repo = cx.inner.repos.open(app.id).await.map_err(Refused::Repo)?;
    let slot = slot(&cx, service).await?;
    let push = (service == Service::ReceivePack).then(|| cx.inner.pushes.begin(push(app, account, &repo)));
    let job = Job { service, protocol: protocol(service, &head.headers), push, slot };
    let output = exchange(&cx, &repo, job, body, decoder).map_err(Refused::Git)?;
    Ok(respond(service, "result", Body::from_stream(output.into_stream())))
}

/// What a token must allow.
const fn scope(service: Service) -> Scope {
    match service {
        Service::UploadPack => Scope::Read,
        Service::ReceivePack => Scope::Write,
    }
}

fn push(app: App, account: AccountId, repo: &path::Path) -> Push {
    Push { id: BuildId::new(), app, account, repo: repo.to_owned() }
}

async fn slot(cx: &Context, service: Service) -> Result<OwnedSemaphorePermit, Refused> {
    let slots = match service {
        Service::UploadPack => &cx.inner.fetch_slots,
        Service::ReceivePack => &cx.inner.push_slots,
    };
    match timeout(SLOT_WAIT, Arc::clone(slots).acquire_owned()).await {
        Ok(Ok(slot)) => Ok(slot),
        Ok(Err(_)) | Err(_) => Err(Refused::Busy),
    }
}

/// The client's wish, as far as git's own server takes it over HTTP; pushes know no newer protocol.
fn protocol(service: Service, headers: &HeaderMap) -> Option<String> {
    let wish = headers.get(GIT_PROTOCOL)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b':' | b'.' | b'-');
    let good = wish.len() <= PROTOCOL_BYTES_MAX && wish.bytes().all(plain);
    (service == Service::UploadPack && good).then(|| wish.to_owned())
}

fn hello(service: Service) -> String {
    let text = format!("# service={}\n", service.name());
    format!("{:04x}{text}{FLUSH}", text.len() + FLUSH.len())
}

fn media_type(service: Service, kind: &str) -> HeaderValue {
    let text = format!("application/x-{}-{kind}", service.name());
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

fn respond(service: Service, kind: &str, body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, media_type(service, kind)),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache, max-age=0, must-revalidate")),
        (EXPIRES, HeaderValue::from_static("Fri, 01 Jan 1980 00:00:00 GMT")),
        (PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (headers, body).into_response()
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, text) = match &self {
            Self::Denied(Denied::Unauthenticated) => {
                let challenge = [(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Hokku\""))];
                return (StatusCode::UNAUTHORIZED, challenge, words::UNAUTHENTICATED).into_response();
            }
            Self::Denied(Denied::NoSuchApp { name }) => (StatusCode::NOT_FOUND, words::no_such_app(name)),
            Self::Denied(Denied::Scope { needed }) => (StatusCode::FORBIDDEN, words::scope(*needed)),
            Self::NotGit => (StatusCode::FORBIDDEN, words::NOT_GIT.to_owned()),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, words::NOT_GIT.to_owned()),
            Self::Encoding => (StatusCode::UNSUPPORTED_MEDIA_TYPE, words::ENCODING.to_owned()),
            Self::Busy => {
                let later = [(RETRY_AFTER, HeaderValue::from_static("10"))];
                return (StatusCode::SERVICE_UNAVAILABLE, later, words::BUSY).into_response();
            }
            Self::Denied(Denied::Store(_)) | Self::Repo(_) | Self::Git(_) | Self::Silent => {
                error!(error = &self as &dyn Error, "a git request failed");
                (StatusCode::INTERNAL_SERVER_ERROR, words::BROKEN.to_owned())
            }
        };
        (status, text).into_response()
    }
}
