//! Source becomes a slug: the stage between a push and its release.
//!
//! ```text
//!  build: pending ──plan──► act: build ─► unpack ─► detect ─► Python ─► dependencies ─► app ─► slug
//!                                                     │          │            │           │
//!                                                     │       runtime      one layer   one layer
//!                                                     └─ every step that runs foreign code is one container
//! ```
//! The dependencies are a layer of their own, found again by a key of everything that decides what is in it, so a
//! push that only changes code installs nothing. Foreign code (hooks, `setup.py`, `manage.py`) only ever runs in a
//! container with limits, network and user ids of its own; the server itself reads no source but through
//! `slug::archive`. What a developer sees is in `transcript`, all of it.
//!
//! Not here: git, releases, the layers' format (`slug`) and how a container is made (`oci`).

mod act;
mod buildpack;
mod cache;
mod failure;
mod machine;
mod output;
mod plan;
mod python;
pub mod sandbox;
mod source;
mod stage;
mod step;
mod transcript;
mod work;

pub use cache::live_layers;
pub use machine::Machine;
pub use stage::{Context, Limits, stage};
