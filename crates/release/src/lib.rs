//! Numbered releases: a finished build becomes a release, and a release gets its turn.
//!
//! ```text
//!   builds with a slug ──MakeRelease──► Queued ──Begin──► Command ──EndCommand──► RollingOut ──► (stage `dyno`)
//!                                          └───────────────Begin────────────────────►│
//! ```
//! One release of an app at a time: the next waits until the one before it is over, except that a release whose
//! dynos are only being started gives way to a newer one. This stage starts no process: the release command is a
//! one-off dyno, written down here and run by `dyno`, which also decides whether the new dynos may take over.

mod act;
mod plan;
mod stage;

pub use stage::{Context, stage};
