use model::config_var::Secret;

use super::Credentials;
use crate::service::{BadResource, Endpoint};

fn endpoint(host: &str) -> Endpoint {
    Endpoint { host: host.to_owned(), port: 5432 }
}

#[test]
fn made_up_credentials_look_like_herokus() {
    let made = Credentials::make_up(&endpoint("pg.example.com"));
    let url = made.url();
    let shape: String = url
        .expose_secret()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { 'x' } else { c })
        .collect();
    let login = format!("{}:{}", "x".repeat(14), "x".repeat(65));
    assert_eq!(shape, format!("xxxxxxxx://{login}@xx.xxxxxxx.xxx:xxxx/{}", "x".repeat(14)));
    assert!(url.expose_secret().starts_with("postgres://u"));
    assert!(made.database().starts_with('d') && made.password().expose_secret().starts_with('p'));
    assert!(made.password().expose_secret()[1..].chars().all(|c| c.is_ascii_hexdigit()));
    assert_ne!(made, Credentials::make_up(&endpoint("pg.example.com")));
}

#[test]
fn a_url_reads_back_as_what_it_was() {
    for host in ["pg.example.com", "10.7.0.1", "fd00::1"] {
        let made = Credentials::make_up(&endpoint(host));
        assert_eq!(Credentials::parse(&made.url()), Ok(made));
    }
    let moved = Credentials::make_up(&endpoint("a")).at(&endpoint("fd00::1"));
    assert!(moved.url().expose_secret().contains("@[fd00::1]:5432/"));
}

#[test]
fn what_would_need_quoting_is_no_credential() {
    for text in [
        "",
        "postgres://u:p@h:5432/",
        "postgres://u:p@h/d",
        "postgres://u:p@h:70000/d",
        "postgresql://u:p@h:5432/d",
        "postgres://u\"x:p@h:5432/d",
        "postgres://u:p@h:5432/d?sslmode=disable",
    ] {
        assert_eq!(Credentials::parse(&Secret::from(text)), Err(BadResource), "{text}");
    }
}
