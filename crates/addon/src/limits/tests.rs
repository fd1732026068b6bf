use std::time::Duration;

use model::addon::plan;
use model::database::Standing;
use model::time::Timestamp;

use super::{Excess, excess, judge};
use crate::service::{DatabaseInfo, Restriction};

fn info(rows: u64, bytes: u64) -> DatabaseInfo {
    DatabaseInfo { version: "15.14".to_owned(), bytes, connections: 0, tables: 1, rows }
}

#[test]
fn a_plan_counts_rows_or_bytes_or_both() {
    const GIB: u64 = 1 << 30;
    for (name, rows, bytes, wanted) in [
        ("mini", 10_000, GIB, None),
        ("mini", 10_001, GIB, Some(Excess::Rows { has: 10_001, most: 10_000 })),
        ("mini", 10_001, GIB + 1, Some(Excess::Bytes { has: GIB + 1, most: GIB })),
        ("basic", 10_000_000, 10 * GIB, None),
        ("basic", 10_000_001, 0, Some(Excess::Rows { has: 10_000_001, most: 10_000_000 })),
        ("essential-0", u64::MAX, GIB, None),
        ("essential-0", 0, GIB + 1, Some(Excess::Bytes { has: GIB + 1, most: GIB })),
        ("standard-0", u64::MAX, 64 * GIB, None),
    ] {
        let plan = plan(&format!("heroku-postgresql:{name}")).expect("a plan");
        assert_eq!(excess(plan, &info(rows, bytes)), wanted, "{name} {rows} {bytes}");
    }
    let rows = Excess::Rows { has: 10_001, most: 10_000 };
    assert_eq!((rows.words().as_str(), rows.restriction()), ("10001 rows of 10000", Restriction::Insert));
    let bytes = Excess::Bytes { has: GIB + GIB / 2, most: GIB };
    assert_eq!(
        (bytes.words().as_str(), bytes.restriction()),
        ("1.50 GB of 1 GB", Restriction::InsertAndUpdate)
    );
}

#[test]
fn time_is_given_from_the_first_look_that_found_it_over() {
    let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
    let over = Some(Excess::Rows { has: 2, most: 1 });
    let grace = Duration::from_secs(10);
    let judged = |standing, excess, now| judge(standing, excess, at(now), grace).expect("possible");
    assert_eq!(judged(Standing::Within, None, 5), Standing::Within);
    let given = judged(Standing::Within, over, 5);
    assert_eq!(given, Standing::Over { since: at(5) });
    assert_eq!(judged(given, over, 14), given);
    assert_eq!(judged(given, None, 14), Standing::Within);
    let restricted = judged(given, over, 15);
    assert_eq!(restricted, Standing::Restricted { since: at(5) });
    assert_eq!(judged(restricted, over, 100), restricted);
    assert_eq!(judged(restricted, None, 100), Standing::Within);
    let at_once = judge(Standing::Within, over, at(5), Duration::ZERO);
    assert_eq!(at_once, Ok(Standing::Restricted { since: at(5) }), "without a grace period");
}
