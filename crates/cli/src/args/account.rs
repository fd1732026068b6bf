//! Who you are.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Log in with e-mail address and password
    #[command(name = "login", alias = "auth:login")]
    #[command(after_help = "\
Examples:
  hokku login --server https://api.example.com
  HOKKU_CA=ca.pem hokku login --server https://localhost:5443

The token is kept in ~/.config/hokku/credentials.json; later commands talk to this server when none is named.")]
    Login(Login),
    /// Log out, and end the token
    #[command(name = "logout", alias = "auth:logout")]
    Logout,
    /// Show who is logged in
    #[command(name = "whoami", alias = "auth:whoami")]
    Whoami,
    /// Print the token, for other clients
    #[command(name = "auth:token")]
    Token,
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Ask here, not in a browser; there is no other way
    #[arg(short, long, hide = true)]
    interactive: bool,
    /// Seconds until the token stops working
    #[arg(short = 'e', long, value_name = "SECONDS", default_value_t = 30 * 24 * 3600)]
    pub(crate) expires_in: u64,
}
