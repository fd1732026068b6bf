//! Every command against the real API: exit code, standard output and standard error are snapshots.

#[path = "../../../api/tests/it/desk.rs"]
mod desk;
#[path = "../../../api/tests/it/fixture.rs"]
mod fixture;
mod harness;
mod stories;
