//! git.

mod credentials;
pub(super) mod remote;

use crate::args::git::Command;
use crate::context::Context;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::Remote(args) => remote::run(cx, args).await,
        Command::Credentials(args) => credentials::run(cx, &args.what),
    }
}
