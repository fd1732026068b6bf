"""An outside S3 that goes away and comes back, as an app sees it."""

import os
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

s3 = boto3.client(
    "s3",
    aws_access_key_id=os.environ["ONE_KEY"],
    aws_secret_access_key=os.environ["ONE_SECRET"],
    config=Config(retries={"max_attempts": 1}),
)
LARGE = os.urandom(3 << 20)
began = time.monotonic()


def away(call, **kwargs):
    try:
        call(Bucket="one", **kwargs)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert status == 503, error
        return
    raise AssertionError("it was there")


if sys.argv[1] == "before":
    s3.put_object(Bucket="one", Key="kept", Body=b"kept")
elif sys.argv[1] == "away":
    away(s3.get_object, Key="kept")
    away(s3.head_object, Key="kept")
    away(s3.put_object, Key="lost", Body=b"small")
    away(s3.put_object, Key="lost", Body=LARGE)
    away(s3.list_objects_v2)
    away(s3.delete_object, Key="kept")
    away(s3.create_multipart_upload, Key="lost")
    assert time.monotonic() - began < 30, "it hangs"
else:
    assert s3.get_object(Bucket="one", Key="kept")["Body"].read() == b"kept"
    assert [row["Key"] for row in s3.list_objects_v2(Bucket="one")["Contents"]] == ["kept"]
    s3.put_object(Bucket="one", Key="large", Body=LARGE)
    assert s3.get_object(Bucket="one", Key="large")["Body"].read() == LARGE
print("all is well")
