//! The binary's own parts: configuration, wiring, supervision, shutdown.
//!
//! This is the only crate that reads the environment, the clock and signals, and the only one that knows every other.

mod addons;
mod backups;
pub mod buckets;
pub mod ca;
mod certificates;
pub mod clock;
pub mod command_line;
pub mod config;
mod control;
mod daemon;
pub mod data_plane;
pub mod exports;
pub mod first_start;
mod janitor;
pub mod layout;
mod outside_s3;
pub mod server;
pub mod trust;
