"""An app's use of a bucket whose objects are in an outside S3. The config vars of two apps are in OWN and OTHER."""

import io
import json
import os
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from refusals import refused

resolve = socket.getaddrinfo
# Debian's resolver does not know what every browser knows.
socket.getaddrinfo = lambda host, *more, **named: resolve(
    "127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named
)
TLS = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
MIB = 1 << 20


class App:
    def __init__(self, config, **more):
        self.bucket = config["AWS_STORAGE_BUCKET_NAME"]
        self.endpoint = config["AWS_ENDPOINT_URL_S3"]
        self.s3 = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=config["AWS_REGION"],
            aws_access_key_id=config["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=config["AWS_SECRET_ACCESS_KEY"],
            config=Config(**(more or {"retries": {"max_attempts": 1}})),
        )


own, other = App(json.loads(os.environ["OWN"])), App(json.loads(os.environ["OTHER"]))
s3, place = own.s3, {"Bucket": own.bucket}


def fetch(url, method="GET", data=None):
    try:
        headers = {"Content-Type": "text/plain"} if data else {}
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, context=TLS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def use():
    s3.put_object(**place, Key="a/hello.txt", Body=b"hello", ContentType="text/plain", Metadata={"colour": "red"})
    got = s3.get_object(**place, Key="a/hello.txt")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"hello", "text/plain", {"colour": "red"})
    assert s3.get_object(**place, Key="a/hello.txt", Range="bytes=1-3")["Body"].read() == b"ell"
    refused("NoSuchKey", s3.get_object, **place, Key="none")
    refused("304", s3.get_object, **place, Key="a/hello.txt", IfNoneMatch=got["ETag"])
    body = os.urandom(13 * MIB)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_fileobj(io.BytesIO(body), own.bucket, "large.bin", Config=config)
    found = io.BytesIO()
    s3.download_fileobj(own.bucket, "large.bin", found, Config=config)
    assert found.getvalue() == body
    s3.put_object(**place, Key="whole.bin", Body=body)
    assert s3.get_object(**place, Key="whole.bin")["Body"].read() == body
    refused("BadDigest", s3.put_object, **place, Key="bad.bin", Body=body, ChecksumCRC32="AAAAAA==")
    refused("NoSuchKey", s3.get_object, **place, Key="bad.bin")
    s3.copy_object(**place, Key="copy.txt", CopySource=f"{own.bucket}/a/hello.txt")
    assert s3.get_object(**place, Key="copy.txt")["Metadata"] == {"colour": "red"}
    url = s3.generate_presigned_url(
        "put_object", Params={**place, "Key": "signed", "ContentType": "text/plain"}, ExpiresIn=60
    )
    assert fetch(url, "PUT", b"by a browser")[0] == 200
    url = s3.generate_presigned_url("get_object", Params={**place, "Key": "signed"}, ExpiresIn=60)
    assert fetch(url) == (200, b"by a browser")
    s3.put_object(**place, Key="public/logo", Body=b"logo")
    s3.put_object(**place, Key="open", Body=b"open", ACL="public-read")
    assert fetch(f"{own.endpoint}/{own.bucket}/public/logo") == (200, b"logo")
    assert fetch(f"{own.endpoint}/{own.bucket}/open") == (200, b"open")
    assert fetch(f"{own.endpoint}/{own.bucket}/signed")[0] == 403
    for number in range(30):
        s3.put_object(**place, Key=f"many/{number % 3}/{number:02}", Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(**place, Prefix="many/", PaginationConfig={"PageSize": 7})
    assert sorted(row["Key"] for page in pages for row in page["Contents"]) == sorted(
        f"many/{number % 3}/{number:02}" for number in range(30)
    )
    page = s3.list_objects_v2(**place, Prefix="many/", Delimiter="/")
    assert [row["Prefix"] for row in page["CommonPrefixes"]] == ["many/0/", "many/1/", "many/2/"], page
    keys = [{"Key": f"many/{number % 3}/{number:02}"} for number in range(30)]
    assert len(s3.delete_objects(**place, Delete={"Objects": keys})["Deleted"]) == 30
    assert s3.list_objects_v2(**place, Prefix="many/")["KeyCount"] == 0
    strangers()


def strangers():
    other.s3.put_object(Bucket=other.bucket, Key="secret", Body=b"of another")
    refused("AccessDenied", s3.get_object, Bucket=other.bucket, Key="secret")
    refused("AccessDenied", s3.list_objects_v2, Bucket=other.bucket)
    refused("AccessDenied", s3.copy_object, **place, Key="x", CopySource=f"{other.bucket}/secret")
    for way in [f"../{other.bucket}/secret", f"a/../../{other.bucket}/secret", "..", "./a"]:
        refused("InvalidArgument", s3.get_object, **place, Key=way)
        refused("InvalidArgument", s3.put_object, **place, Key=way, Body=b"changed")
    assert s3.list_objects_v2(**place, Prefix=f"../{other.bucket}/")["KeyCount"] == 0
    assert fetch(f"{own.endpoint}/{own.bucket}/public/../../{other.bucket}/secret")[0] in (400, 403)
    names = [row["Key"] for row in s3.list_objects_v2(**place)["Contents"]]
    assert "secret" not in names and "a/hello.txt" in names, names
    assert other.s3.get_object(Bucket=other.bucket, Key="secret")["Body"].read() == b"of another"
    assert [row["Name"] for row in s3.list_buckets()["Buckets"]] == [own.bucket]


def away():
    began = time.monotonic()
    for call, more in [
        (s3.get_object, {"Key": "open"}),
        (s3.put_object, {"Key": "lost", "Body": b"lost"}),
        (s3.put_object, {"Key": "lost", "Body": os.urandom(3 * MIB)}),
        (s3.list_objects_v2, {}),
    ]:
        answer = refused("ServiceUnavailable", call, **place, **more)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503, answer
    assert time.monotonic() - began < 30, "it hangs"


def back():
    assert s3.get_object(**place, Key="open")["Body"].read() == b"open"
    refused("NoSuchKey", s3.get_object, **place, Key="lost")
    s3.put_object(**place, Key="again", Body=b"again")


class Slow(io.BytesIO):
    """Bytes whose reader is told of at their middle, the first time, and waits then."""

    told = False

    def read(self, size=-1):
        if not Slow.told and self.tell() >= len(self.getbuffer()) // 2:
            Slow.told = True
            print("sending", flush=True)
            sys.stdin.readline()
        return super().read(size)


def parts():
    patient = App(json.loads(os.environ["OWN"]), retries={"mode": "standard", "max_attempts": 10}, read_timeout=20)
    upload = {**place, "Key": "parts", "UploadId": patient.s3.create_multipart_upload(**place, Key="parts")["UploadId"]}
    bodies = [os.urandom(5 * MIB) for _ in range(3)]
    etags = [patient.s3.upload_part(**upload, PartNumber=1, Body=bodies[0])["ETag"]]
    print("half", flush=True)
    sys.stdin.readline()
    etags.append(patient.s3.upload_part(**upload, PartNumber=2, Body=Slow(bodies[1]))["ETag"])
    etags.append(patient.s3.upload_part(**upload, PartNumber=3, Body=bodies[2])["ETag"])
    named = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    patient.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": named})
    assert patient.s3.get_object(**place, Key="parts")["Body"].read() == b"".join(bodies)


{"use": use, "away": away, "back": back, "parts": parts}[sys.argv[1]]()
print("all is well")
