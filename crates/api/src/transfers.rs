//! Transfers: backups, restores and copies of databases, asked for here and done by their stage.

use axum::extract::Query;
use model::addon::Addon;
use model::config_var::Secret;
use model::id::TransferId;
use model::time::Timestamp;
use model::transfer::{
    EXTENSIONS_MAX, OPEN_MAX, Transfer, TransferEvent, TransferKind, TransferSource, TransferState,
    is_extension,
};
use serde::Deserialize;
use store::{NewTransfer, Tx};

use crate::body::Json;
use crate::call::Call;
use crate::error::Problem;
use crate::reply::{Answer, Reply};
use crate::{access, backups, databases};

const MISSING: Problem = Problem::NotFound { resource: "transfer" };
/// Longest name of a copy's source or target, in characters; what is longer is cut.
const NAME_CHARS_MAX: usize = 200;
/// What Heroku calls a backup where a database could stand.
const BACKUP: &str = "BACKUP";

/// What a client asks for besides the transfer.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wish {
    /// `true`: the log too.
    verbose: Option<String>,
}

/// As the data API writes times.
pub(crate) fn time(at: Timestamp) -> String {
    at.to_api().replace('T', " ").replace('Z', " +0000")
}

fn show(call: &Call, transfer: &Transfer) -> wire::Transfer {
    let (from_type, to_type) = match (transfer.kind, &transfer.source) {
        (TransferKind::Backup, _) => ("pg_dump", "gof3r"),
        (TransferKind::Copy, _) => ("pg_dump", "pg_restore"),
        (TransferKind::Restore, TransferSource::Url(_)) => ("htcat", "pg_restore"),
        (TransferKind::Restore, _) => ("gof3r", "pg_restore"),
    };
    let is_over = transfer.state.is_over();
    let changed = transfer.finished_at.or(transfer.started_at).unwrap_or(transfer.created_at);
    wire::Transfer {
        uuid: transfer.id.to_string(),
        num: transfer.number,
        from_name: transfer.from_name.clone(),
        from_type: from_type.to_owned(),
        from_url: None,
        to_name: transfer.to_name.clone(),
        to_type: to_type.to_owned(),
        to_url: transfer.is_kept_backup().then(|| call.url(&path(transfer))),
        options: wire::Empty {},
        schedule: transfer.schedule.map(|id| wire::ScheduleRef { uuid: id.to_string() }),
        source_bytes: transfer.source_bytes,
        processed_bytes: transfer.processed_bytes,
        succeeded: is_over.then_some(transfer.state == TransferState::Succeeded),
        warnings: transfer.warnings,
        created_at: time(transfer.created_at),
        started_at: transfer.started_at.map(time),
        finished_at: transfer.finished_at.map(time),
        canceled_at: transfer.finished_at.filter(|_| transfer.state == TransferState::Canceled).map(time),
        updated_at: time(changed),
        logs: None,
    }
}

/// A transfer's own path; as a URL it names a backup, and permits nothing.
fn path(transfer: &Transfer) -> String {
    format!("/client/v11/apps/{}/transfers/{}", transfer.app, transfer.id)
}

/// The transfer that the path names, by its number or id.
pub(crate) fn find(tx: &Tx<'_>, call: &Call) -> Result<Transfer, Problem> {
    let app = call.app(tx)?;
    let asked = call.param("transfer");
    let is_asked = |it: &Transfer| it.id.to_string() == asked || it.number.to_string() == asked;
    tx.transfers_of(app.id)?.into_iter().find(is_asked).ok_or(MISSING)
}

/// Every transfer of an app's databases, oldest first.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let transfers = tx.transfers_of(call.app(tx)?.id)?;
        Ok(Reply::ok(&transfers.iter().map(|transfer| show(call, transfer)).collect::<Vec<_>>()))
    })
    .await
}

/// One transfer, with its log if that is asked for.
pub(crate) async fn info(call: Call, Query(wish): Query<Wish>) -> Answer {
    call.read(move |tx, call| {
        let transfer = find(tx, call)?;
        let mut shown = show(call, &transfer);
        if wish.verbose.as_deref() == Some("true") {
            let lines = tx.transfer_log(transfer.id)?.into_iter();
            let line = |line: model::transfer::TransferLine| wire::TransferLog {
                created_at: time(line.at),
                message: line.message,
            };
            shown.logs = Some(lines.map(line).collect());
        }
        Ok(Reply::ok(&shown))
    })
    .await
}

/// Forgets a transfer, and with a backup its file.
pub(crate) async fn destroy(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let transfer = find(tx, call)?;
        if !transfer.state.is_over() {
            let name = transfer.name();
            return Err(Problem::Invalid(format!(
                "{name} is not over yet. Cancel it first: heroku pg:backups:cancel {name}"
            )));
        }
        tx.delete_transfer(transfer.id)?;
        Ok(Reply::ok(&show(call, &transfer)))
    })
    .await
}

/// Breaks a transfer off.
pub(crate) async fn cancel(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let transfer = find(tx, call)?;
        let name = transfer.name();
        match transfer.state {
            TransferState::Settling => Err(Problem::Invalid(format!(
                "{name} cannot be cancelled any more: its data are taking the database's place."
            ))),
            state if state.is_over() => Err(Problem::Invalid(format!("{name} is over already."))),
            _ => {
                let cancelled = tx.transfer_on(transfer.id, TransferEvent::Cancel)?;
                tx.log_transfer(transfer.id, &format!("Cancelled by {}.", call.caller.email))?;
                Ok(Reply::ok(&show(call, &cancelled)))
            }
        }
    })
    .await
}

/// Asks for a backup.
pub(crate) async fn back_up(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let addon = databases::find_provisioned(tx, call)?;
        let from_name = name_of(tx, &addon)?;
        let new = NewTransfer {
            app: addon.app,
            addon: addon.id,
            kind: TransferKind::Backup,
            schedule: None,
            from_name,
            to_name: BACKUP.to_owned(),
            source: TransferSource::Own,
            extensions: Vec::new(),
        };
        ask(tx, call, &new)
    })
    .await
}

/// Asks for a restore of a backup that is kept here, of the caller's own or one whose public URL he has, or of a dump
/// elsewhere.
pub(crate) async fn restore(call: Call, Json(request): Json<wire::RestoreRequest>) -> Answer {
    let wire::RestoreRequest { backup_url, extensions } = request;
    let extensions = extensions.unwrap_or_default();
    if let Some(bad) = extensions.iter().find(|name| !is_extension(name)) {
        return Err(Problem::Invalid(format!(
            "`{bad}` is no name of an extension, such as hstore or myschema.hstore."
        )));
    }
    if extensions.len() > EXTENSIONS_MAX {
        return Err(Problem::Invalid(format!("At most {EXTENSIONS_MAX} extensions can be made beforehand.")));
    }
    call.write(move |tx, call, _| {
        let addon = databases::find_provisioned(tx, call)?;
        let source = source_of(tx, call, &backup_url)?;
        let new = NewTransfer {
            app: addon.app,
            addon: addon.id,
            kind: TransferKind::Restore,
            schedule: None,
            from_name: BACKUP.to_owned(),
            to_name: name_of(tx, &addon)?,
            source,
            extensions,
        };
        ask(tx, call, &new)
    })
    .await
}

/// What an address of a backup means.
fn source_of(tx: &Tx<'_>, call: &Call, url: &str) -> Result<TransferSource, Problem> {
    let site = &call.server.cx.site;
    let own = [call.url(""), site.api_url("")];
    let Some(path) = own.iter().find_map(|base| url.strip_prefix(base.as_str())) else {
        let is_web = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        return match is_web {
            true => Ok(TransferSource::Url(Secret::from(url))),
            false => Err(Problem::Invalid(
                "`backup_url` must be a backup of this platform, or an address that begins with http:// or https://."
                    .to_owned(),
            )),
        };
    };
    let backup = match backups::of_permit(call, path)? {
        Some(id) => tx.transfer(id)?,
        None => named(tx, call, path)?,
    };
    match backup.filter(Transfer::is_kept_backup) {
        Some(backup) => Ok(TransferSource::Backup(backup.id)),
        None => Err(Problem::Invalid("There is no backup at this address (any more).".to_owned())),
    }
}

/// The transfer of a `to_url`, if the caller may see its app.
fn named(tx: &Tx<'_>, call: &Call, path: &str) -> Result<Option<Transfer>, Problem> {
    let parts = path.strip_prefix("/client/v11/apps/").and_then(|rest| rest.split_once("/transfers/"));
    let Some((app, id)) = parts else { return Ok(None) };
    let app = access::app(tx, &call.caller, app)?;
    let Ok(id) = id.parse::<TransferId>() else { return Ok(None) };
    Ok(tx.transfer(id)?.filter(|transfer| transfer.app == app.id))
}

/// Asks for a copy into the database that the path names.
pub(crate) async fn copy(call: Call, Json(request): Json<wire::CopyRequest>) -> Answer {
    let wire::CopyRequest { from_name, from_url, to_name, to_url } = request;
    call.write(move |tx, call, _| {
        let addon = databases::find_provisioned(tx, call)?;
        let target = addon_at(tx, call, &to_url)?;
        if target.is_none_or(|target| target.id != addon.id) {
            return Err(Problem::Invalid(
                "Copies into databases outside of this platform are not supported. Capture a backup, download it, and \
                 restore it there with pg_restore."
                    .to_owned(),
            ));
        }
        let source = match addon_at(tx, call, &from_url)? {
            Some(source) if source.id == addon.id => {
                return Err(Problem::Invalid("Cannot copy a database onto itself.".to_owned()));
            }
            Some(source) => TransferSource::Addon(source.id),
            None if is_database(&from_url) => TransferSource::Url(Secret::new(from_url)),
            None => {
                return Err(Problem::Invalid(
                    "`from_url` must be the address of a database: postgres://user:password@host:port/database."
                        .to_owned(),
                ));
            }
        };
        let new = NewTransfer {
            app: addon.app,
            addon: addon.id,
            kind: TransferKind::Copy,
            schedule: None,
            from_name: plain(from_name.as_deref().unwrap_or("SOURCE")),
            to_name: plain(to_name.as_deref().unwrap_or("TARGET")),
            source,
            extensions: Vec::new(),
        };
        ask(tx, call, &new)
    })
    .await
}

fn is_database(url: &str) -> bool {
    let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    rest.is_some_and(|rest| rest.split_once('@').is_some_and(|(_, place)| !place.is_empty()))
}

/// A name as a client gave it, fit for a table.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

/// The add-on whose address this is in an app that the caller may see.
fn addon_at(tx: &Tx<'_>, call: &Call, url: &str) -> Result<Option<Addon>, Problem> {
    for attachment in access::attachments(tx, &call.caller)? {
        let vars = tx.config_vars(attachment.app)?;
        let owned = tx.attached_keys(attachment.app)?;
        let mut own = owned.into_iter().filter(|(_, owner)| *owner == attachment.id);
        if own.any(|(key, _)| vars.get(&key).is_some_and(|value| value.expose_secret() == url)) {
            return Ok(tx.addon(attachment.addon)?);
        }
    }
    Ok(None)
}

/// What its owner calls a database: the name of its attachment.
pub(crate) fn name_of(tx: &Tx<'_>, addon: &Addon) -> Result<String, Problem> {
    let own = tx.attachments_of(addon.id)?.into_iter().find(|attachment| attachment.app == addon.app);
    Ok(own.map_or_else(|| addon.name.clone(), |attachment| attachment.name))
}

fn ask(tx: &Tx<'_>, call: &Call, new: &NewTransfer) -> Answer {
    let open = tx.transfers_of(new.app)?;
    let open = open.iter().filter(|it| it.addon == new.addon && !it.state.is_over()).count();
    if open >= OPEN_MAX {
        return Err(Problem::Invalid(format!(
            "{open} transfers of this database wait or run already. Wait for them, or cancel one: heroku \
             pg:backups:cancel"
        )));
    }
    Ok(Reply::created(&show(call, &tx.create_transfer(new)?)))
}
