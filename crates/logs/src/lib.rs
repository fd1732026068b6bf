//! App logs and transcripts.
//!
//! ```text
//!  dyno shim ─ spool::Writer ─┐ files   ┌─► history (the last 1,500 lines of each app, on disk)
//!  router    ─ spool::Writer ─┼───────► Logs::follow ─► Logs
//!  server    ─ Logs::append ──┘         └─► tails and feeds (each with a bounded buffer)
//! ```
//! Shims and the router outlive the server and never talk to it: they append to *spools*, the server reads
//! them. So a server restart and normal work are one code path. What has been taken from a spool is written
//! down in the history itself, with the lines, so no line is lost or doubled when the server is killed.
//!
//! Not here: the server's own diagnostics (those go to `tracing`, and tenants' lines never do), metrics, and
//! the making of lines into HTTP responses.
//!
//! * [`spool`]: for processes that write lines;
//! * [`Logs`]: the server's side: histories and tails;
//! * [`transcript`]: byte-exact output of builds and release commands, with readers while it grows;
//! * [`event`]: the platform's own wordings.

pub mod event;
mod feed;
mod filter;
#[cfg(test)]
mod fixture;
mod follow;
mod history;
mod intake;
mod record;
pub mod spool;
mod tail;
pub mod transcript;
mod watch;

pub use feed::{Batch, Feed, Lost};
pub use filter::Filter;
pub use follow::FollowError;
pub use history::ReadError;
pub use intake::{
    Clock, FEEDS_MAX, FeedError, ForgetError, Logs, LogsConfig, OpenError, TAILS_MAX, TailError,
};
pub use tail::{Entry, Tail};
