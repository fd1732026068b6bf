//! What `hokku hook pre-receive` is in the product: git's hook for the tests of this crate.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(git::hook::pre_receive(|name| std::env::var_os(name), io::stdin(), io::stderr()))
}
