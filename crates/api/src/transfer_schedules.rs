//! Schedules: daily backups of a database.

use model::id::ScheduleId;
use model::transfer::{DailyAt, Schedule};

use crate::body::Json;
use crate::call::Call;
use crate::databases;
use crate::error::Problem;
use crate::reply::{Answer, Reply};
use crate::transfers::{self, time};

/// Most schedules of one database.
const SCHEDULES_MAX: usize = 10;

fn show(schedule: &Schedule) -> wire::TransferSchedule {
    wire::TransferSchedule {
        uuid: schedule.id.to_string(),
        name: schedule.name.clone(),
        hour: schedule.at.hour(),
        timezone: schedule.at.timezone().to_owned(),
        created_at: time(schedule.created_at),
    }
}

/// The schedules of a database.
pub(crate) async fn list(call: Call) -> Answer {
    call.read(|tx, call| {
        let schedules = tx.schedules_of(databases::find(tx, call)?.id)?;
        Ok(Reply::ok(&schedules.iter().map(show).collect::<Vec<_>>()))
    })
    .await
}

/// Sets up a daily backup; what was set up under the same name before ends.
pub(crate) async fn create(call: Call, Json(request): Json<wire::TransferScheduleRequest>) -> Answer {
    let wire::TransferScheduleRequest { hour, timezone, schedule_name } = request;
    let at = DailyAt::new(&hour.0, timezone.as_deref().unwrap_or("UTC")).map_err(Problem::invalid)?;
    call.write(move |tx, call, _| {
        let addon = databases::find_provisioned(tx, call)?;
        let name = match schedule_name {
            Some(name) if is_name(&name) => name,
            Some(name) => return Err(Problem::Invalid(format!("`{name}` is no name of a config var."))),
            None => format!("{}_URL", transfers::name_of(tx, &addon)?),
        };
        let there = tx.schedules_of(addon.id)?;
        if there.len() >= SCHEDULES_MAX && there.iter().all(|it| it.name != name) {
            return Err(Problem::Invalid(format!("A database can have {SCHEDULES_MAX} schedules at most.")));
        }
        Ok(Reply::created(&show(&tx.create_schedule(addon.id, &name, &at)?)))
    })
    .await
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Ends a schedule; its backups stay.
pub(crate) async fn destroy(call: Call) -> Answer {
    call.write(|tx, call, _| {
        let addon = databases::find(tx, call)?;
        let asked = call.param("schedule").parse::<ScheduleId>().ok();
        let found = tx.schedules_of(addon.id)?.into_iter().find(|schedule| Some(schedule.id) == asked);
        let schedule = found.ok_or(Problem::NotFound { resource: "schedule" })?;
        tx.delete_schedule(schedule.id)?;
        Ok(Reply::ok(&show(&schedule)))
    })
    .await
}
