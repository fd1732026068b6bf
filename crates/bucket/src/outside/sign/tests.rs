use super::*;

/// The example of Amazon's documentation ("GET Bucket (List Objects)"), whose keys are invented.
#[test]
fn a_signature_is_as_documented() {
    let signer = Signer {
        access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_key: Secret::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        region: "us-east-1".to_owned(),
    };
    let query = [("prefix", "J".to_owned()), ("max-keys", "2".to_owned())];
    let target = Target::new("examplebucket.s3.amazonaws.com", "/", &query);
    let mut headers = HeaderMap::new();
    let at: Timestamp = "2013-05-24T00:00:00Z".parse().expect("a time");
    signer.sign(&Method::GET, &target, &mut headers, &hash_of(b""), at).expect("signed");
    let value = headers[AUTHORIZATION].to_str().expect("text");
    assert!(value.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date"), "{value}");
    let signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
    assert!(value.ends_with(signature), "{value}");
}

#[test]
fn names_are_sent_as_they_are_signed() {
    let target =
        Target::new("h", "/b/a b+c%/ü//x", &[("prefix", "a/&=".to_owned()), ("delete", String::new())]);
    assert_eq!(target.path, "/b/a%20b%2Bc%25/%C3%BC//x");
    assert_eq!(target.query, "delete=&prefix=a%2F%26%3D");
    let url: reqwest::Url = format!("http://h{}?{}", target.path, target.query).parse().expect("a URL");
    assert_eq!((url.path(), url.query()), (target.path.as_str(), Some(target.query.as_str())));
}
