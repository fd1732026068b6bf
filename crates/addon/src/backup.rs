//! Backups, restores and copies of Postgres databases.
//!
//! ```text
//!  backup   database ──pg_dump──► work/ID.dump ──pg_restore──► scratch database ──same rows?──► ID.dump
//!  restore  ID.dump, or an address ──pg_restore──► scratch database ──same rows?──► takes the database's place
//!  copy     database ──pg_dump──► work/ID.dump ──pg_restore──► scratch database ──same rows?──► takes the place
//! ```
//! A backup counts once it has been restored. A restore never touches the database before all of its data stand beside
//! it, verified; then both change names in one transaction (ADR 18). What a transfer needs in the server, a role of its
//! own and a scratch database, carries the transfer's id in its name, so that whatever a kill leaves is found and removed.
//!
//! The API only writes transfers down; the [`stage`] does them. Its context is not that of the add-ons' stage: the two
//! share a server and a store and know nothing of each other.

pub mod fetch;
pub mod folder;
pub mod workshop;

mod act;
mod census;
mod contents;
mod failure;
mod guest;
mod plan;
mod programs;
mod scratch;
mod session;
mod stage;

pub use stage::{Context, stage};
