//! The API as its clients see it: the real router over a real store.

mod access;
mod bodies;
mod conformance;
mod deliveries;
mod desk;
mod fixture;
mod harness;
mod people;
mod protocol;
mod refusals;
mod rights;
mod schema;
mod shapes;
mod streams;
mod transfers;
