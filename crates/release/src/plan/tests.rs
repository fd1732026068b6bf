use model::dyno::ExitReason;
use model::id::{AccountId, AppId, DynoId, ReleaseId, SlugId};
use model::release::{Release, ReleaseStatus, ReleaseVersion};
use model::time::Timestamp;

use super::{Action, AppSeen, CommandEnd, Open, Seen, plan};

fn open(version: u32, status: ReleaseStatus) -> Open {
    let release = Release {
        id: ReleaseId::from_u128(u128::from(version)),
        app: AppId::from_u128(1),
        version: ReleaseVersion(version),
        status,
        slug: Some(SlugId::from_u128(1)),
        description: "a change".to_owned(),
        user: AccountId::from_u128(1),
        runs_command: true,
        command_dyno: None,
        failure: None,
        addon_plans: Vec::new(),
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    };
    Open { release, command: None, command_end: None }
}

fn with_command(open: Open, command_end: Option<CommandEnd>) -> Open {
    let command_dyno = command_end.map(|_| DynoId::from_u128(1));
    Open {
        release: Release { command_dyno, ..open.release },
        command: Some("migrate".to_owned()),
        command_end,
    }
}

/// The plan in words, one line an action.
fn planned(open: Vec<Open>) -> String {
    let seen = Seen { unreleased: Vec::new(), apps: [(AppId::from_u128(1), AppSeen { open })].into() };
    let lines = plan(&seen).into_iter().map(|action| match action {
        Action::MakeRelease(build) => format!("release build {}", build.id),
        Action::Settle(release) => format!("settle {}", release.version),
        Action::Begin(release) => format!("begin {}", release.version),
        Action::BeginCommand(release, command) => format!("begin {} with `{command}`", release.version),
        Action::EndCommand(release) => format!("roll out {}", release.version),
        Action::FailCommand(release, end) => format!("fail {}: {end:?}", release.version),
        Action::Supersede(release) => format!("supersede {}", release.version),
    });
    lines.collect::<Vec<_>>().join("; ")
}

#[test]
fn releases_take_turns() {
    use ReleaseStatus::{Command, Queued, RollingOut};
    let running = Some(CommandEnd::Running);
    let exited = |status| Some(CommandEnd::Exited { status, reason: ExitReason::OwnAccord });
    let killed = Some(CommandEnd::Exited { status: 0, reason: ExitReason::Stopped });
    let codeless = || {
        let open = open(3, Queued);
        Open { release: Release { slug: None, ..open.release }, ..open }
    };
    let quiet = || {
        let open = with_command(open(3, Queued), None);
        Open { release: Release { runs_command: false, ..open.release }, ..open }
    };
    let table = [
        (vec![], ""),
        (vec![codeless()], "settle v3"),
        (vec![open(3, Queued)], "begin v3"),
        (vec![with_command(open(3, Queued), None)], "begin v3 with `migrate`"),
        (vec![quiet()], "begin v3"),
        (vec![open(3, Queued), open(4, Queued)], "begin v3"),
        (vec![with_command(open(3, Command), running)], ""),
        (vec![with_command(open(3, Command), running), open(4, Queued)], ""),
        (vec![with_command(open(3, Command), exited(0))], "roll out v3"),
        (vec![with_command(open(3, Command), exited(3))], "fail v3: Exited { status: 3, reason: OwnAccord }"),
        (vec![with_command(open(3, Command), killed)], "fail v3: Exited { status: 0, reason: Stopped }"),
        (vec![with_command(open(3, Command), Some(CommandEnd::Lost))], "fail v3: Lost"),
        (vec![open(3, RollingOut)], ""),
        (vec![open(3, RollingOut), open(4, Queued)], "supersede v3"),
    ];
    for (seen, wanted) in table {
        let show: Vec<_> = seen.iter().map(|it| (it.release.version, it.release.status)).collect();
        assert_eq!(planned(seen), wanted, "{show:?}");
    }
}
