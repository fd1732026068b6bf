use model::addon::{Addon, AddonState, Plan, plan};
use model::database::{GRACE, Standing};
use model::id::{AddonId, AppId};
use model::time::Timestamp;

use super::facts;
use crate::limits::size;
use crate::service::DatabaseInfo;

fn addon(plan: &'static Plan) -> Addon {
    Addon {
        id: AddonId::from_u128(1),
        name: "postgresql-calm-40213".to_owned(),
        app: AppId::from_u128(1),
        plan,
        state: AddonState::Provisioned,
        resource: None,
        created_at: Timestamp::from_micros(1_795_359_334_000_000),
        updated_at: Timestamp::from_micros(0),
    }
}

fn shown(plan_name: &str, info: &DatabaseInfo, standing: Standing) -> String {
    let facts = facts(&addon(plan(plan_name).expect("a plan")), info, standing, GRACE);
    facts.iter().map(|fact| format!("{}: {}\n", fact.name, fact.values.join("; "))).collect()
}

#[test]
fn a_fresh_database_is_told_as_heroku_tells_it() {
    let info =
        DatabaseInfo { version: "15.14".to_owned(), bytes: 8_032_000, connections: 3, tables: 0, rows: 0 };
    insta::assert_snapshot!(shown("heroku-postgresql:essential-0", &info, Standing::Within), @r"
    Plan: Essential 0
    Status: Available
    Connections: 3/20
    PG Version: 15.14
    Created: 2026-11-22 14:55
    Data Size: 7.66 MB / 1 GB (0.75%) (In compliance)
    Tables: 0/4000 (In compliance)
    Fork/Follow: Unsupported
    Rollback: Unsupported
    Continuous Protection: Off
    ");
}

#[test]
fn a_full_database_is_told_to_be_above_its_limits() {
    let info = DatabaseInfo {
        version: "15.14".to_owned(),
        bytes: 3 << 29,
        connections: 20,
        tables: 5,
        rows: 10_001,
    };
    let since = Timestamp::from_micros(1_795_359_334_000_000);
    insta::assert_snapshot!(shown("heroku-postgresql:mini", &info, Standing::Over { since }), @r"
    Plan: Mini
    Status: Over Plan Capacity: Action Required (until 2026-11-29 14:55 UTC)
    Connections: 20/20
    PG Version: 15.14
    Created: 2026-11-22 14:55
    Data Size: 1.50 GB / 1 GB (150.00%) (Above limits, access disruption imminent)
    Rows: 10001/10000 (Above limits, access disruption imminent) - refreshing
    Fork/Follow: Unsupported
    Rollback: Unsupported
    Continuous Protection: Off
    ");
    let restricted = shown("heroku-postgresql:mini", &info, Standing::Restricted { since });
    assert!(restricted.contains("\nStatus: Over Plan Capacity: Access Restricted\n"), "{restricted}");
    assert!(restricted.contains("\nRows: 10001/10000 (Write access revoked) - refreshing\n"), "{restricted}");
}

#[test]
fn sizes_are_told_in_the_unit_that_fits() {
    assert_eq!(size(0, 2), "0.00 bytes");
    assert_eq!(size(1 << 10, 2), "1.00 KB");
    assert_eq!(size(10 << 30, 0), "10 GB");
    assert_eq!(size(u64::MAX, 0), "16777216 TB");
}
