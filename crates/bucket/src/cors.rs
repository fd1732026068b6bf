//! Which other sites' pages may use a bucket from a browser: rules, the answer to a browser's question beforehand
//! (preflight), and the headers of the answers proper.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue};
use s3s::dto::CORSRule;
use s3s::{S3Error, S3ErrorCode, S3Result};
use serde::{Deserialize, Serialize};

/// Most rules of a bucket, as S3's.
const RULES_MAX: usize = 100;
/// Methods a rule can allow.
const METHODS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "HEAD"];

/// One rule, as `PutBucketCors` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) id: Option<String>,
    /// With at most one `*`.
    pub(crate) origins: Vec<String>,
    pub(crate) methods: Vec<String>,
    /// With at most one `*`.
    pub(crate) headers: Vec<String>,
    pub(crate) exposed: Vec<String>,
    /// Seconds.
    pub(crate) max_age: Option<i32>,
}

/// Checks rules as a client sent them.
pub(crate) fn accept(rules: Vec<CORSRule>) -> S3Result<Vec<Rule>> {
    let refuse = |message: String| Err(S3Error::with_message(S3ErrorCode::InvalidRequest, message));
    if rules.is_empty() || rules.len() > RULES_MAX {
        return refuse(format!("A CORS configuration has 1 to {RULES_MAX} rules."));
    }
    let rules: Vec<Rule> = rules.into_iter().map(Rule::from).collect();
    for rule in &rules {
        if let Some(method) = rule.methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
            return refuse(format!(
                "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            ));
        }
        let mut patterns = rule.origins.iter().map(|it| ("AllowedOrigin", it));
        let mut headers = rule.headers.iter().map(|it| ("AllowedHeader", it));
        let twice = |(_, text): &(&str, &String)| text.matches('*').count() > 1;
        if let Some((what, text)) = patterns.find(twice).or_else(|| headers.find(twice)) {
            return refuse(format!("{what} \"{text}\" can not have more than one wildcard."));
        }
        if rule.exposed.iter().any(|name| name.parse::<HeaderName>().is_err()) {
            return refuse("An ExposeHeader is not a header's name.".to_owned());
        }
    }
    Ok(rules)
}

impl From<CORSRule> for Rule {
    fn from(rule: CORSRule) -> Self {
        Self {
            id: rule.id,
            origins: rule.allowed_origins,
            methods: rule.allowed_methods,
            headers: rule.allowed_headers.unwrap_or_default(),
            exposed: rule.expose_headers.unwrap_or_default(),
            max_age: rule.max_age_seconds,
        }
    }
}

impl From<Rule> for CORSRule {
    fn from(rule: Rule) -> Self {
        let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
        Self {
            id: rule.id,
            allowed_origins: rule.origins,
            allowed_methods: rule.methods,
            allowed_headers: some(rule.headers),
            expose_headers: some(rule.exposed),
            max_age_seconds: rule.max_age,
        }
    }
}

/// The answer to a preflight; none when no rule allows what is asked.
pub(crate) fn preflight(rules: &[Rule], asked: &HeaderMap) -> Option<HeaderMap> {
    let origin = text(asked, &ORIGIN)?;
    let method = text(asked, &ACCESS_CONTROL_REQUEST_METHOD)?;
    let wanted = text(asked, &ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    let wanted: Vec<String> = wanted
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    let rule = rules.iter().find(|rule| {
        let header_fits = |name: &String| rule.headers.iter().any(|it| fits(&it.to_ascii_lowercase(), name));
        rule.allows(origin, method) && wanted.iter().all(header_fits)
    })?;
    let mut headers = rule.answer(origin)?;
    let methods = HeaderValue::try_from(rule.methods.join(", ")).ok()?;
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    if !wanted.is_empty() {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::try_from(wanted.join(", ")).ok()?);
    }
    if let Some(seconds) = rule.max_age {
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
    }
    Some(headers)
}

/// What is added to an answer; nothing when no rule allows it, and the browser then hides it from the page.
pub(crate) fn answer(rules: &[Rule], method: &str, asked: &HeaderMap) -> HeaderMap {
    let origin = text(asked, &ORIGIN);
    let found = origin.and_then(|origin| {
        let rule = rules.iter().find(|rule| rule.allows(origin, method))?;
        rule.answer(origin)
    });
    found.unwrap_or_default()
}

impl Rule {
    fn allows(&self, origin: &str, method: &str) -> bool {
        self.origins.iter().any(|it| fits(it, origin)) && self.methods.iter().any(|it| it == method)
    }

    fn answer(&self, origin: &str) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        let any = self.origins.iter().any(|it| it == "*");
        let allowed = if any { "*" } else { origin };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_str(allowed).ok()?);
        if !any {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if !self.exposed.is_empty() {
            headers
                .insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::try_from(self.exposed.join(", ")).ok()?);
        }
        let vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
        headers.insert(VARY, HeaderValue::from_static(vary));
        Some(headers)
    }
}

/// Whether a text fits a pattern with at most one `*`.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => {
            text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail)
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
