//! The words and the rules of the platform: identifiers, names, states, codes, the Procfile.
//!
//! Everything here is a value. There is deliberately no I/O, no async, no SQL, no JSON and no clock, so that
//! a rule can be tested as a table and a secret cannot slip into a response by being serializable.

pub mod account;
pub mod addon;
pub mod app;
pub mod app_transfer;
pub mod build;
pub mod certificate;
pub mod config_var;
pub mod database;
pub mod domain;
pub mod drain;
pub mod dyno;
pub mod error;
pub mod feature;
pub mod formation;
pub mod id;
pub mod log;
pub mod procfile;
pub mod release;
pub mod scope;
pub mod site;
pub mod slug;
pub mod time;
pub mod transfer;
pub mod webhook;
