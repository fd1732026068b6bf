//! `pg:psql`: the machine's own psql, connected to a database.

use percent_encoding::percent_decode_str;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use wire::Database;

use crate::args::pg::Psql;
use crate::commands::addons;
use crate::context::{Context, path};
use crate::words::Problem;

const PROGRAM: &str = "psql";

pub(super) async fn run(cx: &mut Context, args: Psql) -> anyhow::Result<()> {
    let client = cx.client()?;
    let app = cx.app(&args.app)?;
    let addon = addons::find(&client, &app, &args.database).await?;
    let database: Database = client.get(&path(&["client", "v11", "databases", &addon.id])).await?;
    let place = database.resource_url.as_deref().and_then(Place::parse).ok_or_else(|| Problem::Missing {
        what: format!("{} has no address", addon.name),
        hint: "`hokku addons` shows its state",
    })?;

    let mut psql = Command::new(PROGRAM);
    psql.envs(place.variables());
    if cx.var("PGSSLMODE").is_none() {
        psql.env("PGSSLMODE", "require");
    }
    if let Some(path) = cx.var("PATH") {
        psql.env("PATH", path);
    }
    if let Some(sql) = &args.command {
        psql.args(["--command", sql]);
    } else if let Some(file) = &args.file {
        psql.args(["--file", file]);
    } else {
        cx.env.screen.note(format!("Connecting to {}", addon.name));
        psql.args(["--set", &format!("PROMPT1={app}::{}%R%# ", addon.name)]);
    }
    // Ctrl-C is psql's: it ends a query there, and must not end us before.
    let _interrupt = signal(SignalKind::interrupt())?;
    let status = psql.status().await.map_err(|cause| Problem::NotStarted { program: PROGRAM, cause })?;
    cx.exit_code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(crate::FAILED);
    Ok(())
}

/// Where a database is. It goes to psql by its environment, because everybody can read command lines.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    user: String,
    password: String,
    host: String,
    port: String,
    database: String,
}

impl Place {
    fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"))?;
        let (authority, rest) = rest.split_once('/')?;
        let (credentials, address) = authority.rsplit_once('@')?;
        let (user, password) = credentials.split_once(':')?;
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (address, "5432"),
        };
        let database = rest.split('?').next().unwrap_or(rest);
        let decoded = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
        Some(Self {
            user: decoded(user)?,
            password: decoded(password)?,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: port.to_owned(),
            database: decoded(database)?,
        })
    }

    fn variables(&self) -> [(&'static str, &str); 5] {
        [
            ("PGUSER", &self.user),
            ("PGPASSWORD", &self.password),
            ("PGHOST", &self.host),
            ("PGPORT", &self.port),
            ("PGDATABASE", &self.database),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn an_address_is_taken_apart() {
        for (url, parts) in [
            ("postgres://u:p@10.0.0.1:6543/d", Some(["u", "p", "10.0.0.1", "6543", "d"])),
            (
                "postgres://u:p%40%2F@pg.example.com/d%20b?sslmode=require",
                Some(["u", "p@/", "pg.example.com", "5432", "d b"]),
            ),
            ("postgres://u:p@[::1]:6543/d", Some(["u", "p", "::1", "6543", "d"])),
            ("postgres://u:p@[::1]/d", Some(["u", "p", "::1", "5432", "d"])),
            ("redis://u:p@h/d", None),
            ("postgres://h/d", None),
        ] {
            let place = Place::parse(url);
            let read = place.as_ref().map(|place| place.variables().map(|(_, value)| value));
            assert_eq!(read, parts, "{url}");
        }
    }
}
