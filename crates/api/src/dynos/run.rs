//! One-off dynos: `heroku run`.

use logs::event;
use model::config_var::{BYTES_MAX, ConfigKey};
use model::dyno::{Attach, Dyno, DynoKind, DynoName};
use model::formation::{DynoSize, ProcessType};
use model::id::ReleaseId;
use model::procfile::Procfile;
use store::{App, Tx};

use super::show;
use crate::body::Json;
use crate::call::Call;
use crate::credentials::random_text;
use crate::error::{Problem, config_too_large, holds_nul, no_code};
use crate::reply::{Answer, Reply};

/// The process type of one-off dynos.
const RUN: &str = "run";
/// Longest command, in bytes: it is one argument of a process, which Linux limits to 128 KiB.
const COMMAND_BYTES_MAX: usize = 64 * 1024;
/// Most one-off dynos of an app at a time (Heroku: 50 for basic and standard sizes).
const RUN_DYNOS_MAX: usize = 50;
/// The terminal of a client that does not tell its size.
const WINDOW_DEFAULT: (u16, u16) = (80, 24);

/// Writes down a one-off dyno; the dyno stage starts it.
pub(crate) async fn run(call: Call, Json(request): Json<wire::DynoRequest>) -> Answer {
    let wish = Wish::read(request)?;
    call.write(move |tx, call, said| {
        let app = call.app(tx)?;
        let (release, processes) = code(tx, &app)?;
        let running = tx.dynos_of(app.id)?;
        let one_offs = running.iter().filter(|dyno| dyno.kind == DynoKind::Run && !dyno.state.is_over());
        if one_offs.count() >= RUN_DYNOS_MAX {
            return Err(Problem::Invalid(format!("Cannot run more than {RUN_DYNOS_MAX} one-off dynos.")));
        }
        let dyno = wish.dyno(tx, &app, release, &processes)?;
        tx.create_dyno(&dyno)?;
        said.say_with(app.id, |user| event::starting_process_by(&dyno.command, user));
        let secret = dyno.attach.as_ref().map(|attach| attach.secret.as_str());
        let attach_url = secret.map(|secret| call.server.cx.site.rendezvous_url(secret));
        Ok(Reply::created(&show(tx, &app, &dyno, attach_url)?))
    })
    .await
}

/// The release a one-off runs: the current one.
fn code(tx: &Tx<'_>, app: &App) -> Result<(ReleaseId, Procfile), Problem> {
    let current = tx.current_release(app.id)?.ok_or_else(no_code)?;
    let slug = current.slug.ok_or_else(no_code)?;
    let slug = tx.slug(slug)?.ok_or_else(no_code)?;
    Ok((current.id, slug.processes))
}

/// What was asked for, read and checked.
struct Wish {
    command: String,
    kind: Option<ProcessType>,
    size: DynoSize,
    attach: Option<Attach>,
    env: Vec<(String, String)>,
}

impl Wish {
    fn read(request: wire::DynoRequest) -> Result<Self, Problem> {
        let wire::DynoRequest { command, attach, env, force_no_tty, size, kind, time_to_live } = request;
        if command.trim().is_empty() || command.len() > COMMAND_BYTES_MAX {
            return Err(Problem::Invalid(format!(
                "Command must have between 1 and {COMMAND_BYTES_MAX} bytes."
            )));
        }
        if command.contains('\0') {
            return Err(holds_nul("Command"));
        }
        if time_to_live.is_some() {
            return Err(Problem::Invalid("`time_to_live` is not supported.".to_owned()));
        }
        let env = env
            .into_iter()
            .map(|(key, value)| match ConfigKey::of_platform(&key) {
                Ok(_) if value.0.contains('\0') => Err(holds_nul(&format!("The value of {key}"))),
                Ok(_) => Ok((key, value.0)),
                Err(error) => Err(Problem::invalid(error)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        if env.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() > BYTES_MAX {
            return Err(config_too_large(BYTES_MAX));
        }
        let attach = attach.is_some_and(bool::from).then(|| Attach {
            secret: random_text(),
            window: (!force_no_tty.is_some_and(bool::from)).then(|| window(&env)),
        });
        Ok(Self {
            command,
            kind: kind.map(|kind| kind.parse().map_err(Problem::invalid)).transpose()?,
            size: size.map_or(Ok(DynoSize::Basic), |size| crate::dyno_sizes::parse(&size))?,
            attach,
            env,
        })
    }

    fn dyno(
        &self,
        tx: &Tx<'_>,
        app: &App,
        release: ReleaseId,
        processes: &Procfile,
    ) -> Result<Dyno, Problem> {
        let run: ProcessType = RUN.parse().map_err(Problem::internal)?;
        // A one-off called like a dyno of the formation could not be told from it.
        let is_free = |kind: &&ProcessType| !processes.commands.contains_key(*kind);
        let kind = self.kind.as_ref().filter(is_free).cloned().unwrap_or(run);
        let name = DynoName { kind, number: tx.next_run_number(app.id)? };
        Ok(Dyno {
            kind: DynoKind::Run,
            command: expand(&self.command, processes),
            size: self.size,
            attach: self.attach.clone(),
            env: self.env.clone(),
            ..Dyno::new(app.id, name, release, tx.now())
        })
    }
}

/// `heroku run worker --once` runs the worker's command of the Procfile with what follows.
fn expand(command: &str, processes: &Procfile) -> String {
    let (first, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    match processes.command(first) {
        Some(full) if rest.is_empty() => full.to_owned(),
        Some(full) => format!("{full} {rest}"),
        None => command.to_owned(),
    }
}

/// The terminal's size; the official CLI sends it as COLUMNS and LINES.
fn window(env: &[(String, String)]) -> (u16, u16) {
    let number = |key: &str| env.iter().find(|(it, _)| it == key).and_then(|(_, value)| value.parse().ok());
    (number("COLUMNS").unwrap_or(WINDOW_DEFAULT.0), number("LINES").unwrap_or(WINDOW_DEFAULT.1))
}

#[cfg(test)]
mod tests;
