//! A response's head: read from the dyno, and written anew as the client gets it.

use std::mem::MaybeUninit;

use httparse::Header;

use super::body::{Emit, Framing};
use super::buffer::Buffer;
use super::request::{VIA, content_length, tokens};
use crate::config::Limits;

/// Fields of one response head.
const HEADERS_MAX: usize = 1000;

/// What the router knows of the request that a response answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) head: bool,
    pub(crate) http11: bool,
    pub(crate) upgrade: bool,
    /// The client's connection may be used again, as far as the request and the router's own plans go.
    pub(crate) keep_alive: bool,
}

/// A response head that was passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(crate) body: Framing,
    pub(crate) emit: Emit,
    /// The dyno's connection may be used again after the body.
    pub(crate) upstream_keep_alive: bool,
    /// The client's connection may be used again after the body.
    pub(crate) client_keep_alive: bool,
}

/// What the received bytes amount to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Partial,
    /// A whole head of that many bytes; nothing of an interim one (1xx) is left to do.
    Interim(usize),
    Final(ResponseHead, usize),
}

/// Why the dyno's response cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// H17.
    Malformed,
    /// H25 with what follows "HTTP restriction: ".
    Restricted(&'static str),
}

/// Understands the head at the beginning of `bytes` and writes it for the client to `out`.
pub(crate) fn translate(
    bytes: &[u8],
    asked: Asked,
    out: &mut Buffer,
    limits: &Limits,
) -> Result<Parsed, Unusable> {
    // An empty line before a response would let its sender make us look for the end again and again.
    if matches!(bytes.first(), Some(b'\r' | b'\n')) {
        return Err(Unusable::Malformed);
    }
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let length = match config.parse_response_with_uninit_headers(&mut response, bytes, &mut headers) {
        Ok(httparse::Status::Partial) if bytes.len() > limits.response_head => {
            return Err(Unusable::Restricted("oversized header"));
        }
        Ok(httparse::Status::Partial) => return Ok(Parsed::Partial),
        Ok(httparse::Status::Complete(length)) => length,
        Err(_) => return Err(Unusable::Malformed),
    };
    let (Some(version), Some(status), Some(reason)) = (response.version, response.code, response.reason)
    else {
        return Err(Unusable::Malformed);
    };
    if !has_reason(bytes) || !(100..1000).contains(&status) {
        return Err(Unusable::Malformed);
    }
    if reason.len() + "HTTP/1.1 200 ".len() > limits.status_line {
        return Err(Unusable::Restricted("oversized status line"));
    }
    let facts = Facts::read(response.headers, limits)?;
    let interim = status < 200 && status != 101;
    if status == 101 && !asked.upgrade {
        return Err(Unusable::Malformed);
    }
    if interim && !asked.http11 {
        return Ok(Parsed::Interim(length));
    }
    let head = decide(status, version == 1, &facts, asked);
    let tail = out.tail();
    tail.extend_from_slice(b"HTTP/1.1 ");
    tail.extend_from_slice(status.to_string().as_bytes());
    tail.extend_from_slice(b" ");
    tail.extend_from_slice(reason.as_bytes());
    tail.extend_from_slice(b"\r\n");
    write_fields(tail, response.headers, &facts, status == 101);
    if interim {
        tail.extend_from_slice(b"\r\n");
        return Ok(Parsed::Interim(length));
    }
    write_ours(tail, status, &head, &facts, asked);
    Ok(Parsed::Final(head, length))
}

/// A status line ends in a reason phrase, if only an empty one: `HTTP/1.1 200` alone is H17 on Heroku, while
/// `HTTP/1.1 200 ` is what some well-behaved servers send for every status.
fn has_reason(bytes: &[u8]) -> bool {
    let line = bytes.iter().position(|byte| *byte == b' ').map(|space| &bytes[space + 1..]);
    line.and_then(|rest| rest.get(3)) == Some(&b' ')
}

struct Facts<'a> {
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
    has_server: bool,
    connection: Vec<&'a [u8]>,
}

impl<'a> Facts<'a> {
    fn read(headers: &[Header<'a>], limits: &Limits) -> Result<Self, Unusable> {
        let mut it =
            Self { length: None, chunked: false, upgrade: false, has_server: false, connection: Vec::new() };
        for Header { name, value } in headers {
            if name.len() + value.len() + 2 > limits.response_header_line {
                return Err(Unusable::Restricted("oversized header"));
            }
            match Name::of(name) {
                Name::Length => {
                    let value =
                        content_length(value).ok_or(Unusable::Restricted("invalid content length"))?;
                    if it.length.replace(value).is_some_and(|other| other != value) {
                        return Err(Unusable::Restricted("invalid content length"));
                    }
                }
                Name::Coding if it.chunked || !value.eq_ignore_ascii_case(b"chunked") => {
                    return Err(Unusable::Malformed);
                }
                Name::Coding => it.chunked = true,
                Name::Connection => it.connection.extend(tokens(value)),
                Name::Upgrade => it.upgrade = true,
                Name::Server => it.has_server = true,
                Name::Cookie if value.len() > limits.cookie => {
                    return Err(Unusable::Restricted("oversized cookie"));
                }
                Name::Cookie | Name::HopByHop | Name::Other => {}
            }
        }
        Ok(it)
    }

    fn says(&self, word: &[u8]) -> bool {
        self.connection.iter().any(|token| token.eq_ignore_ascii_case(word))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Length,
    Coding,
    Connection,
    Upgrade,
    Server,
    Cookie,
    HopByHop,
    Other,
}

impl Name {
    fn of(name: &str) -> Self {
        let is = |word: &str| name.eq_ignore_ascii_case(word);
        match name.len() {
            6 if is("server") => Self::Server,
            7 if is("upgrade") => Self::Upgrade,
            10 if is("connection") => Self::Connection,
            10 if is("keep-alive") => Self::HopByHop,
            10 if is("set-cookie") => Self::Cookie,
            14 if is("content-length") => Self::Length,
            16 if is("proxy-connection") => Self::HopByHop,
            17 if is("transfer-encoding") => Self::Coding,
            _ => Self::Other,
        }
    }
}

/// How the body comes, how it goes on, and which of the two connections outlive it.
fn decide(status: u16, http11: bool, facts: &Facts<'_>, asked: Asked) -> ResponseHead {
    let bodiless = asked.head || status < 200 || status == 204 || status == 304;
    let body = match facts.length {
        _ if bodiless => Framing::NONE,
        _ if facts.chunked => Framing::Chunked,
        Some(length) => Framing::Length(length),
        None => Framing::Close,
    };
    let emit = match body {
        Framing::Chunked if !asked.http11 => Emit::Bare,
        Framing::Close if asked.http11 => Emit::Chunks,
        Framing::Length(_) | Framing::Chunked | Framing::Close => Emit::Same,
    };
    let delimited = asked.http11 || matches!(body, Framing::Length(_));
    ResponseHead {
        status,
        body,
        emit,
        upstream_keep_alive: body != Framing::Close
            && !facts.says(b"close")
            && (http11 || facts.says(b"keep-alive")),
        client_keep_alive: asked.keep_alive && delimited,
    }
}

/// The dyno's own fields, without those that belong to its connection.
fn write_fields(tail: &mut Vec<u8>, headers: &[Header<'_>], facts: &Facts<'_>, upgraded: bool) {
    for Header { name, value } in headers {
        let pass = match Name::of(name) {
            Name::Other => !facts.says(name.as_bytes()),
            Name::Server | Name::Cookie => true,
            Name::Upgrade => upgraded,
            _ => false,
        };
        if pass {
            field(tail, name.as_bytes(), value);
        }
    }
}

/// Framing, connection and the router's name.
fn write_ours(tail: &mut Vec<u8>, status: u16, head: &ResponseHead, facts: &Facts<'_>, asked: Asked) {
    let chunks = facts.chunked || (head.body == Framing::Close && head.emit == Emit::Chunks);
    match facts.length {
        _ if status == 101 || status == 204 => {}
        _ if chunks && asked.http11 => field(tail, b"Transfer-Encoding", b"chunked"),
        Some(length) if !facts.chunked => field(tail, b"Content-Length", length.to_string().as_bytes()),
        _ => {}
    }
    if status == 101 {
        field(tail, b"Connection", b"Upgrade");
    } else if !head.client_keep_alive {
        field(tail, b"Connection", b"close");
    } else if !asked.http11 {
        field(tail, b"Connection", b"keep-alive");
    }
    if !facts.has_server {
        field(tail, b"Server", b"Hokku");
    }
    field(tail, b"Via", VIA.as_bytes());
    tail.extend_from_slice(b"\r\n");
}

fn field(tail: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    tail.extend_from_slice(name);
    tail.extend_from_slice(b": ");
    tail.extend_from_slice(value);
    tail.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
