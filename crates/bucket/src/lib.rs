//! Buckets: an S3 service, a process of its own.
//!
//! ```text
//!  router ──unix socket──┐                                                             ┌► local: index in memory, files
//!                        ├─► front (CORS) ─► s3s (signatures) ─► door (whose?) ─► operations
//!  dynos ──TLS, gateway──┘                                                             └► outside: another S3
//!  server ──control socket──► shelf: make a bucket, remove one, measure one
//! ```
//! It knows buckets and their keys and nothing else, so it serves with the server stopped and again at once after
//! being killed. What is acknowledged is on disk: bytes and description of an object are one file, which is synced
//! and then renamed into place; in an [outside S3](outside) that is the other's to do. Protocol, signatures and XML are `s3s`'s.
//!
//! Not here: versions of objects, policies, access lists other than `public-read`, lifecycles, tags; and who is given
//! which bucket, which is `addon`'s.

mod bucket;
mod control;
mod cors;
mod door;
mod draft;
mod folder;
mod front;
mod incoming;
mod index;
mod local;
mod object;
mod objects;
mod operations;
mod outside;
mod refusal;
mod seal;
mod serve;
mod shelf;
mod tls;
mod upload;

pub use control::{Client, ClientError};
pub use outside::{OutsideConfig, OutsideError};
pub use serve::{Clock, Config, ServeError, serve};
pub use shelf::{Definition, Usage};
