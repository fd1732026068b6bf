//! A request's head: read from the client once, and written anew as the dyno gets it.

mod compose;

use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::ops::Range;

use httparse::Header;
use model::time::Timestamp;

use super::body::Framing;
use crate::config::Limits;
use crate::host;

/// Fields of one head (Heroku: 1000).
const HEADERS_MAX: usize = 1000;
/// A client's own request id is kept within these lengths.
const REQUEST_ID_BYTES: std::ops::RangeInclusive<usize> = 20..=200;
/// How the router names itself in `Via`.
pub(crate) const VIA: &str = "1.1 hokku-router";

/// What the router adds to a request that is not in its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) peer: IpAddr,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    pub(crate) at: Timestamp,
    /// 16 random bytes, for a request id.
    pub(crate) random: [u8; 16],
}

/// The `Expect` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Nothing,
    Continue,
    Unsupported,
}

/// A request, understood.
#[derive(Debug)]
pub(crate) struct RequestHead {
    /// The head for the dyno, without the empty line at its end.
    pub(crate) wire: Vec<u8>,
    method: Range<usize>,
    path: Range<usize>,
    authority: Range<usize>,
    forwarded_for: Range<usize>,
    request_id: Range<usize>,
    agent: Range<usize>,
    /// The host to look up.
    pub(crate) host: String,
    pub(crate) body: Framing,
    pub(crate) http11: bool,
    /// The client would like to send another request on this connection.
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    pub(crate) expect: Expect,
    /// A field broke a limit, but the request is clear enough to be logged.
    pub(crate) oversized: bool,
}

/// Why a head is refused outright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// 400.
    Malformed(&'static str),
    /// 405: CONNECT.
    Connect,
    /// 501: a transfer coding other than `chunked`.
    Coding,
}

/// What the received bytes amount to.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// The end of the head is missing.
    Partial,
    /// A head of that many bytes.
    Whole(Box<RequestHead>, usize),
}

impl RequestHead {
    pub(crate) fn method(&self) -> &str {
        self.text(&self.method)
    }

    pub(crate) fn path(&self) -> &str {
        self.text(&self.path)
    }

    /// The `Host` field as the client wrote it.
    pub(crate) fn authority(&self) -> &str {
        self.text(&self.authority)
    }

    pub(crate) fn forwarded_for(&self) -> &str {
        self.text(&self.forwarded_for)
    }

    pub(crate) fn request_id(&self) -> &str {
        self.text(&self.request_id)
    }

    pub(crate) fn agent(&self) -> &str {
        self.text(&self.agent)
    }

    pub(crate) fn is_head(&self) -> bool {
        self.method() == "HEAD"
    }

    /// Whether sending it twice does no harm: an idempotent method (RFC 9110 §9.2.2) without a body.
    pub(crate) fn is_replayable(&self) -> bool {
        let idempotent = matches!(self.method(), "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE" | "TRACE");
        idempotent && self.body == Framing::NONE && !self.upgrade
    }

    fn text(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.wire[range.clone()]).unwrap_or("")
    }
}

/// Understands the head at the beginning of `bytes`.
pub(crate) fn parse(bytes: &[u8], arrival: Arrival, limits: &Limits) -> Result<Parsed, Refused> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(httparse::Status::Partial) => return Ok(Parsed::Partial),
        Ok(httparse::Status::Complete(length)) => length,
        Err(_) => return Err(Refused::Malformed("bad header")),
    };
    let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version) else {
        return Err(Refused::Malformed("bad request line"));
    };
    if method == "CONNECT" {
        return Err(Refused::Connect);
    }
    let line_bytes = method.len() + target.len() + " HTTP/1.1".len() + 1;
    if line_bytes > limits.request_line || method.len() > limits.method {
        return Err(Refused::Malformed("oversized request line"));
    }
    let target = Target::parse(method, target).ok_or(Refused::Malformed("bad request target"))?;
    let fields = Fields::read(request.headers, version == 1, limits)?;
    let authority = match (target.authority, fields.host) {
        (_, None) => return Err(Refused::Malformed("missing host")),
        (Some(authority), _) => authority.as_bytes(),
        (None, Some(host)) => host,
    };
    let host = host::normalise(authority).ok_or(Refused::Malformed("bad host"))?;
    let line = Line { method, path: target.path, authority, host };
    let head = compose::head(line, &fields, request.headers, arrival);
    Ok(Parsed::Whole(Box::new(head), length))
}

/// A request target in its origin form, with the authority of an absolute one.
struct Target<'a> {
    authority: Option<&'a str>,
    path: &'a str,
}

impl<'a> Target<'a> {
    fn parse(method: &str, target: &'a str) -> Option<Self> {
        if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
            return Some(Self { authority: None, path: target });
        }
        let (scheme, rest) = target.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        match path.as_bytes().first() {
            None => Some(Self { authority: Some(authority), path: "/" }),
            Some(b'/') => Some(Self { authority: Some(authority), path }),
            Some(_) => None,
        }
    }
}

/// What a request line and the host come to.
struct Line<'a> {
    method: &'a str,
    path: &'a str,
    authority: &'a [u8],
    host: String,
}

/// The fields that mean something to us.
struct Fields<'a> {
    host: Option<&'a [u8]>,
    body: Framing,
    http11: bool,
    keep_alive: bool,
    upgrade: bool,
    expect: Expect,
    oversized: bool,
    trailers_wanted: bool,
    connection: Vec<&'a [u8]>,
    request_id: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn read(headers: &[Header<'a>], http11: bool, limits: &Limits) -> Result<Self, Refused> {
        let mut it = Self {
            host: None,
            body: Framing::NONE,
            http11,
            keep_alive: http11,
            upgrade: false,
            expect: Expect::Nothing,
            oversized: false,
            trailers_wanted: false,
            connection: Vec::new(),
            request_id: None,
        };
        let mut length: Option<u64> = None;
        let mut chunked = false;
        for Header { name, value } in headers {
            it.oversized |=
                name.len() + value.len() + 2 > limits.header_line || name.len() > limits.header_name;
            match Name::of(name) {
                Name::Host if it.host.is_some() => return Err(Refused::Malformed("two hosts")),
                Name::Host => it.host = Some(value),
                Name::Length => {
                    let value = content_length(value).ok_or(Refused::Malformed("bad content length"))?;
                    if length.replace(value).is_some_and(|other| other != value) {
                        return Err(Refused::Malformed("two content lengths"));
                    }
                }
                Name::Coding if chunked || !value.eq_ignore_ascii_case(b"chunked") => {
                    return Err(Refused::Coding);
                }
                Name::Coding => chunked = true,
                Name::Connection => it.connection.extend(tokens(value)),
                Name::Upgrade => it.upgrade = true,
                Name::Expect if value.eq_ignore_ascii_case(b"100-continue") => it.expect = Expect::Continue,
                Name::Expect => it.expect = Expect::Unsupported,
                Name::Te => it.trailers_wanted |= tokens(value).any(|t| t.eq_ignore_ascii_case(b"trailers")),
                Name::RequestId => it.request_id = usable_request_id(value),
                Name::Ours | Name::HopByHop | Name::Other => {}
            }
        }
        // An HTTP/1.0 message has no chunks; one that claims to is somebody's attempt to confuse a proxy.
        if chunked && !http11 {
            return Err(Refused::Coding);
        }
        it.body = if chunked { Framing::Chunked } else { Framing::Length(length.unwrap_or(0)) };
        let asks = |word: &[u8]| it.connection.iter().any(|token| token.eq_ignore_ascii_case(word));
        // RFC 9112 §6.1: the chunks win over a length, and such a connection is not used again.
        let ambiguous = chunked && length.is_some();
        it.keep_alive = !asks(b"close") && !ambiguous && (http11 || asks(b"keep-alive"));
        it.upgrade &= http11 && asks(b"upgrade");
        if !http11 && it.expect == Expect::Continue {
            it.expect = Expect::Nothing;
        }
        Ok(it)
    }

    /// Whether the client declared this field to be for us only.
    fn is_hop(&self, name: &str) -> bool {
        self.connection.iter().any(|token| token.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// What a request field is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Host,
    Length,
    Coding,
    Connection,
    Upgrade,
    Expect,
    Te,
    RequestId,
    /// Written by us; what the client sent under this name is dropped or joined.
    Ours,
    HopByHop,
    Other,
}

impl Name {
    /// `_` counts as `-` for the names we vouch for: WSGI and CGI cannot tell them apart.
    fn of(name: &str) -> Self {
        let is = |word: &str| name.eq_ignore_ascii_case(word);
        let like = |word: &str| {
            name.len() == word.len()
                && name
                    .bytes()
                    .zip(word.bytes())
                    .all(|(a, b)| a.to_ascii_lowercase() == b || (a == b'_' && b == b'-'))
        };
        match name.len() {
            2 if is("te") => Self::Te,
            3 if is("via") => Self::Ours,
            4 if is("host") => Self::Host,
            6 if is("expect") => Self::Expect,
            7 if is("upgrade") => Self::Upgrade,
            10 if is("connection") => Self::Connection,
            10 if is("keep-alive") => Self::HopByHop,
            12 if is("x-request-id") => Self::RequestId,
            12 if like("x-request-id") || like("connect-time") => Self::Ours,
            14 if is("content-length") => Self::Length,
            14 if like("content-length") => Self::HopByHop,
            15 if like("x-forwarded-for") || like("x-request-start") => Self::Ours,
            16 if like("x-forwarded-port") || like("total-route-time") => Self::Ours,
            16 if is("proxy-connection") => Self::HopByHop,
            17 if is("transfer-encoding") => Self::Coding,
            17 if like("transfer-encoding") => Self::HopByHop,
            17 if like("x-forwarded-proto") => Self::Ours,
            19 if is("proxy-authorization") => Self::HopByHop,
            _ => Self::Other,
        }
    }
}

/// Decimal digits only; a list of the same number is what some proxies make of two equal fields.
pub(super) fn content_length(value: &[u8]) -> Option<u64> {
    let mut all = value.split(|byte| *byte == b',').map(|part| {
        let digits = part.trim_ascii();
        let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        plain.then(|| std::str::from_utf8(digits).ok()?.parse::<u64>().ok()).flatten()
    });
    let first = all.next()??;
    all.all(|other| other == Some(first)).then_some(first)
}

/// The comma-separated words of a field.
pub(super) fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

fn usable_request_id(value: &[u8]) -> Option<&str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-');
    let usable = REQUEST_ID_BYTES.contains(&value.len()) && value.iter().all(plain);
    std::str::from_utf8(value).ok().filter(|_| usable)
}

#[cfg(test)]
mod tests;
