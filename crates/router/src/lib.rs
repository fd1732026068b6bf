//! The HTTP data plane: a process of its own that brings requests to dynos.
//!
//! ```text
//!                 ┌ main thread: accept, control socket, table file ┐
//!  clients ──────►│ deals connections out      publishes tables     │◄── control server
//!                 └───┬───────────────────────────────┬─────────────┘
//!                 ┌ worker (one per core) ────────────┴┐
//!                 │ connection → request → lease →     │────► dynos (10.x:$PORT), control server (unix)
//!                 │ exchange → access line             │────► log spool
//!                 └────────────────────────────────────┘
//! ```
//! It holds the [`table::Table`] last published and keeps it in a file, so it serves with everything else stopped,
//! and again at once after being killed. Dynos are told apart by nothing but their addresses; what is up, what
//! crashed and what is new is decided elsewhere.
//!
//! Not here: HTTP/2 and 3 (clients speak HTTP/1.1 to it, as it does to dynos), caching, compression, session
//! affinity, and any knowledge of the store.

mod access;
mod config;
mod connection;
mod control;
mod exchange;
mod failure;
mod fleet;
mod hint;
mod host;
mod http1;
mod pages;
mod request;
mod saved;
mod serve;
mod snapshot;
pub mod table;
mod tls;
mod tunnel;
mod upstream;
mod worker;

pub use config::{Limits, Listen, RouterConfig};
pub use control::client::{Control, ControlError};
pub use serve::{ServeError, serve, serve_until};
pub use table::Table;
