//! HTTP before S3: whose pages may ask (CORS), and the finish of each answer.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use s3s::host::{S3Host, VirtualHost};
use s3s::path::S3Path;
use s3s::service::S3Service;
use s3s::{Body, S3Error, S3ErrorCode, S3Result};

use crate::cors::{self, Rule};
use crate::shelf::Shelf;

/// Serves one request after the other of a connection.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) s3: S3Service,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) host: Host,
}

impl hyper::service::Service<Request<Incoming>> for Front {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let front = self.clone();
        Box::pin(async move { Ok(front.serve(request).await) })
    }
}

impl Front {
    async fn serve(&self, request: Request<Incoming>) -> Response<Body> {
        let rules = match request.headers().get(ORIGIN) {
            Some(_) => self.rules(&request),
            None => Vec::new(),
        };
        if request.method() == Method::OPTIONS {
            return preflight(&rules, request.headers());
        }
        let allowed = cors::answer(&rules, request.method().as_str(), request.headers());
        let is_head = request.method() == Method::HEAD;
        let mut response = match self.s3.call(request.map(Body::from)).await {
            Ok(response) => response,
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR),
        };
        response.headers_mut().extend(allowed);
        // Neither has a body, though errors are made with one.
        if response.status() == StatusCode::NOT_MODIFIED || (is_head && !response.status().is_success()) {
            *response.body_mut() = Body::empty();
            response.headers_mut().remove(CONTENT_TYPE);
            response.headers_mut().remove(CONTENT_LENGTH);
        }
        response
    }

    /// The rules of the bucket that is asked.
    fn rules(&self, request: &Request<Incoming>) -> Vec<Rule> {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let by_host = self.host.bucket(host);
        let by_path = match s3s::path::parse_path_style(request.uri().path()) {
            Ok(S3Path::Bucket { bucket } | S3Path::Object { bucket, .. }) => Some(bucket.into()),
            _ => None,
        };
        let bucket = by_host.or(by_path).and_then(|name: String| self.shelf.bucket(&name));
        bucket.map(|bucket| bucket.rules()).unwrap_or_default()
    }
}

fn preflight(rules: &[Rule], asked: &HeaderMap) -> Response<Body> {
    match cors::preflight(rules, asked) {
        Some(headers) => {
            let mut response = plain(StatusCode::OK);
            response.headers_mut().extend(headers);
            response
        }
        None => {
            let message = "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of \
                           Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers \
                           are not whitelisted by the resource's CORS spec.";
            let mut error = S3Error::with_message(S3ErrorCode::Custom("AccessForbidden".into()), message);
            error.set_status_code(StatusCode::FORBIDDEN);
            error.to_http_response().unwrap_or_else(|_| plain(StatusCode::FORBIDDEN))
        }
    }
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::new()));
    *response.status_mut() = status;
    response
}

/// The service's own host name, below which every bucket has one too.
#[derive(Debug, Clone)]
pub(crate) struct Host(pub(crate) String);

impl Host {
    /// The bucket that a `Host` header names: `BUCKET.s3.example.com:5443`.
    fn bucket(&self, host: &str) -> Option<String> {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let bucket = name.to_ascii_lowercase();
        bucket.strip_suffix(&self.0)?.strip_suffix('.').filter(|name| !name.is_empty()).map(str::to_owned)
    }
}

impl S3Host for Host {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let parsed = VirtualHost::new(self.0.as_str());
        Ok(match self.bucket(host) {
            Some(bucket) => parsed.with_bucket(bucket),
            None => parsed,
        })
    }
}

#[cfg(test)]
mod tests;
