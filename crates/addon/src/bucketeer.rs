//! Buckets: one bucket and one key pair per add-on, in the service that `hokku buckets` runs.
//!
//! The resource is JSON: the bucket's name, its keys, and where apps were told it is.

use std::collections::BTreeMap;

use bucket::{Client, ClientError, Definition};
use model::addon::{AWS_KEYS, BUCKET_KEYS, BUCKETEER, Plan, config_keys};
use model::config_var::Secret;
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::service::{BadResource, DataService, ServiceError, Values, Work};

/// The region in which every client believes; signatures are made with it, and it means nothing else here.
const REGION: &str = "us-east-1";
/// Characters of a bucket's name behind its first word.
const NAME_CHARS: usize = 20;
/// Characters of an access key, which Amazon's have too; the beginning tells that it is none of theirs.
const ACCESS_KEY_START: &str = "HK";
const ACCESS_KEY_CHARS: usize = 18;
/// Characters of a secret key, as Amazon's: 238 bits.
const SECRET_KEY_CHARS: usize = 40;
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The service of buckets.
#[derive(Debug, Clone)]
pub struct Buckets {
    client: Client,
    /// Where apps reach it: `https://s3.example.com`.
    url: String,
}

/// What the store keeps of an add-on.
#[derive(Serialize, Deserialize)]
struct Resource {
    bucket: String,
    access_key: String,
    secret_key: String,
    url: String,
}

impl Buckets {
    /// Buckets of the service behind `client`, which apps reach at `url` (without a slash at its end).
    #[must_use]
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }
}

impl Resource {
    fn parse(text: &Secret) -> Result<Self, BadResource> {
        serde_json::from_str(text.expose_secret()).map_err(|_| BadResource)
    }

    fn text(&self) -> Secret {
        // Four texts can always be written.
        Secret::new(serde_json::to_string(self).unwrap_or_default())
    }

    fn definition(self, bytes_max: u64) -> Definition {
        let Self { bucket, access_key, secret_key, url: _ } = self;
        Definition { bucket, access_key, secret_key: Secret::new(secret_key), bytes_max }
    }

    /// The value of a config var, by what it is called behind an attachment's name, or in Amazon's libraries.
    fn value(&self, key: &str) -> Option<&str> {
        Some(match key {
            "AWS_ACCESS_KEY_ID" => &self.access_key,
            "AWS_SECRET_ACCESS_KEY" => &self.secret_key,
            "AWS_REGION" | "AWS_DEFAULT_REGION" | "AWS_S3_REGION_NAME" => REGION,
            "BUCKET_NAME" | "AWS_STORAGE_BUCKET_NAME" => &self.bucket,
            "AWS_ENDPOINT_URL" | "AWS_ENDPOINT_URL_S3" | "AWS_S3_ENDPOINT_URL" => &self.url,
            _ => return None,
        })
    }
}

impl DataService for Buckets {
    fn name(&self) -> &'static str {
        BUCKETEER
    }

    fn address(&self) -> String {
        self.url.clone()
    }

    fn make_up(&self) -> Secret {
        let resource = Resource {
            bucket: format!("{BUCKETEER}-{}", random(LOWER, NAME_CHARS)),
            access_key: format!("{ACCESS_KEY_START}{}", random(UPPER, ACCESS_KEY_CHARS)),
            secret_key: random(MIXED, SECRET_KEY_CHARS),
            url: self.url.clone(),
        };
        resource.text()
    }

    fn create<'a>(&'a self, resource: &'a Secret, plan: &'a Plan) -> Work<'a, ()> {
        Box::pin(async move {
            let definition = Resource::parse(resource)?.definition(plan.bytes);
            self.client.set(&definition).await.map_err(failed("make a bucket"))
        })
    }

    fn remove<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()> {
        Box::pin(async move {
            let bucket = Resource::parse(resource)?.bucket;
            self.client.remove(&bucket).await.map_err(failed("remove a bucket"))
        })
    }

    fn moved(&self, resource: &Secret) -> Result<Option<Secret>, BadResource> {
        let known = Resource::parse(resource)?;
        Ok((known.url != self.url).then(|| Resource { url: self.url.clone(), ..known }.text()))
    }

    fn find<'a>(&'a self, resource: &'a Secret) -> Work<'a, ()> {
        Box::pin(async move {
            let bucket = Resource::parse(resource)?.bucket;
            self.client.measure(&bucket).await.map(drop).map_err(failed("find a bucket"))
        })
    }

    fn values(&self, resource: &Secret, attachment: &str) -> Result<Values, BadResource> {
        let resource = Resource::parse(resource)?;
        let keys = config_keys(BUCKETEER, attachment).ok_or(BadResource)?;
        let known: BTreeMap<String, &str> = BUCKET_KEYS
            .iter()
            .map(|key| (format!("{attachment}_{key}"), *key))
            .chain(AWS_KEYS.iter().map(|key| ((*key).to_owned(), *key)))
            .collect();
        let value = |key: &str| resource.value(known.get(key)?).map(Secret::from);
        keys.into_iter().map(|key| value(key.as_str()).map(|value| (key, value)).ok_or(BadResource)).collect()
    }
}

fn failed(doing: &'static str) -> impl FnOnce(ClientError) -> ServiceError {
    move |cause| ServiceError::Other { doing, cause: Box::new(cause) }
}

fn random(alphabet: &[u8], chars: usize) -> String {
    let mut rng = rand::rng();
    (0..chars).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())])).collect()
}

#[cfg(test)]
mod tests;
