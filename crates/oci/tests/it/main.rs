//! Real containers and real networks: needs root, `crun` and `nft`; see `support` for the rest.

mod container;
mod isolation;
mod network;
mod support;
