//! An ACME authority (RFC 8555), such as Let's Encrypt: an account, orders, HTTP-01 validations.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType, Error,
    HttpClient, Identifier, NewAccount, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use model::certificate::CertificateFacts;
use model::config_var::Secret;
use model::domain::Hostname;
use model::error::chain;
use store::Store;
use tokio::sync::Mutex;

use crate::OWN_AUTHORITY;
use crate::issuer::{Board, IssueError, Issued, Issuer, Issuing};

/// Largest answer of an authority, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long one request may take.
const REQUEST_MAX: Duration = Duration::from_secs(30);
/// How long validation may take, and how long the certificate may be in the making.
const STEP_MAX: Duration = Duration::from_secs(120);
/// How long nothing is asked when the authority says that it was asked too often, which it counts by the hour.
const RATE_LIMIT_PAUSE: Duration = Duration::from_secs(3600);
/// The kinds of problems that concern the platform's account or all orders, and not one host.
const PROBLEM: &str = "urn:ietf:params:acme:error:";

/// An authority, with our account there.
pub struct Acme {
    directory: String,
    contact: Option<String>,
    http: reqwest::Client,
    // Made at the first order: the authority need not be there when the server starts.
    account: Mutex<Option<Account>>,
}

impl fmt::Debug for Acme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acme").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Acme {
    /// The authority with this directory URL. Its terms of service are agreed to; `contact` is an e-mail address that it
    /// may write to.
    #[must_use]
    pub fn new(directory: String, contact: Option<String>, http: reqwest::Client) -> Self {
        Self { directory, contact, http, account: Mutex::new(None) }
    }

    async fn get(&self, host: &Hostname, board: &Board) -> Result<Issued, IssueError> {
        let identifiers = [Identifier::Dns(host.to_string())];
        let mut order = self.order(&identifiers, board.store()).await?;
        authorize(&mut order, host, board).await?;
        let patience = RetryPolicy::default().timeout(STEP_MAX);
        let status = match order.poll_ready(&patience).await {
            Ok(status) => status,
            Err(error) => return Err(self.refusal(&mut order, Some(error)).await),
        };
        if status != OrderStatus::Ready {
            return Err(self.refusal(&mut order, None).await);
        }
        board.validated(host).await?;
        let key_pem = Secret::new(order.finalize().await.map_err(|error| explain(&error))?);
        let chain_pem = order.poll_certificate(&patience).await.map_err(|error| explain(&error))?;
        Ok(Issued { chain_pem, key_pem })
    }

    /// A new order. An account that the authority does not know any more is made again, once.
    async fn order(&self, identifiers: &[Identifier], store: &Store) -> Result<Order, IssueError> {
        let order = NewOrder::new(identifiers);
        let mut account = self.account.lock().await;
        for is_last in [false, true] {
            let known = match account.clone() {
                Some(known) => known,
                None => self.open_account(store, is_last).await?,
            };
            *account = Some(known.clone());
            match known.new_order(&order).await {
                Ok(order) => return Ok(order),
                Err(Error::Api(problem)) if !is_last && is(&problem, "accountDoesNotExist") => {
                    *account = None
                }
                Err(error) => return Err(explain(&error)),
            }
        }
        Err(IssueError::Unavailable("The authority does not know the platform's account.".to_owned()))
    }

    async fn open_account(&self, store: &Store, anew: bool) -> Result<Account, IssueError> {
        let builder = || Account::builder_with_http(Box::new(Http(self.http.clone())));
        let directory = self.directory.clone();
        let kept = store.read(move |tx| tx.acme_account(&directory)).await?;
        let kept = kept.filter(|_| !anew);
        if let Some(kept) = kept {
            let credentials: AccountCredentials =
                serde_json::from_str(kept.expose_secret()).map_err(|_| {
                    IssueError::Unavailable("The account at the authority is unreadable.".to_owned())
                })?;
            return builder().from_credentials(credentials).await.map_err(|error| explain(&error));
        }
        let contact: Vec<String> = self.contact.iter().map(|address| format!("mailto:{address}")).collect();
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let new =
            NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let made = builder().create(&new, self.directory.clone(), None).await;
        let (account, credentials) = made.map_err(|error| explain(&error))?;
        let credentials = serde_json::to_string(&credentials).map(Secret::new);
        let credentials = credentials
            .map_err(|_| IssueError::Unavailable("The account at the authority is unreadable.".to_owned()))?;
        let directory = self.directory.clone();
        store.write(move |tx| tx.set_acme_account(&directory, &credentials)).await?;
        Ok(account)
    }

    /// The reason is with the challenge; what the order says is often less.
    async fn refusal(&self, order: &mut Order, error: Option<Error>) -> IssueError {
        let mut authorizations = order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            if authorization.refresh().await.is_err() {
                continue;
            }
            let problem = authorization.challenges.iter().find_map(|challenge| challenge.error.clone());
            if let Some(problem) = problem {
                return explain(&Error::Api(problem));
            }
        }
        match error {
            Some(error) => explain(&error),
            None => IssueError::Refused("The authority refused, and did not say why.".to_owned()),
        }
    }
}

impl Issuer for Acme {
    fn issue<'a>(&'a self, host: &'a Hostname, board: &'a Board) -> Issuing<'a> {
        Box::pin(self.get(host, board))
    }

    fn does_wildcards(&self) -> bool {
        false // HTTP-01 cannot
    }

    fn replaces(&self, facts: &CertificateFacts) -> bool {
        facts.issuer.contains(OWN_AUTHORITY)
    }
}

/// Shows the authority that the host is ours, unless it remembers.
async fn authorize(order: &mut Order, host: &Hostname, board: &Board) -> Result<(), IssueError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(|error| explain(&error))?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            _ => return Err(IssueError::Refused("The authority closed the validation.".to_owned())),
        }
        let Some(mut challenge) = authorization.challenge(ChallengeType::Http01) else {
            return Err(IssueError::Refused("The authority offers no validation over HTTP.".to_owned()));
        };
        let answer = challenge.key_authorization();
        board.show(host, &challenge.token, answer.as_str()).await?;
        challenge.set_ready().await.map_err(|error| explain(&error))?;
    }
    Ok(())
}

fn is(problem: &Problem, kind: &str) -> bool {
    problem.r#type.as_deref().and_then(|it| it.strip_prefix(PROBLEM)) == Some(kind)
}

/// Sorts an error by who is concerned: this host, all hosts, or nobody but us.
fn explain(error: &Error) -> IssueError {
    let Error::Api(problem) = error else {
        return IssueError::Unavailable(format!("The authority cannot be reached: {}", chain(error)));
    };
    let detail = problem.detail.clone().unwrap_or_else(|| problem.to_string());
    if is(problem, "rateLimited") {
        return IssueError::Later { reason: detail, pause: RATE_LIMIT_PAUSE };
    }
    if problem.status.is_some_and(|status| status >= 500) || is(problem, "serverInternal") {
        return IssueError::Unavailable(format!("The authority has trouble of its own: {detail}"));
    }
    IssueError::Refused(detail)
}

/// The library's requests, by our client.
struct Http(reqwest::Client);

type Answering = Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>>;

impl HttpClient for Http {
    fn request(&self, request: http::Request<BodyWrapper<bytes::Bytes>>) -> Answering {
        let http = self.0.clone();
        Box::pin(async move { send(&http, request).await })
    }
}

async fn send(
    http: &reqwest::Client,
    request: http::Request<BodyWrapper<bytes::Bytes>>,
) -> Result<BytesResponse, Error> {
    let other = |error: Box<dyn std::error::Error + Send + Sync>| Error::Other(error);
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|never| other(never.into()))?.to_bytes();
    let request = http.request(head.method, head.uri.to_string()).headers(head.headers);
    let answer = request.timeout(REQUEST_MAX).body(body).send().await.map_err(|error| other(error.into()))?;
    let (head, body) = http::Response::<reqwest::Body>::from(answer).into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(other)?.to_bytes();
    Ok(BytesResponse::from(http::Response::from_parts(head, Full::new(body))))
}
