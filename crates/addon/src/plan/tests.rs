use model::addon::{Addon, AddonState, PLANS};
use model::config_var::Secret;
use model::database::{Database, Reset, Rotation};
use model::id::{AddonId, AppId};
use model::time::Timestamp;

use super::{Action, INSPECTIONS_MAX, Seen, SeenDatabase, plan};

fn seen(number: u128, state: AddonState, is_elsewhere: bool) -> Seen {
    let addon = Addon {
        id: AddonId::from_u128(number),
        name: format!("postgresql-calm-{number}"),
        app: AppId::from_u128(1),
        plan: &PLANS[0],
        state,
        resource: None,
        created_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
    };
    Seen { addon, is_elsewhere, is_of_other_size: false, database: None }
}

fn told(all: Vec<Seen>) -> String {
    let (actions, _) = plan(all);
    let lines = actions.iter().map(|action| match action {
        Action::Provision(it) => format!("provision {}", it.name),
        Action::Move(it) => format!("move {}", it.name),
        Action::Remove(it, users) => format!("remove {} and {} users", it.name, users.len()),
        Action::Renew(it) => format!("renew {}", it.name),
        Action::Switch(it, _) => format!("switch {}", it.name),
        Action::Retire(it, _) => format!("retire {}", it.name),
        Action::Reset(it, _) => format!("reset {}", it.name),
        Action::Equip(it, connections) => format!("equip {} with {connections} connections", it.name),
        Action::Resize(it) => format!("resize {}", it.name),
        Action::Inspect(it, _) => format!("inspect {}", it.name),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_add_on_gets_the_step_it_lacks() {
    let all = vec![
        seen(1, AddonState::Provisioning, true),
        seen(2, AddonState::Provisioning, false),
        seen(3, AddonState::Provisioned, false),
        seen(4, AddonState::Provisioned, true),
        seen(5, AddonState::Deprovisioning, true),
        seen(6, AddonState::Deprovisioning, false),
    ];
    let steps = told(all);
    insta::assert_snapshot!(steps, @r"
    provision postgresql-calm-1
    provision postgresql-calm-2
    move postgresql-calm-4
    remove postgresql-calm-5 and 0 users
    remove postgresql-calm-6 and 0 users
    ");
}

fn database(number: u128, state: AddonState, change: impl FnOnce(&mut SeenDatabase)) -> Seen {
    let seen = seen(number, state, false);
    let mut database = SeenDatabase {
        database: Database { equipped: Some(seen.addon.plan), ..Database::new(seen.addon.id) },
        old_in_use: false,
        rotation_due: false,
        inspection_due: false,
    };
    change(&mut database);
    Seen { database: Some(database), ..seen }
}

#[test]
fn a_database_is_kept_up_one_step_at_a_time_and_looked_at_last() {
    let there = AddonState::Provisioned;
    let all = vec![
        database(1, there, |_| {}),
        database(2, there, |it| it.inspection_due = true),
        database(3, there, |it| {
            it.database.rotation = Rotation::Wanted { forced: false };
            it.database.reset = Reset::Wanted;
            it.database.equipped = None;
        }),
        database(4, there, |it| {
            it.database.rotation = Rotation::Overlap { forced: false };
            it.old_in_use = true;
            it.rotation_due = true;
        }),
        database(5, there, |it| it.database.rotation = Rotation::Overlap { forced: false }),
        database(6, there, |it| {
            it.database.rotation = Rotation::Overlap { forced: true };
            it.old_in_use = true;
        }),
        database(7, there, |it| it.database.reset = Reset::Begun { identity: 7 }),
        database(8, there, |it| {
            it.database.equipped = Some(&PLANS[1]);
            it.inspection_due = true;
        }),
        database(9, there, |it| it.rotation_due = true),
        database(11, there, |it| {
            it.database.rotation = Rotation::Overlap { forced: false };
            it.old_in_use = true;
            it.database.equipped = None;
        }),
        database(10, AddonState::Deprovisioning, |it| {
            it.database.rotation = Rotation::Overlap { forced: false };
            it.database.retiring = Some(Secret::from("old"));
        }),
    ];
    insta::assert_snapshot!(told(all), @r"
    switch postgresql-calm-3
    retire postgresql-calm-5
    retire postgresql-calm-6
    reset postgresql-calm-7
    equip postgresql-calm-8 with 20 connections
    renew postgresql-calm-9
    equip postgresql-calm-11 with 40 connections
    remove postgresql-calm-10 and 1 users
    inspect postgresql-calm-2
    ");
}

#[test]
fn many_databases_are_looked_at_in_several_goes() {
    let due =
        |number: usize| database(number as u128, AddonState::Provisioned, |it| it.inspection_due = true);
    let (actions, is_more) = plan((0..=INSPECTIONS_MAX).map(due).collect());
    assert_eq!((actions.len(), is_more), (INSPECTIONS_MAX, true));
    let (actions, is_more) = plan((0..INSPECTIONS_MAX).map(due).collect());
    assert_eq!((actions.len(), is_more), (INSPECTIONS_MAX, false));
}
