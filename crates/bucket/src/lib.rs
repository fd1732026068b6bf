//! Buckets: an S3 service that keeps objects in files, a process of its own.
//!
//! ```text
//!  router ──unix socket──┐                                  ┌ bucket: index in memory, objects in files
//!                        ├─► front (CORS) ─► s3s (signatures) ─► door (whose bucket?) ─► files
//!  dynos ──TLS, gateway──┘                                  └ bucket
//!  server ──control socket──► shelf: make a bucket, remove one, measure one
//! ```
//! It knows buckets and their keys and nothing else, so it serves with the server stopped and again at once after
//! being killed. What is acknowledged is on disk: bytes and description of an object are one file, which is synced
//! and then renamed into place. Protocol, signatures and XML are `s3s`'s.
//!
//! Not here: versions of objects, policies, access lists other than `public-read`, lifecycles, tags; and who is given
//! which bucket, which is `addon`'s.

mod bucket;
mod control;
mod cors;
mod door;
mod draft;
mod files;
mod front;
mod index;
mod object;
mod refusal;
mod seal;
mod serve;
mod shelf;
mod tls;
mod upload;

pub use control::{Client, ClientError};
pub use serve::{Clock, Config, ServeError, serve};
pub use shelf::{Definition, Usage};
