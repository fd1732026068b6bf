//! Certificates: what users bring is checked, what hosts want is got from an authority and renewed in time.
//!
//! ```text
//!  app, domain ──► wanted host ──► order ──► challenge in the router's table ──► certificate row ──► router's table
//! ```
//! A host has one automatic certificate of its own, so that one name that cannot be verified does not hold up the
//! others. Who makes them is behind [`Issuer`]: an ACME authority, or the platform's own.
//!
//! Not here: which certificate a client is shown (the router chooses by server name), the platform's own authority
//! (that is `hokku`'s), and the API's words for all this.

pub mod acme;
mod act;
pub mod chain;
pub mod issuer;
mod plan;
mod stage;

pub use acme::Acme;
pub use chain::{BadCertificate, Roots, check};
pub use issuer::{Board, IssueError, Issued, Issuer, Issuing};
pub use stage::{Context, stage};

/// The common name of the platform's own authority.
pub const OWN_AUTHORITY: &str = "Hokku local authority";
