use model::addon::{Addon, AddonState, PLANS};
use model::id::{AddonId, AppId};
use model::time::Timestamp;

use super::{Action, Seen, plan};

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
    Seen { addon, is_elsewhere }
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
    let steps: Vec<String> = plan(all)
        .iter()
        .map(|action| match action {
            Action::Provision(it) => format!("provision {}", it.name),
            Action::Move(it) => format!("move {}", it.name),
            Action::Remove(it) => format!("remove {}", it.name),
        })
        .collect();
    insta::assert_snapshot!(steps.join("\n"), @r"
    provision postgresql-calm-1
    provision postgresql-calm-2
    move postgresql-calm-4
    remove postgresql-calm-5
    remove postgresql-calm-6
    ");
}
