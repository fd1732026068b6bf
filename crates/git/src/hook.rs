//! The hook's side: what `hokku hook pre-receive` does, in git's child process.
//!
//! It hands git's question to the server, prints what the server says and ends with the server's code. It blocks
//! and knows nothing; git turns what it prints into the developer's `remote: ` lines.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::ask::{ASK_BYTES_MAX, FRAME_HEAD, Frame, frame};
use crate::words;

/// Environment variable that tells the hook where the server listens.
pub const SOCKET_VAR: &str = "HOKKU_HOOK_SOCKET";
/// Environment variable that tells the hook which push it belongs to.
pub const PUSH_VAR: &str = "HOKKU_PUSH";
/// Git's own variable: the folder of the pushed objects, if there are any.
const QUARANTINE_VAR: &str = "GIT_QUARANTINE_PATH";

/// Why the hook has no verdict.
#[derive(Debug, thiserror::Error)]
enum NoVerdict {
    #[error("a variable is missing: this is a hook of Hokku's git server, not a command")]
    NotAHook,
    #[error("the push changes too many references")]
    TooMany,
    #[error("no server at {SOCKET_VAR}")]
    NoServer(#[source] io::Error),
    #[error("could not read git's question")]
    Stdin(#[source] io::Error),
    #[error("the server went away")]
    Lost(#[source] io::Error),
    #[error("could not tell git")]
    Stderr(#[source] io::Error),
}

/// Asks the server whether the push described by `refs` (git's lines on standard input) is accepted, writes what it
/// says to `out` (standard error), and returns the exit code for git: 0 accepts.
///
/// `var` looks up environment variables: [`SOCKET_VAR`], [`PUSH_VAR`] and git's own.
pub fn pre_receive(var: impl Fn(&str) -> Option<OsString>, refs: impl Read, mut out: impl Write) -> u8 {
    match ask(var, refs, &mut out) {
        Ok(code) => code,
        Err(reason) => {
            let text = match reason {
                NoVerdict::NotAHook => words::NOT_A_HOOK,
                NoVerdict::TooMany => words::TOO_MANY_REFERENCES,
                NoVerdict::NoServer(_) | NoVerdict::Stdin(_) => words::NO_SERVER,
                NoVerdict::Lost(_) | NoVerdict::Stderr(_) => words::SERVER_LOST,
            };
            // Git may be gone as well; the code says it all then.
            let _ = out.write_all(text.as_bytes());
            1
        }
    }
}

fn ask(
    var: impl Fn(&str) -> Option<OsString>,
    refs: impl Read,
    out: &mut impl Write,
) -> Result<u8, NoVerdict> {
    let get = |name| var(name).ok_or(NoVerdict::NotAHook);
    let (socket, push) = (get(SOCKET_VAR)?, get(PUSH_VAR)?);
    // A push that only deletes brings no objects.
    let quarantine = var(QUARANTINE_VAR).unwrap_or_default();
    let mut question = [push.as_bytes(), b"\n", quarantine.as_bytes(), b"\n"].concat();
    refs.take(ASK_BYTES_MAX as u64).read_to_end(&mut question).map_err(NoVerdict::Stdin)?;
    if question.len() > ASK_BYTES_MAX {
        return Err(NoVerdict::TooMany);
    }
    let mut server = UnixStream::connect(Path::new(&socket)).map_err(NoVerdict::NoServer)?;
    let length = (question.len() as u32).to_be_bytes();
    server.write_all(&[&length, question.as_slice()].concat()).map_err(NoVerdict::Lost)?;
    relay(server, out)
}

/// Prints what the server says until it has said the code.
fn relay(mut server: UnixStream, out: &mut impl Write) -> Result<u8, NoVerdict> {
    let mut head = [0; FRAME_HEAD];
    let mut bytes = Vec::new();
    loop {
        server.read_exact(&mut head).map_err(NoVerdict::Lost)?;
        let len = match frame(head) {
            Some(Frame::Text(len)) => len,
            Some(Frame::End) => 1,
            None => return Err(NoVerdict::Lost(io::ErrorKind::InvalidData.into())),
        };
        bytes.resize(len, 0);
        server.read_exact(&mut bytes).map_err(NoVerdict::Lost)?;
        if frame(head) == Some(Frame::End) {
            return Ok(bytes[0]);
        }
        out.write_all(&bytes).and_then(|()| out.flush()).map_err(NoVerdict::Stderr)?;
    }
}

#[cfg(test)]
mod tests;
