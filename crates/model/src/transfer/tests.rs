use super::{
    BadDailyAt, DailyAt, Retention, Schedule, Transfer, TransferEvent, TransferKind, TransferSource,
    TransferState, is_extension, too_many,
};
use crate::id::{AddonId, AppId, ScheduleId, TransferId};
use crate::time::Timestamp;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

#[test]
fn what_is_settling_is_carried_through_and_what_is_over_stays_so() {
    use TransferEvent::{Cancel, Fail, Interrupt, Settle, Start, Succeed};
    use TransferState::{Canceled, Failed, Pending, Running, Settling, Succeeded};
    let arrows = [
        (Pending, Start, Running),
        (Pending, Fail, Failed),
        (Pending, Cancel, Canceled),
        (Running, Interrupt, Pending),
        (Running, Settle, Settling),
        (Running, Succeed, Succeeded),
        (Running, Fail, Failed),
        (Running, Cancel, Canceled),
        (Settling, Succeed, Succeeded),
        (Settling, Fail, Failed),
    ];
    for from in TransferState::ALL {
        assert_eq!(TransferState::from_word(from.as_str()), Some(from));
        for event in [Start, Interrupt, Settle, Succeed, Fail, Cancel] {
            let arrow = arrows.iter().find(|arrow| (arrow.0, arrow.1) == (from, event));
            assert_eq!(from.on(event).ok(), arrow.map(|arrow| arrow.2), "{from:?} {event:?}");
        }
    }
}

fn schedule(hour: &str, timezone: &str, created: &str) -> Schedule {
    Schedule {
        id: ScheduleId::from_u128(1),
        addon: AddonId::from_u128(1),
        name: "DATABASE_URL".to_owned(),
        at: DailyAt::new(hour, timezone).expect("a time of the day"),
        created_at: at(created),
        last_day: None,
    }
}

#[test]
fn a_schedule_is_due_once_a_day_at_its_hour_where_its_user_lives() {
    let mut paris = schedule("2", "Europe/Paris", "2026-11-20T12:00:00Z");
    // Two in the morning in Paris is one o'clock UTC in winter.
    assert_eq!(paris.due(at("2026-11-20T13:00:00Z")), None, "that hour was before it was set up");
    assert_eq!(paris.due(at("2026-11-21T00:59:59Z")), None);
    assert_eq!(paris.due(at("2026-11-21T01:00:00Z")).as_deref(), Some("2026-11-21"));
    assert_eq!(
        paris.due(at("2026-11-21T18:00:00Z")).as_deref(),
        Some("2026-11-21"),
        "late is better than not at all"
    );
    paris.last_day = Some("2026-11-21".to_owned());
    assert_eq!(paris.due(at("2026-11-21T18:00:00Z")), None);
    assert_eq!(
        paris.due(at("2026-11-21T23:30:00Z")),
        None,
        "already the next day in Paris, but not its hour"
    );
    assert_eq!(paris.due(at("2026-11-22T01:00:00Z")).as_deref(), Some("2026-11-22"));

    let tokyo = schedule("23", "asia/tokyo", "2026-11-20T00:00:00Z");
    assert_eq!(tokyo.at.to_string(), "daily at 23:00 Asia/Tokyo");
    assert_eq!(tokyo.due(at("2026-11-20T13:59:00Z")), None);
    assert_eq!(tokyo.due(at("2026-11-20T14:00:00Z")).as_deref(), Some("2026-11-20"));
}

#[test]
fn an_hour_that_clocks_skip_or_repeat_is_still_one_moment() {
    // In Paris 2026-03-29 has no 02:00, and 2026-10-25 has it twice.
    let paris = DailyAt::new("02", "Europe/Paris").expect("a time of the day");
    let spring = paris.today(at("2026-03-29T12:00:00Z"));
    assert_eq!(spring, ("2026-03-29".to_owned(), at("2026-03-29T01:00:00Z")));
    let autumn = paris.today(at("2026-10-25T12:00:00Z"));
    assert_eq!(autumn, ("2026-10-25".to_owned(), at("2026-10-25T00:00:00Z")));
}

#[test]
fn what_is_no_time_of_the_day_is_refused() {
    for hour in ["24", "-1", "", "2:00", "002", "+2", "two"] {
        assert_eq!(DailyAt::new(hour, "UTC"), Err(BadDailyAt::Hour { hour: hour.to_owned() }));
    }
    for timezone in ["", "Paris", "Mars/Olympus", "../../etc/passwd", "PST8PST"] {
        let bad = BadDailyAt::Timezone { timezone: timezone.to_owned() };
        assert_eq!(DailyAt::new("2", timezone), Err(bad));
    }
}

fn backup(number: u32, day: &str, scheduled: bool) -> Transfer {
    Transfer {
        id: TransferId::from_u128(u128::from(number)),
        app: AppId::from_u128(1),
        addon: AddonId::from_u128(1),
        number,
        kind: TransferKind::Backup,
        state: TransferState::Succeeded,
        schedule: scheduled.then_some(ScheduleId::from_u128(1)),
        from_name: "DATABASE".to_owned(),
        to_name: "BACKUP".to_owned(),
        source: TransferSource::Own,
        extensions: Vec::new(),
        attempts: 1,
        source_bytes: 0,
        processed_bytes: 0,
        warnings: 0,
        created_at: at(&format!("{day}T02:00:00Z")),
        started_at: None,
        finished_at: None,
    }
}

fn names(spare: &[TransferId], of: &[Transfer]) -> Vec<String> {
    of.iter().filter(|it| spare.contains(&it.id)).map(Transfer::name).collect()
}

#[test]
fn a_plan_keeps_the_newest_and_one_of_each_week() {
    let retention = Retention { manual: 2, days: 3, weeks: 2 };
    let manual: Vec<Transfer> = (1..=4).map(|n| backup(n, &format!("2026-11-{n:02}"), false)).collect();
    assert_eq!(names(&too_many(retention, &manual), &manual), ["b001", "b002"]);

    // From Sunday the 1st to Sunday the 15th; Mondays are the 2nd and the 9th.
    let daily: Vec<Transfer> = (1..=15).map(|n| backup(n, &format!("2026-11-{n:02}"), true)).collect();
    let spare = too_many(retention, &daily);
    let kept: Vec<String> = daily.iter().filter(|it| !spare.contains(&it.id)).map(Transfer::name).collect();
    assert_eq!(kept, ["a002", "a009", "a013", "a014", "a015"]);

    let mut open = backup(5, "2026-11-05", false);
    open.state = TransferState::Running;
    assert_eq!(too_many(retention, &[open]), [], "only what is there can be too many");
}

#[test]
fn a_schedule_kept_day_by_day_always_has_its_weeks() {
    let retention = Retention { manual: 1, days: 2, weeks: 2 };
    let mut kept: Vec<Transfer> = Vec::new();
    for day in 1..=28 {
        kept.push(backup(day, &format!("2026-11-{day:02}"), true));
        let spare = too_many(retention, &kept);
        kept.retain(|it| !spare.contains(&it.id));
    }
    let names: Vec<String> = kept.iter().map(Transfer::name).collect();
    assert_eq!(names, ["a016", "a023", "a027", "a028"]);
}

#[test]
fn extensions_have_plain_names() {
    for good in ["hstore", "uuid-ossp", "myschema.hstore", "pg_trgm"] {
        assert!(is_extension(good), "{good}");
    }
    for bad in ["", ".", "a.", ".b", "a.b.c", "Hstore", "hstore; DROP", "h\"x", "1a"] {
        assert!(!is_extension(bad), "{bad}");
    }
}
