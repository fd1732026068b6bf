//! What leaves the platform because a user asked for it: log lines to drains, events to webhooks.
//!
//! ```text
//!  drain rows ──plan──► one task per drain: logs::Feed ─► frame ─► HTTPS or syslog ─► cursor (once a second)
//!  deliveries ──plan──► at most one task per webhook: sign, post ─► what came of it, in the store
//! ```
//! Both are at-least-once and in order: what may have arrived is sent again after a kill, what comes later waits. A
//! receiver that is slow, gone or hostile costs its own app's lines, never anybody's time.
//!
//! Not here: what is told and to whom (that is written down by `api`, in the transaction of the change itself), and the
//! log's own buffers (`logs::Feed`).
//!
//! * [`outside`]: which addresses may be reached, and whose certificates are trusted.

mod act;
mod drain;
pub mod outside;
mod plan;
mod stage;
mod webhook;

pub use outside::{Outside, Targets};
pub use stage::{Context, stage};

#[cfg(test)]
mod fixture;
