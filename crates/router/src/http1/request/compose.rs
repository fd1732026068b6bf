//! Writing a request's head for the dyno.

use std::ops::Range;

use httparse::Header;
use uuid::Uuid;

use super::{Arrival, Fields, Line, Name, RequestHead, VIA};
use crate::http1::body::Framing;

/// Writes the dyno's head and remembers where in it the access line's words are.
pub(super) fn head(
    line: Line<'_>,
    fields: &Fields<'_>,
    headers: &[Header<'_>],
    arrival: Arrival,
) -> RequestHead {
    let Line { method, path, authority, host } = line;
    let mut out = Writer(Vec::with_capacity(1024));
    let method = out.put(method.as_bytes());
    out.put(b" ");
    let path = out.put(path.as_bytes());
    out.put(b" HTTP/1.1\r\nHost: ");
    let authority = out.put(authority);
    out.put(b"\r\n");
    let agent = clients_own(&mut out, fields, headers);
    framing(&mut out, fields, headers);
    let forwarded_for = forwarded(&mut out, headers, arrival);
    let request_id = traced(&mut out, fields, headers, arrival);
    let &Fields { body, http11, keep_alive, upgrade, expect, oversized, .. } = fields;
    RequestHead {
        wire: out.0,
        method,
        path,
        authority,
        forwarded_for,
        request_id,
        agent,
        host,
        body,
        http11,
        keep_alive,
        upgrade,
        expect,
        oversized,
    }
}

/// What the client sent for the app. Returns where its `User-Agent` is.
fn clients_own(out: &mut Writer, fields: &Fields<'_>, headers: &[Header<'_>]) -> Range<usize> {
    let mut agent = 0..0;
    for Header { name, value } in headers {
        let pass = match Name::of(name) {
            Name::Expect => fields.http11,
            Name::Other => fields.connection.is_empty() || !fields.is_hop(name),
            Name::Upgrade => fields.upgrade,
            _ => false,
        };
        if pass {
            let written = out.field(name.as_bytes(), value);
            if name.eq_ignore_ascii_case("user-agent") {
                agent = written;
            }
        }
    }
    agent
}

/// The body as it was understood, and what this connection is to become.
fn framing(out: &mut Writer, fields: &Fields<'_>, headers: &[Header<'_>]) {
    let announced = || headers.iter().any(|header| header.name.eq_ignore_ascii_case("content-length"));
    match fields.body {
        Framing::Chunked | Framing::Close => {
            out.field(b"Transfer-Encoding", b"chunked");
        }
        Framing::Length(length) if length > 0 || announced() => {
            out.field(b"Content-Length", length.to_string().as_bytes());
        }
        Framing::Length(_) => {}
    }
    if fields.upgrade {
        out.field(b"Connection", b"Upgrade");
    }
    if fields.trailers_wanted {
        out.field(b"TE", b"trailers");
    }
}

/// Who asked, and how. Returns where the chain of addresses is.
fn forwarded(out: &mut Writer, headers: &[Header<'_>], arrival: Arrival) -> Range<usize> {
    let peer = arrival.peer.to_string();
    let chain = out.joined(b"X-Forwarded-For", headers, peer.as_bytes());
    out.field(b"X-Forwarded-Proto", if arrival.tls { b"https" } else { b"http" });
    out.field(b"X-Forwarded-Port", arrival.port.to_string().as_bytes());
    chain
}

/// What a request can be followed by. Returns where its id is.
fn traced(out: &mut Writer, fields: &Fields<'_>, headers: &[Header<'_>], arrival: Arrival) -> Range<usize> {
    let id = match fields.request_id {
        Some(id) => out.field(b"X-Request-Id", id.as_bytes()),
        None => {
            let id = uuid::Builder::from_random_bytes(arrival.random).into_uuid();
            out.field(b"X-Request-Id", id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes())
        }
    };
    out.field(b"X-Request-Start", (arrival.at.as_micros() / 1000).to_string().as_bytes());
    out.joined(b"Via", headers, VIA.as_bytes());
    id
}

struct Writer(Vec<u8>);

impl Writer {
    fn put(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.0.len();
        self.0.extend_from_slice(bytes);
        start..self.0.len()
    }

    /// One field; returns where its value is.
    fn field(&mut self, name: &[u8], value: &[u8]) -> Range<usize> {
        self.put(name);
        self.put(b": ");
        let at = self.put(value);
        self.put(b"\r\n");
        at
    }

    /// One field of all the client's values of it, then `last`; returns where its value is.
    fn joined(&mut self, name: &[u8], headers: &[Header<'_>], last: &[u8]) -> Range<usize> {
        self.put(name);
        self.put(b": ");
        let start = self.0.len();
        for header in headers.iter().filter(|header| header.name.as_bytes().eq_ignore_ascii_case(name)) {
            if !header.value.is_empty() && header.value.is_ascii() {
                self.put(header.value);
                self.put(b", ");
            }
        }
        self.put(last);
        let end = self.0.len();
        self.put(b"\r\n");
        start..end
    }
}
