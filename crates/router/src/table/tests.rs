use super::{Certificate, ControlRoute, Route, RouteState, Table, Upstream};
use model::id::AppId;

fn table() -> Table {
    let route = Route {
        app_id: AppId::from_u128(7),
        app_name: "shop".into(),
        state: RouteState::Serving {
            dynos: vec![Upstream {
                name: "web.1".into(),
                addr: "10.1.2.3:4000".parse().expect("an address"),
            }],
        },
        maintenance: false,
        error_page_url: Some("https://s3.example/e.html".into()),
        maintenance_page_url: None,
    };
    Table {
        generation: 3,
        routes: [("shop.example.com".to_owned(), route)].into(),
        control: Some(ControlRoute { hosts: vec!["api.example.com".into()], socket: "run/api.sock".into() }),
        services: vec![ControlRoute { hosts: vec!["s3.example.com".into()], socket: "run/s3.sock".into() }],
        certificates: vec![Certificate {
            hosts: vec!["*.example.com".into()],
            chain_pem: "CHAIN".into(),
            key_pem: "SECRET".into(),
        }],
        challenges: [("token".to_owned(), "token.thumb".to_owned())].into(),
    }
}

#[test]
fn a_table_survives_its_own_json() {
    let text = serde_json::to_string(&table()).expect("a table is plain data");
    assert_eq!(serde_json::from_str::<Table>(&text).expect("our own text"), table());
    insta::assert_snapshot!(text);
}

#[test]
fn a_key_is_never_printed() {
    assert!(!format!("{:?}", table()).contains("SECRET"));
}

#[test]
fn states_are_single_words() {
    for (word, state) in [
        ("\"starting\"", RouteState::Starting),
        ("\"crashed\"", RouteState::Crashed),
        ("\"no_web_process\"", RouteState::NoWebProcess),
        ("\"blank\"", RouteState::Blank),
    ] {
        assert_eq!(serde_json::from_str::<RouteState>(word).expect(word), state);
    }
}

#[test]
fn a_bad_app_id_is_refused() {
    let text = serde_json::to_string(&table()).expect("a table is plain data");
    let text = text.replace("00000000-0000-0000-0000-000000000007", "seven");
    assert!(serde_json::from_str::<Table>(&text).is_err());
}
