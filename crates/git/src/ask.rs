//! What a hook asks the server, and how it is answered, as bytes on the unix socket.
//!
//! ```text
//!  hook ──► u32 length, then text: push id \n quarantine folder \n { old SP new SP reference \n }
//!  hook ◄── { kind: u8, length: u32, bytes }*    kind 0: text for the developer   kind 1: one byte, the exit code
//! ```
//! Numbers are big-endian. The question's references are git's own lines, untouched.

use std::path::PathBuf;

use model::id::BuildId;

/// Largest question: some ten thousand references in one push.
pub(crate) const ASK_BYTES_MAX: usize = 1 << 20;
/// Largest piece of an answer.
pub(crate) const FRAME_BYTES_MAX: usize = 64 << 10;
/// Bytes before each piece of an answer.
pub(crate) const FRAME_HEAD: usize = 5;
/// Hex digits of a commit's name; repositories are SHA-1 ones.
const OID_CHARS: usize = 40;

/// The name of an object: 40 hex digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Oid(String);

impl Oid {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == OID_CHARS && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }

    /// How git writes "no object".
    pub(crate) fn none() -> Self {
        Self("0".repeat(OID_CHARS))
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'0')
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven digits, as people see commits.
    pub(crate) fn short(&self) -> &str {
        &self.0[..7]
    }
}

/// One reference that a push changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Update {
    pub(crate) old: Oid,
    pub(crate) new: Oid,
    /// The full name; bytes that are no UTF-8 are replaced, since it is only compared and shown.
    pub(crate) name: String,
}

/// What a hook wants to know: may this push be accepted?
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Which push; also the id of the build that it may become.
    pub(crate) push: BuildId,
    /// Where git keeps the pushed objects until they are accepted.
    pub(crate) quarantine: PathBuf,
    pub(crate) updates: Vec<Update>,
}

/// The question is not one that our own hook asks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hook's question is malformed: {0}")]
pub(crate) struct Malformed(&'static str);

impl Ask {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split_terminator('\n');
        let push = lines.next().and_then(|id| id.parse().ok()).ok_or(Malformed("no push id"))?;
        let quarantine = lines.next().ok_or(Malformed("no quarantine"))?.into();
        let updates = lines.map(update).collect::<Option<_>>().ok_or(Malformed("no reference line"))?;
        Ok(Self { push, quarantine, updates })
    }
}

fn update(line: &str) -> Option<Update> {
    let mut words = line.splitn(3, ' ');
    let mut oid = || words.next().and_then(Oid::parse);
    let (old, new) = (oid()?, oid()?);
    let name = words.next().filter(|name| !name.is_empty())?.to_owned();
    Some(Update { old, new, name })
}

/// The head of a piece of text.
pub(crate) fn text_head(len: usize) -> [u8; FRAME_HEAD] {
    let [a, b, c, d] = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
    [0, a, b, c, d]
}

/// The last piece: the exit code.
pub(crate) const fn end(code: u8) -> [u8; FRAME_HEAD + 1] {
    [1, 0, 0, 0, 1, code]
}

/// What the head of a piece announces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// So many bytes for the developer follow.
    Text(usize),
    /// The exit code follows.
    End,
}

/// Reads a piece's head; `None` for what no server of ours sends.
pub(crate) fn frame([kind, a, b, c, d]: [u8; FRAME_HEAD]) -> Option<Frame> {
    let len = u32::from_be_bytes([a, b, c, d]) as usize;
    match kind {
        0 if len <= FRAME_BYTES_MAX => Some(Frame::Text(len)),
        1 if len == 1 => Some(Frame::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
