use super::Site;

fn site(domain: &str, port: u16) -> Site {
    Site { domain: domain.parse().expect("a domain"), port, rendezvous_port: 5000 }
}

#[test]
fn a_laptop_answers_api_and_git_at_the_bare_name() {
    let site = site("localhost", 5443);
    let app = "shop".parse().expect("a name");
    assert_eq!(site.web_url(&app), "https://shop.localhost:5443/");
    assert_eq!(site.git_url(&app), "https://localhost:5443/shop.git");
    assert_eq!(site.api_url("/account"), "https://localhost:5443/account");
    assert_eq!(site.dashboard_url("/apps"), "https://dashboard.localhost:5443/apps");
    assert_eq!(site.rendezvous_url("s3cret"), "rendezvous://localhost:5000/s3cret");
    assert!(site.control_hosts().contains(&"127.0.0.1".to_owned()));
}

#[test]
fn a_real_domain_has_its_own_names_and_no_port() {
    let site = site("paas.example.com", 443);
    let app = "shop".parse().expect("a name");
    assert_eq!(site.web_url(&app), "https://shop.paas.example.com/");
    assert_eq!(site.git_url(&app), "https://git.paas.example.com/shop.git");
    assert_eq!(site.api_url("/account"), "https://api.paas.example.com/account");
    assert_eq!(site.dashboard_url("/apps"), "https://dashboard.paas.example.com/apps");
    assert!(site.control_hosts().contains(&site.dashboard_host()));
    assert!(!site.control_hosts().contains(&"127.0.0.1".to_owned()));
}
