//! `hokku`: the server, its helper processes, and the command line.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use hokku::config::{DATA_DIR, ServerArgs};
use hokku::server::Ending;
use hokku::{buckets, clock, command_line, data_plane, exports, server, trust};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The Heroku that you own: git push, and it runs
#[derive(Debug, Parser)]
#[command(name = "hokku", version, disable_help_subcommand = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the platform on this machine
    ///
    /// SIGTERM or Ctrl-C stops everything in good order. SIGHUP ends only this process: apps go on serving, and the next
    /// `hokku server` takes them up again, which is how to upgrade. A killed server is taken up the same way.
    Server(Box<ServerArgs>),
    /// Print the exports that point the `heroku` command and git at this server
    ///
    /// Use it as `eval "$(hokku env)"`.
    Env {
        /// The server's data folder
        #[arg(long, value_name = "DIR", env = "HOKKU_DATA_DIR", default_value = DATA_DIR)]
        data_dir: PathBuf,
        /// Leave the owner's token out; `heroku login` then asks for e-mail and password
        #[arg(long)]
        no_token: bool,
    },
    /// Print how git, Node, curl and browsers trust this server
    Trust {
        /// The server's data folder
        #[arg(long, value_name = "DIR", env = "HOKKU_DATA_DIR", default_value = DATA_DIR)]
        data_dir: PathBuf,
    },
    /// Run the router that a server's settings describe (started by the server)
    #[command(hide = true)]
    Router { file: PathBuf },
    /// Serve the buckets of a server (started by the server)
    #[command(hide = true)]
    Buckets { file: PathBuf },
    /// Supervise one dyno (started by the server)
    #[command(hide = true)]
    Shim { dir: PathBuf },
    /// Run one step of a build (started by the server)
    #[command(hide = true)]
    BuildBox { spec: PathBuf },
    /// Ask the server about a push (started by git)
    #[command(hide = true, subcommand)]
    Hook(Hook),
}

#[derive(Debug, Subcommand)]
enum Hook {
    PreReceive,
}

fn main() -> ExitCode {
    let own = Cli::command();
    let mut args = std::env::args_os().skip(1);
    // What is not ours is the command line's: `hokku apps`, `hokku --help`.
    if args.next().is_none_or(|name| own.find_subcommand(&name).is_none()) {
        let shown = own.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
        return ExitCode::from(command_line::run(std::env::args_os().skip(1).collect(), shown));
    }
    // The supervisors must stay single-threaded, so nothing is started before this match.
    match Cli::parse().command {
        Command::Shim { dir } => ended(dyno::shim::run(&dir, clock::now).map_err(anyhow::Error::from)),
        Command::BuildBox { spec } => ExitCode::from(build::sandbox::run_box(&spec)),
        Command::Hook(Hook::PreReceive) => {
            ExitCode::from(git::hook::pre_receive(|name| std::env::var_os(name), io::stdin(), io::stderr()))
        }
        Command::Router { file } => {
            log_to_stderr();
            ended(data_plane::run(&file))
        }
        Command::Buckets { file } => {
            log_to_stderr();
            ended(buckets::run(&file))
        }
        Command::Env { data_dir, no_token } => ended(print(exports::exports(&data_dir, !no_token))),
        Command::Trust { data_dir } => ended(print(trust::instructions(&data_dir))),
        Command::Server(args) => {
            log_to_stderr();
            if let Err(error) = oci::sandbox::keep_descriptors() {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not keep descriptors from dynos"
                );
            }
            ended(run_server(*args))
        }
    }
}

fn run_server(args: ServerArgs) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let ending = async move {
            tokio::select! {
                _ = terminate.recv() => Ending::Stop,
                _ = interrupt.recv() => Ending::Stop,
                _ = hang_up.recv() => Ending::HandOver,
            }
        };
        server::serve(args, ending).await
    })
}

fn print(text: anyhow::Result<String>) -> anyhow::Result<()> {
    io::stdout().write_all(text?.as_bytes())?;
    Ok(())
}

/// The exit status, after the error with its causes.
fn ended(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a standard error nobody can be told.
            let _ = writeln!(io::stderr(), "hokku: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr() {
    let told = std::env::var("HOKKU_LOG").unwrap_or_else(|_| "info".to_owned());
    // `s3s` would tell what tenants send.
    let filter = EnvFilter::try_new(format!("{told},s3s=off"));
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info,s3s=off"));
    let colours = io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    log.with_ansi(colours).with_target(false).init();
}
