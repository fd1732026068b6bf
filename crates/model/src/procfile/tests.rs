use super::Procfile;

fn types(text: &str) -> Vec<(String, String)> {
    Procfile::parse(text).commands.into_iter().map(|(kind, command)| (kind.to_string(), command)).collect()
}

#[test]
fn lines_follow_the_classic_grammar() {
    let table: [(&str, &[(&str, &str)]); 8] = [
        (
            "web: gunicorn app\nrelease: python manage.py migrate\n",
            &[("release", "python manage.py migrate"), ("web", "gunicorn app")],
        ),
        ("web:gunicorn app", &[]),
        ("web gunicorn app", &[("web", "gunicorn app")]),
        ("  web:\tgunicorn  app  ", &[("web", "gunicorn  app")]),
        ("# web: no\n\nweb: a\nweb: b", &[("web", "b")]),
        ("my_type-2: x", &[("my_type-2", "x")]),
        ("web:", &[]),
        ("web: a\r\nworker: b\r\n", &[("web", "a"), ("worker", "b")]),
    ];
    for (text, wanted) in table {
        let wanted: Vec<_> = wanted.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(types(text), wanted, "{text:?}");
    }
}

#[test]
fn the_release_command_is_found() {
    assert_eq!(Procfile::parse("release: ./go\n").release_command(), Some("./go"));
    assert_eq!(Procfile::parse("web: ./go\n").release_command(), None);
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let _ = Procfile::parse(&text);
    }
}
