//! Help for the shell.

use crate::args::shell::{Command, Completions};
use crate::context::Context;

pub(super) fn run(command: Command, cx: &mut Context) -> anyhow::Result<()> {
    let Command::Completions(Completions { shell }) = command;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::args::command(&cx.env.others), "hokku", &mut script);
    Ok(cx.env.screen.write(&script)?)
}
