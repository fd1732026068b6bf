use model::config_var::Secret;

use super::{Failure, failure, sign};

#[test]
fn what_answers_mean() {
    let means = |code: u16| failure(reqwest::StatusCode::from_u16(code).expect("a status"));
    assert_eq!([means(200), means(204), means(299)], [None, None, None]);
    assert_eq!(means(302), Some(Failure::Redirect));
    assert_eq!(means(404), Some(Failure::ClientError));
    assert_eq!([means(500), means(503)], [Some(Failure::ServerError); 2]);
}

/// The value is Python's `base64.b64encode(hmac.new(b"secret", b"{}", "sha256").digest())`.
#[test]
fn the_signature_is_hmac_sha256_in_base64() {
    assert_eq!(sign(&Secret::from("secret"), b"{}"), "dzJZAsrKgS3CWXM6rNBGtzgXNyx3e42VtAJkdHRRbhM=");
}
