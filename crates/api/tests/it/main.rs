//! The API as its clients see it: the real router over a real store.

mod access;
mod conformance;
mod desk;
mod fixture;
mod harness;
mod protocol;
mod refusals;
mod schema;
mod shapes;
mod streams;
