//! The database: its tables, its address, its password.

use super::{Diagnosis, Seen, Trouble};

const USE_THE_URL: &str = "Take all of it from DATABASE_URL, which the platform sets and may change: \
                           `DATABASES = {\"default\": dj_database_url.config(conn_max_age=600)}`.";

pub(super) fn look(seen: &Seen<'_>) -> Option<Diagnosis> {
    tables(seen).or_else(|| connection(seen)).or_else(|| driver(seen))
}

fn tables(seen: &Seen<'_>) -> Option<Diagnosis> {
    if let Some((_, table)) = seen.line.split_once("no such table: ") {
        return Some(Diagnosis::new(
            Trouble::DatabaseOnDyno,
            table.trim(),
            format!(
                "The app uses SQLite, and there is no table {} in it: a dyno's disk is empty at each start, so what \
                 another dyno migrated is not there.",
                word(table)
            ),
            "`hokku addons:create heroku-postgresql`, which sets DATABASE_URL; have the settings use it \
             (dj-database-url), and push again."
                .to_owned(),
        ));
    }
    let table = seen.quoted_after("relation ").filter(|_| seen.has("does not exist"));
    let column =
        || seen.between("column ", " does not exist").or_else(|| seen.between("column ", " of relation"));
    if let Some(what) = table.or_else(|| column().filter(|_| seen.has("Error"))) {
        let what = word(what);
        return Some(Diagnosis::new(
            Trouble::MigrationMissing,
            what,
            format!("The database has no {what}: a migration was not applied, or was never made."),
            "`hokku run python manage.py migrate`; for every deploy from now on: `release: python manage.py migrate \
             --noinput` in the Procfile. If the model is new: `python manage.py makemigrations`, commit and push."
                .to_owned(),
        ));
    }
    seen.has("unapplied migration").then(|| {
        Diagnosis::new(
            Trouble::MigrationMissing,
            "",
            "Some migrations were not applied to the database.".to_owned(),
            "`hokku run python manage.py migrate`; for every deploy from now on: `release: python manage.py migrate \
             --noinput` in the Procfile."
                .to_owned(),
        )
    })
}

/// The first word, without the quotes around it.
fn word(text: &str) -> &str {
    let text = &text[..text.floor_char_boundary(super::NAME_BYTES_MAX)];
    text.split_whitespace().next().unwrap_or_default().trim_matches(['"', '\''])
}

/// There is no database, as far as the app knows.
pub(super) fn no_url() -> Diagnosis {
    Diagnosis::new(
        Trouble::DatabaseUrl,
        "",
        "The config var DATABASE_URL is not set: the app has no database.".to_owned(),
        "`hokku addons:create heroku-postgresql` makes one and sets it; `hokku addons` tells whether there is one \
         already."
            .to_owned(),
    )
}

fn connection(seen: &Seen<'_>) -> Option<Diagnosis> {
    let of = |trouble, about: &str, cause: String, cure: &str| {
        Some(Diagnosis::new(trouble, about, cause, cure.to_owned()))
    };
    if seen.has("settings.DATABASES is improperly configured") {
        return Some(no_url());
    }
    if seen.has("no encryption") && seen.has("pg_hba.conf") {
        return of(
            Trouble::DatabaseTls,
            "required",
            "The database takes connections over TLS only, and the app connects without.".to_owned(),
            "Ask for TLS: `dj_database_url.config(conn_max_age=600, ssl_require=True)`, or \
             \"OPTIONS\": {\"sslmode\": \"require\"}.",
        );
    }
    if seen.has("server does not support SSL") {
        return of(
            Trouble::DatabaseTls,
            "refused",
            "The app wants TLS, and the database that it reaches has none: it is not the platform's."
                .to_owned(),
            USE_THE_URL,
        );
    }
    if seen.has("certificate verify failed")
        && (seen.has("OperationalError") || seen.has("connection to server"))
    {
        return of(
            Trouble::DatabaseTls,
            "unverified",
            "The app checks the database's certificate, which no public authority has signed.".to_owned(),
            "Use \"sslmode\": \"require\", as with Heroku's databases.",
        );
    }
    if seen.has("password authentication failed")
        || (seen.has("FATAL:") && seen.has("role \"") && seen.has("does not exist"))
    {
        return of(
            Trouble::DatabasePassword,
            "",
            "The database does not know this user and password: they were written down somewhere, and have changed."
                .to_owned(),
            USE_THE_URL,
        );
    }
    if seen.has("too many connections for role") || seen.has("remaining connection slots are reserved") {
        return of(
            Trouble::DatabaseConnections,
            "",
            "All connections that the database's plan has are in use: every gunicorn worker and thread keeps one."
                .to_owned(),
            "Fewer workers (`hokku config:set WEB_CONCURRENCY=1`), fewer dynos, or a lower conn_max_age; `hokku pg:info` \
             shows how many there are.",
        );
    }
    address(seen)
}

fn address(seen: &Seen<'_>) -> Option<Diagnosis> {
    let of = |about: &str, cause: String| {
        Some(Diagnosis::new(Trouble::DatabaseHost, about, cause, USE_THE_URL.to_owned()))
    };
    if let Some(host) = seen.quoted_after("could not translate host name ") {
        return of(host, format!("There is no host called {host}, where the app looks for its database."));
    }
    if seen.has("connection to server on socket") {
        return of(
            "socket",
            "The settings name no host for the database, so the app looks for one on its own dyno."
                .to_owned(),
        );
    }
    let failed =
        ["Connection refused", "timed out", "timeout expired", "No route to host", "Network is unreachable"];
    let host =
        seen.quoted_after("connection to server at ").filter(|_| failed.iter().any(|text| seen.has(text)))?;
    let cause = match host {
        "localhost" | "127.0.0.1" | "::1" => {
            format!(
                "The settings name {host} as the database's host, which is the dyno itself: no database is there."
            )
        }
        _ => format!("No database answers at {host}."),
    };
    of(host, cause)
}

fn driver(seen: &Seen<'_>) -> Option<Diagnosis> {
    let missing = seen.has("Error loading psycopg2") || seen.has("no pq wrapper available");
    let library = seen.has("libpq.so") && seen.has("cannot open shared object file");
    (missing || library).then(|| {
        Diagnosis::new(
            Trouble::DatabaseDriver,
            "",
            "The driver for Postgres is not installed, or lacks its library.".to_owned(),
            "`echo psycopg2-binary >> requirements.txt`, commit and push.".to_owned(),
        )
    })
}
