use std::sync::Arc;
use std::time::Duration;

use model::id::AppId;

use super::{Choice, Destination, Dyno, Registry, Serving, Snapshot, choose};
use crate::config::Limits;
use crate::table::{ControlRoute, Route, RouteState, Table, Upstream};

fn route(app: u128, ports: &[u16]) -> Route {
    let up = |port: &u16| Upstream { name: format!("web.{port}"), addr: ([127, 0, 0, 1], *port).into() };
    Route {
        app_id: AppId::from_u128(app),
        app_name: "app".into(),
        state: RouteState::Serving { dynos: ports.iter().map(up).collect() },
        maintenance: false,
        error_page_url: None,
        maintenance_page_url: None,
    }
}

fn table(routes: &[(&str, Route)]) -> Table {
    let control = ControlRoute { hosts: vec!["api.x".into(), "127.0.0.1".into()], socket: "s".into() };
    let routes = routes.iter().map(|(host, route)| ((*host).to_owned(), route.clone())).collect();
    let services = vec![ControlRoute { hosts: vec!["s3.x".into(), "*.s3.x".into()], socket: "b".into() }];
    Table { generation: 1, routes, control: Some(control), services, ..Table::default() }
}

fn registry() -> Registry {
    Registry::new(Limits { dyno_in_flight: 2, ..Limits::default() })
}

fn dynos(snapshot: &Snapshot, host: &str) -> Vec<Arc<Dyno>> {
    match snapshot.find(host).map(|found| &**found) {
        Some(Destination::App(app)) => match &app.serving {
            Serving::Dynos(dynos) => dynos.clone(),
            other => panic!("{host} is {other:?}"),
        },
        other => panic!("{host} leads to {other:?}"),
    }
}

#[tokio::test]
async fn hosts_are_found_exactly_then_by_wildcard_and_control_comes_first() {
    let all = [("a.x", route(1, &[1])), ("*.x", route(2, &[2])), ("api.x", route(3, &[3]))];
    let snapshot = registry().index(&table(&all));
    assert_eq!(dynos(&snapshot, "a.x")[0].name, "web.1");
    assert_eq!(dynos(&snapshot, "b.x")[0].name, "web.2");
    assert!(matches!(&**snapshot.find("api.x").expect("known"), Destination::Control(_)));
    assert!(matches!(&**snapshot.find("127.0.0.1").expect("known"), Destination::Control(_)));
    let address = |host: &str| match &**snapshot.find(host).expect("known") {
        Destination::Control(part) => part.address.clone(),
        other => panic!("{host} leads to {other:?}"),
    };
    assert_eq!(address("s3.x"), super::Address::Unix("b".into()));
    assert_eq!(address("b-1.s3.x"), address("s3.x"), "each bucket has a host of its own");
    assert_eq!(address("api.x"), super::Address::Unix("s".into()));
    for unknown in ["x", "c.b.x", "", "localhost"] {
        assert!(snapshot.find(unknown).is_none(), "{unknown}");
    }
}

#[tokio::test]
async fn counters_live_on_from_table_to_table_and_beyond() {
    let mut registry = registry();
    let address = ([127, 0, 0, 1], 1).into();
    let first = registry.index(&table(&[("a.x", route(1, &[1, 2]))]));
    let Some(Choice::Slot(slot)) = choose(&dynos(&first, "a.x"), 0) else { panic!("both dynos are free") };
    assert_eq!(registry.in_flight(&[address])[&address], 1);
    let second = registry.index(&table(&[("a.x", route(1, &[1]))]));
    assert!(Arc::ptr_eq(&dynos(&second, "a.x")[0], &slot.0));
    assert!(second.uses(slot.0.id));
    let third = registry.index(&table(&[("a.x", route(1, &[2]))]));
    drop((first, second));
    assert!(!third.uses(slot.0.id));
    assert_eq!(registry.in_flight(&[address])[&address], 1, "it is in no table, but still at work");
    drop(slot);
    assert_eq!(registry.in_flight(&[address])[&address], 0);
}

#[tokio::test]
async fn choosing_passes_over_the_full_and_the_quarantined() {
    let snapshot = registry().index(&table(&[("a.x", route(1, &[1, 2]))]));
    let dynos = dynos(&snapshot, "a.x");
    dynos[0].quarantine(Duration::from_secs(60));
    let take = |random| match choose(&dynos, random) {
        Some(Choice::Slot(slot)) => slot,
        other => panic!("{other:?}"),
    };
    let held = [take(0), take(1)];
    assert!(held.iter().all(|slot| slot.0.name == "web.2"));
    assert!(matches!(choose(&dynos, 0), Some(Choice::AllFull)));
    dynos[1].quarantine(Duration::from_secs(30));
    let Some(Choice::AllQuarantined(end)) = choose(&dynos, 7) else { panic!("nothing can be chosen") };
    assert!(end.elapsed().is_zero() && end < tokio::time::Instant::now() + Duration::from_secs(31));
    assert!(choose(&[], 3).is_none());
}

#[tokio::test]
async fn every_dyno_gets_its_share() {
    let snapshot = registry().index(&table(&[("a.x", route(1, &[1, 2, 3]))]));
    let dynos = dynos(&snapshot, "a.x");
    let mut counts = [0; 3];
    for random in 0..300 {
        let Some(Choice::Slot(slot)) = choose(&dynos, random) else { panic!("all are free") };
        counts[dynos.iter().position(|dyno| Arc::ptr_eq(dyno, &slot.0)).expect("one of them")] += 1;
    }
    assert_eq!(counts, [100; 3]);
}

#[tokio::test]
async fn a_queue_has_an_end() {
    let snapshot = registry().index(&table(&[("a.x", route(1, &[1]))]));
    let Destination::App(app) = &**snapshot.find("a.x").expect("known") else { panic!("an app") };
    let first = app.gate.enter(1).expect("the queue is empty");
    assert!(first.is_at(&app.gate) && app.gate.enter(1).is_none());
    drop(first);
    assert!(app.gate.enter(1).is_some());
}
