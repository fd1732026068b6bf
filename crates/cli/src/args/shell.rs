//! Help for the shell.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print completions for a shell
    #[command(name = "completions", alias = "autocomplete")]
    #[command(after_help = "\
Examples:
  hokku completions bash > /etc/bash_completion.d/hokku
  hokku completions zsh > ~/.zfunc/_hokku
  hokku completions fish > ~/.config/fish/completions/hokku.fish")]
    Completions(Completions),
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}
