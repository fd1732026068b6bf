//! A typed client of the Platform API, for the native command line and the dashboard.
//!
//! One connection per request: commands make a handful of them. Paged lists are read to their end. There are no
//! retries: the caller knows what may be repeated.

mod connection;
mod rendezvous;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, RANGE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

use connection::Origin;
pub use connection::Streaming;
pub use rendezvous::Attached;

/// How long the head of an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Largest JSON answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Most pages of one list.
const PAGES_MAX: usize = 1_000;
const V3: &str = "application/vnd.heroku+json; version=3";

/// Speaks to one platform as one account.
#[derive(Clone)]
pub struct Client {
    origin: Origin,
    authorization: Option<String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BadClient {
    /// The address is not an `http` or `https` URL.
    #[error("`{url}` is not an http or https URL")]
    Url {
        /// What was given.
        url: String,
    },
    /// The certificate to trust cannot be read.
    #[error("the certificate authority's certificate cannot be used: {detail}")]
    Certificate {
        /// What is wrong with it.
        detail: String,
    },
}

/// A request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server cannot be reached.
    #[error("could not connect to {at}")]
    Connect {
        /// Host and port.
        at: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The connection broke, or was no HTTP.
    #[error("the connection to {at} broke")]
    Broken {
        /// Host and port.
        at: String,
        /// Why.
        #[source]
        cause: hyper::Error,
    },
    /// The request cannot be written.
    #[error("`{path}` is not a path to ask for")]
    Request {
        /// The path.
        path: String,
        /// Why.
        #[source]
        cause: http::Error,
    },
    /// No answer came in time.
    #[error("{at} did not answer in {} s", ANSWER_TIMEOUT.as_secs())]
    TimedOut {
        /// Host and port.
        at: String,
    },
    /// The server refused; its words are for people.
    #[error("{}", error.message)]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// What the server says.
        error: crate::Error,
    },
    /// The answer is not what the API promises.
    #[error("{at} answered {status} with something unexpected: {detail}")]
    Unexpected {
        /// Host and port.
        at: String,
        /// The HTTP status.
        status: StatusCode,
        /// What is wrong.
        detail: String,
    },
}

impl Client {
    /// A client for the API at `base` (`https://api.example.com`). `ca_pem` are certificates to trust, in PEM; over
    /// https only these are trusted.
    ///
    /// # Errors
    /// When the address or the certificates cannot be used.
    pub fn new(base: &str, token: Option<&str>, ca_pem: &str) -> Result<Self, BadClient> {
        let authorization = token.map(bearer);
        Ok(Self { origin: Origin::new(base, ca_pem)?, authorization })
    }

    /// The same client, reaching the server through a unix socket, in plain HTTP: a neighbour on the same machine.
    /// Every URL that the server gives leads there too; a rendezvous does not.
    #[must_use]
    pub fn at_socket(self, socket: &Path) -> Self {
        Self { origin: self.origin.at_socket(socket), ..self }
    }

    /// The same client as somebody else.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self { authorization: Some(bearer(token)), ..self }
    }

    /// The same client with an address and a password instead of a token: good for making a token, and nothing else.
    #[must_use]
    pub fn with_password(self, email: &str, password: &str) -> Self {
        let authorization = format!("Basic {}", BASE64_STANDARD.encode(format!("{email}:{password}")));
        Self { authorization: Some(authorization), ..self }
    }

    /// Asks for a resource.
    ///
    /// # Errors
    /// Any of [`ClientError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let answer = self.call(Method::GET, path, None, None).await?;
        self.parse(&answer)
    }

    /// Asks for a list, all pages of it.
    ///
    /// # Errors
    /// Any of [`ClientError`].
    pub async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, ClientError> {
        let mut items = Vec::new();
        let mut range = None;
        for _ in 0..PAGES_MAX {
            let answer = self.call(Method::GET, path, None, range.take()).await?;
            items.extend(self.parse::<Vec<T>>(&answer)?);
            range = answer.headers().get("next-range").and_then(|next| next.to_str().ok()).map(str::to_owned);
            if range.is_none() {
                break;
            }
        }
        Ok(items)
    }

    /// Asks for one page of a list: what a `Range` header says (`version ..; order=desc, max=10`).
    ///
    /// # Errors
    /// Any of [`ClientError`].
    pub async fn page<T: DeserializeOwned>(&self, path: &str, range: &str) -> Result<Vec<T>, ClientError> {
        let answer = self.call(Method::GET, path, None, Some(range.to_owned())).await?;
        self.parse(&answer)
    }

    /// Makes something.
    ///
    /// # Errors
    /// Any of [`ClientError`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.send(Method::POST, path, body).await
    }

    /// Makes something; also tells one header of the answer.
    ///
    /// # Errors
    /// Any of [`ClientError`].
    pub async fn post_for<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        header: &str,
    ) -> Result<(T, Option<String>), ClientError> {
        let answer = self.whole(Method::POST, path, body).await?;
        let value = answer.headers().get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok((self.parse(&answer)?, value))
    }

    /// Changes something.
    ///
    /// # Errors
    /// Any of [`ClientError`].
    pub async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.send(Method::PATCH, path, body).await
    }

    /// Replaces something.
    ///
    /// # Errors
    /// Any of [`ClientError`].
    pub async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.send(Method::PUT, path, body).await
    }

    /// Removes something.
    ///
    /// # Errors
    /// Any of [`ClientError`].
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let answer = self.call(Method::DELETE, path, None, None).await?;
        self.parse(&answer)
    }

    /// Removes something, with more to say about it than its path does.
    ///
    /// # Errors
    /// Any of [`ClientError`].
    pub async fn delete_with<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.send(Method::DELETE, path, body).await
    }

    /// Opens a stream whose URL is its own permission (a log session, a build's output): no token is sent.
    ///
    /// # Errors
    /// Any of [`ClientError`]; [`ClientError::Refused`] also when the permission has run out.
    pub async fn open(&self, url: &str, accept: &str) -> Result<Streaming, ClientError> {
        self.open_after(url, accept, None).await
    }

    /// Opens a stream of server-sent events again, from behind the event with the id `seen`.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn open_after(
        &self,
        url: &str,
        accept: &str,
        seen: Option<&str>,
    ) -> Result<Streaming, ClientError> {
        let (origin, path) = self.origin.sibling(url).ok_or_else(|| ClientError::Unexpected {
            at: self.origin.to_string(),
            status: StatusCode::OK,
            detail: format!("`{url}` is not a URL"),
        })?;
        let mut request = Request::get(&path).header(HOST, origin.host_header()).header(ACCEPT, accept);
        if let Some(seen) = seen {
            request = request.header("last-event-id", seen);
        }
        let request = request
            .body(Full::new(Bytes::new()))
            .map_err(|cause| ClientError::Request { path: path.clone(), cause })?;
        let answer = origin.send(request, ANSWER_TIMEOUT).await?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        let collected = self.collect(answer).await?;
        Err(self.refusal(&collected))
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.parse(&self.whole(method, path, body).await?)
    }

    async fn whole(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Response<Bytes>, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| ClientError::Unexpected {
            at: self.origin.to_string(),
            status: StatusCode::OK,
            detail: error.to_string(),
        })?;
        self.call(method, path, Some(body), None).await
    }

    /// One request and its whole answer, unless it is a refusal.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        range: Option<String>,
    ) -> Result<Response<Bytes>, ClientError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.origin.host_header())
            .header(ACCEPT, V3)
            .header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(range) = range {
            request = request.header(RANGE, range);
        }
        let request = request
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|cause| ClientError::Request { path: path.to_owned(), cause })?;
        let answer = self.origin.send(request, ANSWER_TIMEOUT).await?;
        let answer = self.collect(answer).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.refusal(&answer)) }
    }

    async fn collect(&self, answer: Response<Streaming>) -> Result<Response<Bytes>, ClientError> {
        let (head, body) = answer.into_parts();
        let collected = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = collected.map_err(|error| ClientError::Unexpected {
            at: self.origin.to_string(),
            status: head.status,
            detail: error.to_string(),
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    fn parse<T: DeserializeOwned>(&self, answer: &Response<Bytes>) -> Result<T, ClientError> {
        serde_json::from_slice(answer.body()).map_err(|error| self.unexpected(answer, &error))
    }

    fn refusal(&self, answer: &Response<Bytes>) -> ClientError {
        match serde_json::from_slice(answer.body()) {
            Ok(error) => ClientError::Refused { status: answer.status(), error },
            Err(error) => self.unexpected(answer, &error),
        }
    }

    fn unexpected(&self, answer: &Response<Bytes>, error: &serde_json::Error) -> ClientError {
        let (at, status) = (self.origin.to_string(), answer.status());
        ClientError::Unexpected { at, status, detail: error.to_string() }
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[cfg(test)]
mod tests;
