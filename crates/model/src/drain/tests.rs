use super::{BadDrainUrl, DrainKind, DrainUrl, URL_BYTES_MAX};

fn read(text: &str) -> Result<(DrainKind, String, u16), BadDrainUrl> {
    text.parse().map(|url: DrainUrl| (url.kind(), url.host().to_owned(), url.port()))
}

#[test]
fn kinds_and_their_ports() {
    let ok = |kind, host: &str, port| Ok((kind, host.to_owned(), port));
    assert_eq!(
        read("https://user:pass@logs.example.com/in?x=1"),
        ok(DrainKind::Http, "logs.example.com", 443)
    );
    assert_eq!(read("http://127.0.0.1:8000"), ok(DrainKind::Http, "127.0.0.1", 8000));
    assert_eq!(read("syslog://logs.example.com"), ok(DrainKind::Syslog, "logs.example.com", 514));
    assert_eq!(
        read("syslog+tls://logs.example.com:1234"),
        ok(DrainKind::SyslogTls, "logs.example.com", 1234)
    );
    assert_eq!(read("syslog+tls://[::1]:1"), ok(DrainKind::SyslogTls, "::1", 1));
}

#[test]
fn what_is_no_drain_is_refused() {
    assert_eq!(read("logs.example.com"), Err(BadDrainUrl::NotAUrl));
    assert_eq!(read("https://exa mple.com"), Err(BadDrainUrl::NotAUrl));
    assert_eq!(read("https://example.com/\n"), Err(BadDrainUrl::NotAUrl));
    assert_eq!(read("https://example.com:0/"), Err(BadDrainUrl::NotAUrl));
    assert_eq!(read("ftp://example.com"), Err(BadDrainUrl::Scheme));
    assert_eq!(read("file:///etc/passwd"), Err(BadDrainUrl::Scheme));
    assert_eq!(read("syslog:///path"), Err(BadDrainUrl::NoHost));
    assert_eq!(read(&format!("https://e.com/{}", "x".repeat(URL_BYTES_MAX))), Err(BadDrainUrl::TooLong));
}

#[test]
fn the_password_is_not_printed() {
    let url: DrainUrl = "https://user:hunter2@example.com/token/abc".parse().expect("a URL");
    assert_eq!(format!("{url:?}"), r#"DrainUrl("https://example.com:443")"#);
    assert_eq!(url.expose_secret(), "https://user:hunter2@example.com/token/abc");
}
