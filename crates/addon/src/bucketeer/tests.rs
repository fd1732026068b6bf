use super::*;

fn buckets(url: &str) -> Buckets {
    Buckets::new(Client::new("/nowhere".into()), url.to_owned())
}

#[test]
fn an_app_is_told_all_it_needs() {
    let buckets = buckets("https://s3.example.com");
    let resource = Resource {
        bucket: "bucketeer-abc".to_owned(),
        access_key: "HKKEY".to_owned(),
        secret_key: "secret".to_owned(),
        url: "https://s3.example.com".to_owned(),
    };
    let shown = |attachment| {
        let values = buckets.values(&resource.text(), attachment).expect("values");
        let lines = values.iter().map(|(key, value)| format!("{key}={}", value.expose_secret()));
        lines.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(shown("BUCKETEER"), @r"
    AWS_ACCESS_KEY_ID=HKKEY
    AWS_DEFAULT_REGION=us-east-1
    AWS_ENDPOINT_URL_S3=https://s3.example.com
    AWS_REGION=us-east-1
    AWS_S3_ENDPOINT_URL=https://s3.example.com
    AWS_S3_REGION_NAME=us-east-1
    AWS_SECRET_ACCESS_KEY=secret
    AWS_STORAGE_BUCKET_NAME=bucketeer-abc
    BUCKETEER_AWS_ACCESS_KEY_ID=HKKEY
    BUCKETEER_AWS_ENDPOINT_URL=https://s3.example.com
    BUCKETEER_AWS_REGION=us-east-1
    BUCKETEER_AWS_SECRET_ACCESS_KEY=secret
    BUCKETEER_BUCKET_NAME=bucketeer-abc
    ");
    insta::assert_snapshot!(shown("MEDIA"), @r"
    MEDIA_AWS_ACCESS_KEY_ID=HKKEY
    MEDIA_AWS_ENDPOINT_URL=https://s3.example.com
    MEDIA_AWS_REGION=us-east-1
    MEDIA_AWS_SECRET_ACCESS_KEY=secret
    MEDIA_BUCKET_NAME=bucketeer-abc
    ");
}

#[test]
fn no_two_buckets_have_anything_in_common() {
    let buckets = buckets("https://s3.example.com");
    let made = || Resource::parse(&buckets.make_up()).expect("readable");
    let (one, two) = (made(), made());
    assert!(one.bucket != two.bucket && one.access_key != two.access_key && one.secret_key != two.secret_key);
    assert_eq!((one.access_key.len(), one.secret_key.len()), (20, 40));
    assert!(one.bucket.len() <= 63 && one.bucket.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-'));
}

#[test]
fn a_bucket_moves_with_the_platforms_address() {
    let here = buckets("https://s3.example.com");
    let resource = here.make_up();
    assert_eq!(here.moved(&resource), Ok(None));
    let moved = buckets("https://s3.example.org:8443").moved(&resource).expect("readable").expect("moved");
    let (old, new) = (Resource::parse(&resource).expect("old"), Resource::parse(&moved).expect("new"));
    assert_eq!((new.url.as_str(), new.bucket), ("https://s3.example.org:8443", old.bucket));
    assert_eq!(here.moved(&Secret::from("postgres://")), Err(BadResource));
}
