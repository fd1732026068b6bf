//! HTTP/1.1 on the wire: heads, bodies, connections. It knows framing and limits, but no routes and no dynos.
//!
//! Heads are tokenised by `httparse`, then written anew, field by field, so that nothing ambiguous (folded
//! fields, lone line feeds, two lengths) passes from one side to the other. Bodies are checked and passed on.

pub(crate) mod body;
pub(crate) mod buffer;
pub(crate) mod conn;
pub(crate) mod request;
pub(crate) mod response;
