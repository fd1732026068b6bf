//! The world that the native command line runs in: this process's environment, its terminal, and the server that may
//! run on this machine.

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cli::{Env, LocalServer, Screen, Terminals};

use crate::clock;
use crate::config::DATA_DIR;
use crate::exports::read_site;
use crate::first_start::TOKEN_FILE;

/// Runs one command line (without the program's name) and gives its exit code. `others` are the commands that are not
/// the command line's own, for its help.
#[must_use]
pub fn run(args: Vec<OsString>, others: Vec<clap::Command>) -> u8 {
    let var = |name: &str| std::env::var(name).ok();
    let is_set = |name: &str| var(name).is_some_and(|value| !value.is_empty());
    let terminals = Terminals {
        input: io::stdin().is_terminal(),
        output: io::stdout().is_terminal(),
        error: io::stderr().is_terminal(),
    };
    let (input, output, error) = (Box::new(io::stdin()), Box::new(io::stdout()), Box::new(io::stderr()));
    cli::run(
        args,
        Env {
            var: Box::new(var),
            dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("hokku")),
            now: wall_clock,
            screen: Screen::new(input, output, error, terminals, !is_set("NO_COLOR")),
            local: Box::new(|| local_server(&data_dir())),
            others,
        },
    )
}

fn wall_clock() -> SystemTime {
    let micros = u64::try_from(clock::now().as_micros()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}

fn data_dir() -> PathBuf {
    std::env::var_os("HOKKU_DATA_DIR").map_or_else(|| PathBuf::from(DATA_DIR), PathBuf::from)
}

/// The server of a data folder. Who may not read the folder has none: such a user logs in like one from elsewhere.
fn local_server(dir: &Path) -> Option<LocalServer> {
    let site = read_site(dir).ok()?;
    let ca_pem = fs::read_to_string(dir.join("tls/ca.pem")).ok()?;
    let token = fs::read_to_string(dir.join(TOKEN_FILE)).ok();
    Some(LocalServer { url: site.api_url(""), token: token.map(|token| token.trim().to_owned()), ca_pem })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use model::site::Site;

    use super::local_server;
    use crate::exports::note_site;

    #[test]
    fn a_data_folder_tells_where_its_server_is() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(local_server(dir.path()).is_none());
        let site = Site { domain: "localhost".parse().expect("a domain"), port: 6443, rendezvous_port: 6444 };
        note_site(dir.path(), &site).expect("noted");
        fs::create_dir(dir.path().join("tls")).expect("a folder");
        fs::write(dir.path().join("tls/ca.pem"), "PEM").expect("written");
        let found = local_server(dir.path()).expect("a server");
        assert_eq!((found.url.as_str(), found.token), ("https://localhost:6443", None));
        fs::write(dir.path().join("owner.token"), "secret\n").expect("written");
        assert_eq!(local_server(dir.path()).and_then(|it| it.token).as_deref(), Some("secret"));
    }
}
