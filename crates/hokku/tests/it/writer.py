"""Puts one object after the other through the public port, and says each that was acknowledged, until its input ends;
then reads all of them back. Keys and endpoint are the app's own config vars."""

import os
import socket
import sys
import threading

import boto3
from botocore.config import Config

resolve = socket.getaddrinfo
# Debian's resolver does not know what every browser knows.
socket.getaddrinfo = lambda host, *more, **named: resolve(
    "127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named
)

BUCKET = os.environ["AWS_STORAGE_BUCKET_NAME"]
s3 = boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 10}, read_timeout=20))
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
written = []
while not over.is_set():
    number = len(written)
    s3.put_object(Bucket=BUCKET, Key=f"kept/{number:06}", Body=str(number).encode() * 3000)
    written.append(number)
    print(f"kept {number}", flush=True)
pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="kept/")
listed = [row["Key"] for page in pages for row in page.get("Contents", [])]
assert listed == [f"kept/{number:06}" for number in written], f"{len(listed)} of {len(written)}"
for number in written:
    found = s3.get_object(Bucket=BUCKET, Key=f"kept/{number:06}")["Body"].read()
    assert found == str(number).encode() * 3000, number
print(f"all {len(written)} are there")
