//! The server's own Postgres, used as somebody would who has no platform: with Postgres's programs, as its superuser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Outcome, find, not, output};
use crate::server::Server;

/// Who manages it, at its socket.
const SUPERUSER: &str = "postgres";
/// Where Debian puts the programs, by version. Those on `PATH` are scripts that take a while to find these.
const PROGRAMS: &str = "/usr/lib/postgresql";

pub(super) struct Postgres {
    socket: PathBuf,
    port: String,
    programs: PathBuf,
}

impl Postgres {
    /// The one that a server runs.
    pub(super) fn of(server: &Server) -> Outcome<Self> {
        let socket = server.place().data().join("postgres/run");
        let names = fs::read_dir(&socket).map_err(not("read", &socket))?.flatten();
        let port = names
            .filter_map(|entry| entry.file_name().to_str()?.strip_prefix(".s.PGSQL.").map(str::to_owned))
            .find(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or("Postgres has no socket")?;
        Ok(Self { socket, port, programs: programs()? })
    }

    pub(super) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.env_clear().env("PGSSLMODE", "require").current_dir("/");
        command
    }

    fn as_superuser(&self, name: &str) -> Command {
        let mut command = self.program(name);
        command.arg("--host").arg(&self.socket).args(["--port", &self.port, "--username", SUPERUSER]);
        command
    }

    /// Makes a role and a database of this name; the database's URL, by TLS over loopback.
    pub(super) fn make(&self, name: &str) -> Outcome<String> {
        let role = format!("CREATE ROLE {name} LOGIN PASSWORD 'benchmark'");
        output(self.as_superuser("psql").args(["--quiet", "--command", &role]))?;
        output(self.as_superuser("createdb").args(["--owner", name, name]))?;
        Ok(format!("postgres://{name}:benchmark@127.0.0.1:{}/{name}", self.port))
    }

    pub(super) fn drop(&self, name: &str) -> Outcome {
        output(self.as_superuser("dropdb").arg(name))?;
        output(self.as_superuser("dropuser").arg(name)).map(drop)
    }

    /// What a query answers.
    pub(super) fn ask(&self, url: &str, query: &str) -> Outcome<String> {
        output(
            self.program("psql")
                .args(["--no-psqlrc", "--tuples-only", "--no-align"])
                .arg(url)
                .args(["--command", query]),
        )
    }

    pub(super) fn dump(&self, url: &str, file: &Path) -> Outcome {
        let mut dump = self.program("pg_dump");
        output(dump.args(["--format=custom", "--file"]).arg(file).arg(url)).map(drop)
    }

    pub(super) fn restore(&self, url: &str, file: &Path) -> Outcome {
        let mut restore = self.program("pg_restore");
        output(restore.args(["--no-owner", "--dbname", url]).arg(file)).map(drop)
    }
}

/// The folder of the newest programs.
fn programs() -> Outcome<PathBuf> {
    let entries = fs::read_dir(PROGRAMS).into_iter().flatten().flatten();
    let versions = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let newest = versions.max().map(|version| Path::new(PROGRAMS).join(version.to_string()).join("bin"));
    let on_path = || find("pg_dump").and_then(|program| program.parent().map(Path::to_path_buf));
    newest
        .filter(|bin| bin.join("pgbench").is_file())
        .or_else(on_path)
        .ok_or_else(|| "there is no Postgres here".to_owned())
}
