//! Postgres: the [`Cluster`] that we run ourselves, or an [outside](Databases::outside) one; [`Databases`] keeps
//! the add-ons' databases in either by the same SQL.
//!
//! ```text
//!  admin ──unix socket, peer──┐
//!                             ▼
//!  app ──TLS, SCRAM──► server: role u… (login, connection limit) owns database d… (nobody else may connect)
//! ```

pub(crate) mod admin;
mod cluster;
pub(crate) mod databases;
mod failure;
mod files;
mod place;
pub(crate) mod postmaster;
pub(crate) mod programs;
mod restriction;
mod rotation;
mod rows;
pub(crate) mod tls;

pub use cluster::{Cluster, ClusterConfig, TlsFiles};
pub use databases::{BadOutside, Databases, Outside};
pub use failure::{OpenError, StopError};
