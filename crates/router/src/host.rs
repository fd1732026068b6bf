//! Which host a request is for: the `Host` field, or the authority of an absolute request target.

/// Longest host name (RFC 1035).
const HOST_BYTES_MAX: usize = 253;

/// The host without its port, in lower case and without a trailing dot; `None` if it is no host at all.
///
/// IPv6 literals lose their brackets. Nothing is resolved or decoded: percent signs, spaces, user info and
/// non-ASCII bytes are refused, since no two parties agree on them.
pub(crate) fn normalise(authority: &[u8]) -> Option<String> {
    let (host, port) = split_port(authority)?;
    if !port.iter().all(u8::is_ascii_digit) || port.len() > 5 {
        return None;
    }
    if let Some(literal) = host.strip_prefix(b"[") {
        let literal = std::str::from_utf8(literal.strip_suffix(b"]")?).ok()?;
        return literal.parse::<std::net::Ipv6Addr>().ok().map(|address| address.to_string());
    }
    let host = host.strip_suffix(b".").unwrap_or(host);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() || host.len() > HOST_BYTES_MAX || !host.iter().all(plain) {
        return None;
    }
    if host.starts_with(b".") || host.windows(2).any(|pair| pair == b"..") {
        return None;
    }
    Some(host.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect())
}

/// The parts before and after the port's colon; the port may be empty (`example.com:`).
fn split_port(authority: &[u8]) -> Option<(&[u8], &[u8])> {
    let from = match authority.first()? {
        b'[' => authority.iter().position(|byte| *byte == b']')? + 1,
        _ => authority.iter().position(|byte| *byte == b':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(from);
    match rest {
        [] => Some((host, rest)),
        [b':', port @ ..] => Some((host, port)),
        _ => None,
    }
}

/// The wildcard pattern that covers `host`: `a.b.c` is covered by `*.b.c` only, as in certificates.
pub(crate) fn parent(host: &str) -> Option<&str> {
    host.split_once('.').map(|(_, parent)| parent).filter(|parent| !parent.is_empty())
}

#[cfg(test)]
mod tests;
