//! Processes.

mod list;
mod restart;
mod scale;

use crate::args::ps::Command;
use crate::context::Context;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list::run(cx, args).await,
        Command::Scale(args) => scale::run(cx, args).await,
        Command::Restart(args) => restart::restart(cx, args).await,
        Command::Stop(args) => restart::stop(cx, args).await,
    }
}
