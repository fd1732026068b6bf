//! S3's operations. Here is what each asks and answers; what it says in S3's words is below, and what keeps the objects
//! behind [`Objects`](crate::objects::Objects).

mod list;
mod multipart;
mod read;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, Bucket as BucketRow, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, DeleteBucketCorsInput, DeleteBucketCorsOutput, DeleteObjectInput,
    DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, GetBucketCorsInput, GetBucketCorsOutput,
    GetBucketLocationInput, GetBucketLocationOutput, GetObjectInput, GetObjectOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsInput, ListObjectsOutput,
    ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput, PutBucketCorsInput,
    PutBucketCorsOutput, PutObjectInput, PutObjectOutput, UploadPartCopyInput, UploadPartCopyOutput,
    UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use crate::bucket::Bucket;
use crate::cors;
use crate::refusal::denied;
use crate::serve::Clock;
use crate::shelf::Shelf;

/// The buckets as an S3 service.
pub(crate) struct Operations {
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) clock: Clock,
}

impl Operations {
    fn bucket(&self, name: &str) -> S3Result<Arc<Bucket>> {
        self.shelf.bucket(name).ok_or_else(|| {
            S3Error::with_message(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist")
        })
    }

    /// Microseconds since the epoch.
    fn now(&self) -> i64 {
        (self.clock)().as_micros()
    }
}

/// Runs what blocks where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> S3Result<T> + Send + 'static,
) -> S3Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|cut| Err(S3Error::with_source(S3ErrorCode::InternalError, Box::new(cut))))
}

/// S3 counts in signed numbers.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn reply<T>(output: S3Result<T>) -> S3Result<S3Response<T>> {
    output.map(S3Response::new)
}

#[async_trait]
impl S3 for Operations {
    async fn list_buckets(
        &self,
        asked: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let credentials = asked.credentials.ok_or_else(denied)?;
        let (_, own) = self.shelf.opened_by(&credentials.access_key).ok_or_else(denied)?;
        let row = BucketRow { name: Some(own.name.clone()), ..BucketRow::default() };
        reply(Ok(ListBucketsOutput { buckets: Some(vec![row]), ..ListBucketsOutput::default() }))
    }

    async fn head_bucket(&self, asked: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        reply(self.bucket(&asked.input.bucket).map(|_| HeadBucketOutput::default()))
    }

    async fn get_bucket_location(
        &self,
        asked: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        // Nothing stands for us-east-1, the region that every client knows.
        reply(self.bucket(&asked.input.bucket).map(|_| GetBucketLocationOutput::default()))
    }

    async fn put_bucket_cors(
        &self,
        asked: S3Request<PutBucketCorsInput>,
    ) -> S3Result<S3Response<PutBucketCorsOutput>> {
        let bucket = self.bucket(&asked.input.bucket)?;
        let rules = cors::accept(asked.input.cors_configuration.cors_rules)?;
        reply(blocking(move || bucket.set_rules(rules)).await.map(|()| PutBucketCorsOutput::default()))
    }

    async fn get_bucket_cors(
        &self,
        asked: S3Request<GetBucketCorsInput>,
    ) -> S3Result<S3Response<GetBucketCorsOutput>> {
        let bucket = self.bucket(&asked.input.bucket)?;
        let rules = bucket.rules();
        if rules.is_empty() {
            let message = "The CORS configuration does not exist";
            return Err(S3Error::with_message(S3ErrorCode::NoSuchCORSConfiguration, message));
        }
        let rules = rules.into_iter().map(Into::into).collect();
        reply(Ok(GetBucketCorsOutput { cors_rules: Some(rules) }))
    }

    async fn delete_bucket_cors(
        &self,
        asked: S3Request<DeleteBucketCorsInput>,
    ) -> S3Result<S3Response<DeleteBucketCorsOutput>> {
        let bucket = self.bucket(&asked.input.bucket)?;
        reply(
            blocking(move || bucket.set_rules(Vec::new())).await.map(|()| DeleteBucketCorsOutput::default()),
        )
    }

    async fn put_object(&self, asked: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        reply(write::put(&self.bucket(&asked.input.bucket)?, asked, self.now()).await)
    }

    async fn copy_object(&self, asked: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        reply(write::copy(&self.bucket(&asked.input.bucket)?, asked.input, self.now()).await)
    }

    async fn delete_object(
        &self,
        asked: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        reply(write::delete(&self.bucket(&asked.input.bucket)?, asked.input).await)
    }

    async fn delete_objects(
        &self,
        asked: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        reply(write::delete_all(&self.bucket(&asked.input.bucket)?, asked.input).await)
    }

    async fn get_object(&self, asked: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        read::get(&self.bucket(&asked.input.bucket)?, asked).await
    }

    async fn head_object(&self, asked: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        reply(read::head(&self.bucket(&asked.input.bucket)?, asked.input).await)
    }

    async fn list_objects(
        &self,
        asked: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        reply(list::v1(&self.bucket(&asked.input.bucket)?, asked.input).await)
    }

    async fn list_objects_v2(
        &self,
        asked: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        reply(list::v2(&self.bucket(&asked.input.bucket)?, asked.input).await)
    }

    async fn create_multipart_upload(
        &self,
        asked: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        reply(multipart::create(&self.bucket(&asked.input.bucket)?, asked.input, self.now()).await)
    }

    async fn upload_part(&self, asked: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        reply(multipart::part(&self.bucket(&asked.input.bucket)?, asked, self.now()).await)
    }

    async fn upload_part_copy(
        &self,
        asked: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        reply(multipart::part_copy(&self.bucket(&asked.input.bucket)?, asked.input, self.now()).await)
    }

    async fn complete_multipart_upload(
        &self,
        asked: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        reply(multipart::complete(&self.bucket(&asked.input.bucket)?, asked.input, self.now()).await)
    }

    async fn abort_multipart_upload(
        &self,
        asked: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        reply(multipart::abort(&self.bucket(&asked.input.bucket)?, asked.input, self.now()).await)
    }

    async fn list_parts(&self, asked: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        reply(multipart::parts(&self.bucket(&asked.input.bucket)?, asked.input, self.now()).await)
    }

    async fn list_multipart_uploads(
        &self,
        asked: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        reply(multipart::uploads(&self.bucket(&asked.input.bucket)?, asked.input).await)
    }
}
