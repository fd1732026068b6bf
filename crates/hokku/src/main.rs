//! The `hokku` binary.
fn main() {}
