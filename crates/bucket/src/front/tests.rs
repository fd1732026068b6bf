use super::*;

#[test]
fn a_host_names_a_bucket_only_below_the_services_own() {
    let host = Host("s3.example.com".to_owned());
    assert_eq!(host.bucket("b-1.s3.example.com:443").as_deref(), Some("b-1"));
    assert_eq!(host.bucket("B-1.S3.example.com").as_deref(), Some("b-1"));
    for other in [
        "s3.example.com",
        "s3.example.com:443",
        "127.0.0.1:5443",
        "evils3.example.com",
        ".s3.example.com",
        "",
    ] {
        assert_eq!(host.bucket(other), None, "{other}");
    }
}
