use model::addon::{Addon, AddonState, PLANS};
use model::id::{AddonId, AppId};
use model::time::Timestamp;

use super::{Action, plan};
use crate::credentials::Credentials;
use crate::service::Endpoint;

fn endpoint(port: u16) -> Endpoint {
    Endpoint { host: "pg.example.com".to_owned(), port }
}

fn addon(number: u128, state: AddonState, known_at: Option<u16>) -> Addon {
    Addon {
        id: AddonId::from_u128(number),
        name: format!("postgresql-calm-{number}"),
        app: AppId::from_u128(1),
        plan: &PLANS[0],
        state,
        resource: known_at.map(|port| Credentials::make_up(&endpoint(port)).url()),
        created_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
    }
}

#[test]
fn every_add_on_gets_the_step_it_lacks() {
    let addons = vec![
        addon(1, AddonState::Provisioning, None),
        addon(2, AddonState::Provisioning, Some(5432)),
        addon(3, AddonState::Provisioned, Some(5432)),
        addon(4, AddonState::Provisioned, Some(5433)),
        addon(5, AddonState::Deprovisioning, Some(5433)),
        addon(6, AddonState::Deprovisioning, None),
    ];
    let steps: Vec<String> = plan(addons, &endpoint(5432))
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
