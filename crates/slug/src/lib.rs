//! Slugs on disk: content-addressed layers, the manifest that stacks them, and what they are stacked on.
//!
//! ```text
//!   app            one erofs image   ─┐
//!   dependencies   one erofs image    │ a slug: `Manifest`, layers in `Blobs`
//!   runtime        one erofs image   ─┘ (the runtime made once per version by `Runtimes`)
//!   stack base     one erofs image      `Stacks`, built once per machine
//! ```
//!
//! An engine: it knows no store, no network of its own and no containers; it hands out paths of images that
//! somebody else mounts. Everything here blocks: async callers use `spawn_blocking`. Child processes end
//! with the thread that started them, so a killed server leaves none behind.

pub mod archive;
pub mod blobs;
pub mod digest;
pub mod ignore;
pub mod manifest;
pub mod pack;
pub mod runtime;
pub mod size;
pub mod stack;
pub mod tools;

pub use blobs::Blobs;
pub use digest::Digest;
pub use manifest::{LayerRef, Manifest};
pub use runtime::Runtimes;
pub use stack::{Stack, Stacks};
