use std::collections::BTreeSet;
use std::fmt::Write;

use model::addon::{Addon, AddonState, plan as find_plan};
use model::id::{AddonId, AppId, ScheduleId, TransferId};
use model::time::Timestamp;
use model::transfer::{DailyAt, Schedule, Transfer, TransferKind, TransferSource, TransferState};

use super::{Action, Picture, kept, plan, unfinished};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn addon(number: u128, state: AddonState) -> Addon {
    Addon {
        id: AddonId::from_u128(number),
        name: format!("db{number}"),
        app: AppId::from_u128(1),
        plan: find_plan("heroku-postgresql:mini").expect("a plan"),
        state,
        resource: None,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    }
}

fn transfer(number: u32, addon: u128, kind: TransferKind, state: TransferState) -> Transfer {
    Transfer {
        id: TransferId::from_u128(u128::from(number)),
        app: AppId::from_u128(1),
        addon: AddonId::from_u128(addon),
        number,
        kind,
        state,
        schedule: None,
        from_name: "DATABASE".to_owned(),
        to_name: "BACKUP".to_owned(),
        source: TransferSource::Own,
        extensions: Vec::new(),
        attempts: 1,
        source_bytes: 0,
        processed_bytes: 0,
        warnings: 0,
        created_at: Timestamp::from_micros(i64::from(number)),
        started_at: None,
        finished_at: None,
    }
}

fn backup(number: u32, addon: u128, state: TransferState) -> Transfer {
    transfer(number, addon, TransferKind::Backup, state)
}

fn picture(addons: Vec<Addon>, transfers: Vec<Transfer>, at_work: &[u128]) -> Picture {
    let at_work: BTreeSet<_> = at_work.iter().map(|id| TransferId::from_u128(*id)).collect();
    Picture { now: at("2026-11-22T12:00:00Z"), addons, transfers, schedules: Vec::new(), at_work }
}

fn text(picture: &Picture) -> String {
    let name = |id: TransferId| {
        let found = picture.transfers.iter().find(|it| it.id == id);
        found.map_or_else(|| "one that is gone".to_owned(), Transfer::name)
    };
    let mut text = String::new();
    for action in plan(picture) {
        let line = match action {
            Action::Abort(id) => format!("abort {}", name(id)),
            Action::TakeBack(id) => format!("take back {}", name(id)),
            Action::GiveUp(id) => format!("give up {}", name(id)),
            Action::Begin(transfer, addon) => format!("begin {} of {}", transfer.name(), addon.name),
            Action::Ask(schedule, day) => format!("ask for {} of {day}", schedule.name),
            Action::Forget(id) => format!("forget {}", name(id)),
        };
        let _infallible = writeln!(text, "{line}");
    }
    text
}

use AddonState::{Deprovisioning, Provisioned, Provisioning};
use TransferState::{Canceled, Failed, Pending, Running, Settling, Succeeded};

#[test]
fn one_of_a_database_at_a_time_and_few_in_all() {
    let addons =
        vec![addon(1, Provisioned), addon(2, Provisioned), addon(3, Provisioned), addon(4, Provisioning)];
    let transfers = vec![
        backup(1, 1, Pending),
        backup(2, 1, Pending),
        backup(3, 4, Pending),
        backup(4, 2, Pending),
        backup(5, 3, Pending),
        transfer(6, 3, TransferKind::Restore, Settling),
    ];
    insta::assert_snapshot!(text(&picture(addons, transfers, &[])), @r"
    begin r006 of db3
    begin b001 of db1
    ");
}

#[test]
fn what_is_at_work_is_left_alone_unless_nobody_wants_it() {
    let addons = vec![addon(1, Provisioned), addon(2, Deprovisioning)];
    let transfers = vec![
        backup(1, 1, Canceled),
        backup(2, 2, Running),
        backup(3, 1, Running),
        backup(4, 1, Succeeded),
        backup(5, 1, Pending),
    ];
    insta::assert_snapshot!(text(&picture(addons, transfers, &[1, 2, 3, 4, 99])), @r"
    abort b001
    abort b002
    abort one that is gone
    ");
}

#[test]
fn what_a_dead_server_has_left_is_done_again_but_not_for_ever() {
    let mut often = backup(2, 2, Running);
    often.attempts = model::transfer::ATTEMPTS_MAX;
    let addons = vec![addon(1, Provisioned), addon(2, Provisioned), addon(3, Provisioned)];
    let transfers = vec![
        backup(1, 1, Running),
        often,
        transfer(3, 3, TransferKind::Copy, Settling),
        backup(4, 3, Pending),
    ];
    let picture = picture(addons, transfers, &[]);
    insta::assert_snapshot!(text(&picture), @r"
    take back b001
    give up b002
    begin c003 of db3
    ");
    assert_eq!(unfinished(&picture), BTreeSet::from([TransferId::from_u128(3)]), "its data are still needed");
}

#[test]
fn a_schedule_asks_when_its_hour_has_come_and_its_database_is_there() {
    let schedule = |number: u128, hour: &str, addon: u128| Schedule {
        id: ScheduleId::from_u128(number),
        addon: AddonId::from_u128(addon),
        name: format!("BLUE{number}_URL"),
        at: DailyAt::new(hour, "UTC").expect("a time of the day"),
        created_at: at("2026-11-21T00:00:00Z"),
        last_day: None,
    };
    let mut picture = picture(vec![addon(1, Provisioned), addon(2, Deprovisioning)], Vec::new(), &[]);
    let mut done = schedule(3, "1", 1);
    done.last_day = Some("2026-11-22".to_owned());
    picture.schedules = vec![schedule(1, "11", 1), schedule(2, "13", 1), done, schedule(4, "1", 2)];
    insta::assert_snapshot!(text(&picture), @"ask for BLUE1_URL of 2026-11-22");
}

#[test]
fn old_backups_go_but_not_one_that_is_being_restored() {
    let mut transfers: Vec<Transfer> = (1..=4).map(|number| backup(number, 1, Succeeded)).collect();
    transfers.push(Transfer {
        source: TransferSource::Backup(TransferId::from_u128(1)),
        ..transfer(5, 1, TransferKind::Restore, Pending)
    });
    transfers.extend((6..=57).map(|number| transfer(number, 1, TransferKind::Restore, Failed)));
    let picture = picture(vec![addon(1, Provisioned)], transfers, &[]);
    insta::assert_snapshot!(text(&picture), @r"
    begin r005 of db1
    forget b002
    forget r007
    forget r006
    ");
    assert_eq!(kept(&picture.transfers).len(), 4);
}
