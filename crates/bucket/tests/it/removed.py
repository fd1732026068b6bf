"""The keys of a bucket that was removed."""

import os

import boto3
from botocore.exceptions import ClientError

s3 = boto3.client("s3", aws_access_key_id=os.environ["TWO_KEY"], aws_secret_access_key=os.environ["TWO_SECRET"])
try:
    s3.list_objects_v2(Bucket="two")
    raise SystemExit("the bucket is still there")
except ClientError as error:
    assert error.response["Error"]["Code"] == "InvalidAccessKeyId", error
print("all is well")
