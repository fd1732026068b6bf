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
