//! One container at a time, its cgroup and its network.
//!
//! A dyno and a build are the same thing to this crate: a [`spec::Spec`] that says which layers,
//! which command, which limits and which network namespace, and one small single-threaded process
//! (the shim) that turns it into a running container, watches it and removes it:
//!
//! ```text
//! sandbox::enter()  private mounts, child subreaper         once, first thing in the process
//!   container::run(spec, stdio, runtime)
//!     rootfs        layers (erofs file or folder, idmapped) + writable upper = overlay
//!     bundle        config.json: namespaces, limits, masks, seccomp
//!     runtime       `crun run --detach` or `runc run --detach`
//!   Running         exit, signals, memory, listening port, terminal
//! container::cleanup(state_dir)                              after the shim itself was killed
//! ```
//!
//! The other half, [`network`], runs in the server: it owns the host's side of the dyno networks
//! (bridge, firewall, a pool of ready network namespaces) and hands a namespace to each container.
//!
//! What this crate is not: it knows no app, dyno name or store, it restarts nothing, and it never
//! touches what a container writes to its output. The OCI runtime itself is an outside program.

mod bundle;
pub mod cgroup;
pub mod container;
pub mod layers;
mod listening;
pub mod network;
pub mod probe;
mod rootfs;
pub mod runtime;
pub mod sandbox;
mod seccomp;
pub mod spec;
mod sys;
