//! Data services: the add-ons that an app is given.
//!
//! ```text
//!  attach::request ──► Provisioning ──Provision──► Provisioned      (stage: create role and database, set vars)
//!  attach::destroy ──► Deprovisioning ──Remove──► gone              (stage: drop database and role)
//! ```
//! [`attach`] is what the API calls inside its own transactions: it only writes down what is wanted. The [`stage`]
//! makes it so through a [`DataService`], again and again until it is done, so a kill at any point is healed by
//! the next scan. [`postgres`] is the service: a server that we run ourselves, or one that somebody else runs.
//!
//! [`backup`] is a stage of its own for the data in them: backups, restores, copies.
//!
//! Not here: SQL of the store, the JSON of add-ons.

pub mod attach;
pub mod backup;
pub mod bucketeer;
pub mod info;
pub mod postgres;

mod act;
mod credentials;
#[cfg(test)]
mod fixture;
mod limits;
mod plan;
mod service;
mod stage;

pub use credentials::Credentials;
pub use service::{
    BadResource, DataService, DatabaseInfo, DatabaseService, Endpoint, Restriction, ServiceError, Services,
    Values, Work,
};
pub use stage::{Context, Upkeep, stage};
