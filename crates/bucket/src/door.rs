//! Who may do what: a key pair opens its one bucket, everybody may read what is public, and nothing else happens.

use std::sync::Arc;

use async_trait::async_trait;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::{CopyObjectInput, CopySource, UploadPartCopyInput};
use s3s::path::S3Path;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use crate::refusal::denied;
use crate::shelf::Shelf;

/// Objects whose names begin so are everybody's to read, as Bucketeer has it.
const PUBLIC: &str = "public/";
/// What strangers may do with public objects.
const READING: [&str; 2] = ["GetObject", "HeadObject"];

/// The guard of all buckets.
#[derive(Clone)]
pub(crate) struct Door(pub(crate) Arc<Shelf>);

#[async_trait]
impl S3Auth for Door {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.opened_by(access_key) {
            Some((secret, _)) => Ok(SecretKey::from(secret.expose_secret())),
            None => Err(S3Error::with_message(
                S3ErrorCode::InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records.",
            )),
        }
    }
}

#[async_trait]
impl S3Access for Door {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = cx.credentials() else {
            let S3Path::Object { bucket, key } = cx.s3_path() else { return Err(denied()) };
            let reads = READING.contains(&cx.s3_op().name());
            return if reads && self.is_public(bucket, key).await? { Ok(()) } else { Err(denied()) };
        };
        let (_, own) = self.0.opened_by(&credentials.access_key).ok_or_else(denied)?;
        match cx.s3_path().get_bucket_name() {
            Some(name) if name != own.name => Err(denied()),
            _ => Ok(()),
        }
    }

    async fn copy_object(&self, request: &mut S3Request<CopyObjectInput>) -> S3Result<()> {
        same_bucket(&request.input.bucket, &request.input.copy_source)
    }

    async fn upload_part_copy(&self, request: &mut S3Request<UploadPartCopyInput>) -> S3Result<()> {
        same_bucket(&request.input.bucket, &request.input.copy_source)
    }
}

impl Door {
    async fn is_public(&self, bucket: &str, key: &str) -> S3Result<bool> {
        let Some(bucket) = self.0.bucket(bucket) else { return Ok(false) };
        if key.starts_with(PUBLIC) {
            return Ok(true);
        }
        bucket.objects.is_public(key).await
    }
}

/// The keys of one bucket open no other, so nothing is copied between two.
fn same_bucket(own: &str, source: &CopySource) -> S3Result<()> {
    match source {
        CopySource::Bucket { bucket, .. } if **bucket == *own => Ok(()),
        _ => Err(denied()),
    }
}
