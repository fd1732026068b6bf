use super::Hostname;

#[test]
fn host_names_are_dns_names() {
    for good in ["www.example.com", "*.example.com", "EXAMPLE.com", "localhost", "a-b.c_d.example"] {
        let name: Hostname = good.parse().expect("a host name");
        assert_eq!(name.as_str(), good.to_ascii_lowercase());
    }
    let long = ["a".repeat(63).as_str(); 4].join(".");
    for bad in ["", ".", "a..b", "-a.example", "a-.example", "a b", "a*.example", "http://a", &long] {
        assert!(bad.parse::<Hostname>().is_err(), "{bad}");
    }
}

#[test]
fn a_wildcard_overlaps_the_names_one_label_below() {
    let host = |text: &str| text.parse::<Hostname>().expect("a host name");
    assert!(host("*.example.com").overlaps(&host("www.example.com")));
    assert!(host("www.example.com").overlaps(&host("*.example.com")));
    assert!(host("www.example.com").overlaps(&host("WWW.example.com")));
    for other in ["example.com", "a.www.example.com", "*.www.example.com", "www.example.org"] {
        assert!(!host("*.example.com").overlaps(&host(other)), "{other}");
    }
}
