"""A bucket of 100,000 bytes that is filled, then gets a plan of 200,000, then one of 50,000."""

import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

s3 = boto3.client(
    "s3",
    aws_access_key_id=os.environ["TWO_KEY"],
    aws_secret_access_key=os.environ["TWO_SECRET"],
    config=Config(retries={"max_attempts": 1}),
)


def put(key, size):
    s3.put_object(Bucket="two", Key=key, Body=b"x" * size)


def refused(key, size):
    try:
        put(key, size)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "QuotaExceeded", error
        assert "addons:upgrade" in error.response["Error"]["Message"], error
        return
    raise AssertionError(f"{key} was not refused")


if sys.argv[1] == "full":
    put("first", 90_000)
    refused("second", 90_000)
elif sys.argv[1] == "larger":
    put("second", 90_000)
    refused("third", 90_000)
else:
    # Nothing is lost to a smaller plan, and nothing is added until there is room again.
    assert len(s3.get_object(Bucket="two", Key="first")["Body"].read()) == 90_000
    refused("third", 1)
    refused("first", 90_001)
    put("first", 60_000)
    s3.copy_object(Bucket="two", Key="second", CopySource="two/first")
    s3.delete_object(Bucket="two", Key="second")
    refused("third", 1)
    put("first", 40_000)
    put("third", 10_000)
    refused("fourth", 1)
print("all is well")
