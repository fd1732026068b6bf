//! The whole system, as its users have it: the real server with real containers, real git, and the official `heroku`
//! command from npm. Few big stories; what needs no server is tested in the crates.
//!
//! They need root and the tools that `cargo xtask test` installs and puts on `PATH`.

mod acme;
mod backups;
mod bad_input;
mod browser;
mod buckets;
mod changes;
mod command;
mod data_kills;
mod databases;
mod deliveries;
mod developer;
mod django;
mod doctor;
mod failures;
mod first_day;
mod guide;
mod http;
mod isolation;
mod kills;
mod leftovers;
mod load;
mod outside_s3;
mod pebble;
mod people;
mod protocols;
mod server;
mod session;
mod terminal;
mod until;
