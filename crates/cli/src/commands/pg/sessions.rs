//! `pg:ps` and `pg:kill`: asked of the database itself, by psql.

use crate::args::pg::{Kill, One, Psql};
use crate::context::Context;

/// What runs now, but for the asking.
const RUNNING: &str = "SELECT pid, state, application_name AS source, usename AS username,
       date_trunc('second', age(now(), query_start)) AS running_for, wait_event IS NOT NULL AS waiting, query
  FROM pg_stat_activity
 WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
 ORDER BY query_start";

pub(super) async fn list(cx: &mut Context, args: One) -> anyhow::Result<()> {
    ask(cx, args, RUNNING.to_owned()).await
}

pub(super) async fn kill(cx: &mut Context, args: Kill) -> anyhow::Result<()> {
    let how = if args.force { "pg_terminate_backend" } else { "pg_cancel_backend" };
    ask(cx, args.one, format!("SELECT {how}({})", args.pid)).await
}

async fn ask(cx: &mut Context, One { database, app }: One, query: String) -> anyhow::Result<()> {
    super::psql::run(cx, Psql { database, app, command: Some(query), file: None }).await
}
