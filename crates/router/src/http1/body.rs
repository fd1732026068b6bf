//! How long a body is, and moving it from one buffer to another.

use super::buffer::Buffer;

/// Bytes of all trailer fields after a chunked body.
const TRAILERS_MAX: usize = 64 * 1024;
/// Bytes of one chunk's extensions.
const EXTENSION_MAX: usize = 1024;

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    /// Until the sender closes its connection (responses only).
    Close,
}

impl Framing {
    pub(crate) const NONE: Self = Self::Length(0);
}

/// How a body is written on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emit {
    /// As it came.
    Same,
    /// Chunks and trailers taken off (for HTTP/1.0 clients).
    Bare,
    /// Put into chunks (a close-delimited response to a client that can be kept).
    Chunks,
}

/// The chunked framing was broken; the rest of the stream cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadChunk;

/// Follows one body to its end.
#[derive(Debug)]
pub(crate) struct Body {
    state: State,
    emit: Emit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Length(u64),
    Close,
    Size { value: u64, digits: u8 },
    Extension { value: u64, used: usize },
    SizeLf { value: u64 },
    Data(u64),
    DataCr,
    DataLf,
    TrailerStart { used: usize },
    Trailer { used: usize },
    TrailerLf { used: usize },
    EndLf,
    Done,
}

impl Body {
    pub(crate) fn new(framing: Framing, emit: Emit) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size { value: 0, digits: 0 },
            Framing::Close => State::Close,
        };
        Self { state, emit }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The sender closed its connection. True if the body is complete by that.
    pub(crate) fn closed(&mut self, out: &mut Buffer) -> bool {
        if self.state == State::Close {
            self.state = State::Done;
            if self.emit == Emit::Chunks {
                out.extend(b"0\r\n\r\n");
            }
        }
        self.is_done()
    }

    /// Moves bytes of this body from `from` to `to` until either side is exhausted (`to` at `limit` bytes) or
    /// the body is done. Returns how many bytes were taken; what follows the body stays in `from`.
    pub(crate) fn advance(
        &mut self,
        from: &mut Buffer,
        to: &mut Buffer,
        limit: usize,
    ) -> Result<usize, BadChunk> {
        let room = limit.saturating_sub(to.len());
        let input = &from.data()[..from.len().min(room)];
        if input.is_empty() {
            return Ok(0);
        }
        let taken = match self.state {
            State::Done => 0,
            State::Length(left) => {
                let count = clamp(left, input.len());
                to.extend(&input[..count]);
                self.state = match left - count as u64 {
                    0 => State::Done,
                    rest => State::Length(rest),
                };
                count
            }
            State::Close => {
                self.emit_unframed(input, to);
                input.len()
            }
            _ => self.advance_chunked(input, to)?,
        };
        from.consume(taken);
        Ok(taken)
    }

    fn emit_unframed(&self, input: &[u8], to: &mut Buffer) {
        if self.emit == Emit::Chunks {
            to.extend(format!("{:x}\r\n", input.len()).as_bytes());
            to.extend(input);
            to.extend(b"\r\n");
        } else {
            to.extend(input);
        }
    }

    fn advance_chunked(&mut self, input: &[u8], to: &mut Buffer) -> Result<usize, BadChunk> {
        let mut at = 0;
        while at < input.len() && self.state != State::Done {
            if let State::Data(left) = self.state {
                let count = clamp(left, input.len() - at);
                if self.emit == Emit::Bare {
                    to.extend(&input[at..at + count]);
                }
                self.state = match left - count as u64 {
                    0 => State::DataCr,
                    rest => State::Data(rest),
                };
                at += count;
            } else {
                self.state = frame(self.state, input[at])?;
                at += 1;
            }
        }
        if self.emit != Emit::Bare {
            to.extend(&input[..at]);
        }
        Ok(at)
    }
}

/// The next state after one byte of chunked framing. Line ends are CRLF and nothing else, and no control byte
/// may hide in extensions or trailers: what two parsers could read differently is refused.
fn frame(state: State, byte: u8) -> Result<State, BadChunk> {
    let next = match (state, byte) {
        (State::Size { value, digits }, digit) if digit.is_ascii_hexdigit() && digits < 15 => {
            let digit = char::from(digit).to_digit(16).ok_or(BadChunk)?;
            State::Size { value: value * 16 + u64::from(digit), digits: digits + 1 }
        }
        (State::Size { value, digits: 1.. }, b'\r') => State::SizeLf { value },
        (State::Size { value, digits: 1.. }, b';') => State::Extension { value, used: 1 },
        (State::Extension { value, .. }, b'\r') => State::SizeLf { value },
        (State::Extension { value, used }, byte) if used < EXTENSION_MAX && is_text(byte) => {
            State::Extension { value, used: used + 1 }
        }
        (State::SizeLf { value: 0 }, b'\n') => State::TrailerStart { used: 0 },
        (State::SizeLf { value }, b'\n') => State::Data(value),
        (State::DataCr, b'\r') => State::DataLf,
        (State::DataLf, b'\n') => State::Size { value: 0, digits: 0 },
        (State::TrailerStart { .. }, b'\r') => State::EndLf,
        (State::EndLf, b'\n') => State::Done,
        (State::TrailerStart { used } | State::Trailer { used }, byte)
            if used < TRAILERS_MAX && is_text(byte) =>
        {
            State::Trailer { used: used + 1 }
        }
        (State::Trailer { used }, b'\r') => State::TrailerLf { used },
        (State::TrailerLf { used }, b'\n') => State::TrailerStart { used },
        _ => return Err(BadChunk),
    };
    Ok(next)
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

fn clamp(left: u64, available: usize) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(available)
}

#[cfg(test)]
mod tests;
