//! The formation made real: dynos are started, watched, restarted, replaced and stopped.
//!
//! ```text
//!   store: formation × current release            ┌──────────── Report ◄───────────┐
//!        │ observe                                ▼                                │
//!        └────────► plan (pure) ───► act ──► Engine: start / stop ──► shim ──► container
//!                        │                                            (outlives the server)
//!                        └─► routes ──► router: the whole table, published before anything is stopped
//! ```
//! A change never stops what serves before its replacement is up and takes the traffic; a release whose dynos fail
//! at their first start never takes over from one that serves.
//!
//! Where dynos run is behind one trait, [`engine::Engine`]; [`local::Local`] runs each under a supervisor process of
//! its own on this machine ([`shim`]), which goes on when the server is killed and is adopted again.

mod act;
mod command;
pub mod engine;
mod job;
pub mod local;
mod metadata;
mod plan;
pub mod rendezvous;
mod routes;
pub mod shim;
mod stage;

pub use routes::Certificates;
pub use stage::{Context, stage};
