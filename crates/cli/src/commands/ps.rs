//! Processes.

mod list;
mod restart;
mod scale;
mod wait;

use crate::args::ps::Command;
use crate::context::Context;

pub(super) async fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list::run(cx, args).await,
        Command::Scale(args) => scale::run(cx, args).await,
        Command::Type(args) => scale::resize(cx, args).await,
        Command::Wait(args) => wait::run(cx, args).await,
        Command::Restart(args) => restart::restart(cx, args).await,
        Command::Stop(args) => restart::stop(cx, args).await,
    }
}
