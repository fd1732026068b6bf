"""What apps do with a bucket, by boto3; ends with "all is well"."""

import hashlib
import io
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from refusals import refused

# Where names are those of another service's, it takes not all of them.
OUTSIDE = sys.argv[1:] == ["outside"]
ENDPOINT = os.environ["AWS_ENDPOINT_URL_S3"]
TLS = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
MIB = 1 << 20


def client_of(name, **more):
    return boto3.client(
        "s3",
        aws_access_key_id=os.environ[f"{name}_KEY"],
        aws_secret_access_key=os.environ[f"{name}_SECRET"],
        config=Config(retries={"max_attempts": 1}, **more),
    )


one, two = client_of("ONE"), client_of("TWO")


def fetch(url, method="GET", data=None, headers=None):
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, context=TLS) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def objects():
    body = b"hello, bucket"
    put = one.put_object(
        Bucket="one",
        Key="a/hello.txt",
        Body=body,
        ContentType="text/plain",
        CacheControl="max-age=60",
        Metadata={"colour": "red"},
    )
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"', put
    got = one.get_object(Bucket="one", Key="a/hello.txt")
    assert got["Body"].read() == body
    assert (got["ContentType"], got["CacheControl"], got["Metadata"]) == ("text/plain", "max-age=60", {"colour": "red"})
    assert got["ContentLength"] == len(body) and got["ETag"] == put["ETag"]
    head = one.head_object(Bucket="one", Key="a/hello.txt")
    assert head["ContentLength"] == len(body) and head["Metadata"] == {"colour": "red"}
    assert "content-encoding" not in head["ResponseMetadata"]["HTTPHeaders"]
    one.put_object(Bucket="one", Key="empty", Body=b"")
    assert one.get_object(Bucket="one", Key="empty")["Body"].read() == b""
    # A name and a name below it are both names, whatever files would say.
    one.put_object(Bucket="one", Key="a", Body=b"1")
    one.put_object(Bucket="one", Key="a/", Body=b"2")
    assert one.get_object(Bucket="one", Key="a")["Body"].read() == b"1"
    paths = ["../../etc/passwd", "."]
    for key in ["ümläut & <xml> +%2B.txt", "x" * 900, "tab\there", "emoji 🎉", "a//b", "..a/b..", "%2E%2E/x", "odd\x01name"] + ([] if OUTSIDE else paths):
        one.put_object(Bucket="one", Key=key, Body=key.encode())
        assert one.get_object(Bucket="one", Key=key)["Body"].read() == key.encode(), key
    listed = {row["Key"] for row in one.list_objects_v2(Bucket="one")["Contents"]}
    if OUTSIDE:
        for key in [*paths, "../two/secret", "a/../../two/secret"]:
            refused("InvalidArgument", one.put_object, Bucket="one", Key=key, Body=b"")
            refused("InvalidArgument", one.get_object, Bucket="one", Key=key)
            refused("InvalidArgument", one.copy_object, Bucket="one", Key="x", CopySource={"Bucket": "one", "Key": key})
    assert {"ümläut & <xml> +%2B.txt", "tab\there", "a//b"} <= listed, listed
    refused("KeyTooLongError", one.put_object, Bucket="one", Key="x" * 1025, Body=b"")
    refused("NoSuchKey", one.get_object, Bucket="one", Key="none")
    refused("404", one.head_object, Bucket="one", Key="none")
    refused("BadDigest|InvalidDigest", one.put_object, Bucket="one", Key="bad", Body=b"x", ContentMD5="Xr4ilOzQ4PCOq3aQ0qbuaQ==")
    refused("BadDigest", one.put_object, Bucket="one", Key="bad", Body=b"x", ChecksumCRC32="AAAAAA==")
    refused("NoSuchKey", one.get_object, Bucket="one", Key="bad")
    for algorithm in ["CRC32", "SHA1", "SHA256"]:
        put = one.put_object(Bucket="one", Key="summed", Body=b"summed", ChecksumAlgorithm=algorithm)
        got = one.get_object(Bucket="one", Key="summed", ChecksumMode="ENABLED")
        assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"] and got["Body"].read() == b"summed"
    one.delete_object(Bucket="one", Key="a/hello.txt")
    one.delete_object(Bucket="one", Key="a/hello.txt")
    refused("NoSuchKey", one.get_object, Bucket="one", Key="a/hello.txt")


def ranges():
    body = bytes(range(256)) * 4096
    one.put_object(Bucket="one", Key="ranged", Body=body)
    for asked, part in [
        ("bytes=0-0", body[:1]),
        ("bytes=10-99", body[10:100]),
        ("bytes=1048000-", body[1048000:]),
        ("bytes=-5", body[-5:]),
        ("bytes=5-99999999", body[5:]),
    ]:
        got = one.get_object(Bucket="one", Key="ranged", Range=asked)
        assert got["Body"].read() == part and got["ResponseMetadata"]["HTTPStatusCode"] == 206, asked
    got = one.get_object(Bucket="one", Key="ranged", Range="bytes=10-99")
    assert got["ContentRange"] == f"bytes 10-99/{len(body)}"
    refused("InvalidRange", one.get_object, Bucket="one", Key="ranged", Range="bytes=9999999-")


def conditions():
    etag = one.put_object(Bucket="one", Key="cond", Body=b"v1")["ETag"]
    modified = one.head_object(Bucket="one", Key="cond")["LastModified"]
    refused("304", one.get_object, Bucket="one", Key="cond", IfNoneMatch=etag)
    refused("304", one.get_object, Bucket="one", Key="cond", IfModifiedSince=modified)
    refused("304", one.head_object, Bucket="one", Key="cond", IfNoneMatch=etag)
    refused("PreconditionFailed", one.get_object, Bucket="one", Key="cond", IfMatch='"other"')
    assert one.get_object(Bucket="one", Key="cond", IfMatch=etag)["Body"].read() == b"v1"
    refused("PreconditionFailed", one.put_object, Bucket="one", Key="cond", Body=b"v2", IfNoneMatch="*")
    refused("PreconditionFailed", one.put_object, Bucket="one", Key="cond", Body=b"v2", IfMatch='"other"')
    one.put_object(Bucket="one", Key="cond", Body=b"v2", IfMatch=etag)
    # Of many who make the same object, one does.
    with ThreadPoolExecutor(8) as pool:
        def make(number):
            try:
                one.put_object(Bucket="one", Key="race", Body=str(number).encode(), IfNoneMatch="*")
                return 1
            except ClientError:
                return 0
        assert sum(pool.map(make, range(16))) == 1


def lists():
    def fill(number):
        one.put_object(Bucket="one", Key=f"many/{number % 7}/{number:04}", Body=b"")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fill, range(1100)))
    expected = sorted(f"many/{number % 7}/{number:04}" for number in range(1100))
    for version in ["list_objects_v2", "list_objects"]:
        for size in [1000, 99]:
            pages = one.get_paginator(version).paginate(Bucket="one", Prefix="many/", PaginationConfig={"PageSize": size})
            found = [row["Key"] for page in pages for row in page.get("Contents", [])]
            assert found == expected, (version, size, len(found))
        pages = one.get_paginator(version).paginate(
            Bucket="one", Prefix="many/", Delimiter="/", PaginationConfig={"PageSize": 3}
        )
        found = [row["Prefix"] for page in pages for row in page.get("CommonPrefixes", [])]
        assert found == [f"many/{number}/" for number in range(7)], found
    page = one.list_objects_v2(Bucket="one", Prefix="many/", StartAfter=expected[10], MaxKeys=2)
    assert [row["Key"] for row in page["Contents"]] == expected[11:13] and page["IsTruncated"]
    gone = one.delete_objects(
        Bucket="one", Delete={"Objects": [{"Key": key} for key in expected[:90]] + [{"Key": "never there"}]}
    )
    assert len(gone["Deleted"]) == 91 and "Errors" not in gone
    assert one.list_objects_v2(Bucket="one", Prefix="nothing/")["KeyCount"] == 0
    assert [row["Name"] for row in one.list_buckets()["Buckets"]] == ["one"]


def multipart():
    body = os.urandom(13 * MIB)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    one.upload_fileobj(io.BytesIO(body), "one", "parts.bin", Config=config, ExtraArgs={"ContentType": "video/mp4"})
    head = one.head_object(Bucket="one", Key="parts.bin")
    parts = [hashlib.md5(body[at : at + 5 * MIB]).digest() for at in range(0, len(body), 5 * MIB)]
    assert head["ETag"] == f'"{hashlib.md5(b"".join(parts)).hexdigest()}-3"', head
    assert head["ContentType"] == "video/mp4"
    got = io.BytesIO()
    one.download_fileobj("one", "parts.bin", got, Config=config)
    assert got.getvalue() == body
    upload = one.create_multipart_upload(Bucket="one", Key="slow")["UploadId"]
    place = {"Bucket": "one", "Key": "slow", "UploadId": upload}
    first = one.upload_part(PartNumber=1, Body=b"small", **place)
    second = one.upload_part(PartNumber=2, Body=b"last", **place)
    assert [part["Size"] for part in one.list_parts(**place)["Parts"]] == [5, 4]
    assert [row["Key"] for row in one.list_multipart_uploads(Bucket="one")["Uploads"]] == ["slow"]
    named = [{"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 2, "ETag": second["ETag"]}]
    refused("EntityTooSmall", one.complete_multipart_upload, MultipartUpload={"Parts": named}, **place)
    refused("InvalidPartOrder", one.complete_multipart_upload, MultipartUpload={"Parts": named[::-1]}, **place)
    wrong = [{"PartNumber": 1, "ETag": '"wrong"'}]
    refused("InvalidPart", one.complete_multipart_upload, MultipartUpload={"Parts": wrong}, **place)
    refused("NoSuchKey", one.get_object, Bucket="one", Key="slow")
    one.upload_part_copy(PartNumber=1, CopySource="one/parts.bin", CopySourceRange=f"bytes=0-{6 * MIB - 1}", **place)
    named = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in one.list_parts(**place)["Parts"]]
    one.complete_multipart_upload(MultipartUpload={"Parts": named}, **place)
    assert one.get_object(Bucket="one", Key="slow")["Body"].read() == body[: 6 * MIB] + b"last"
    refused("NoSuchUpload", one.upload_part, PartNumber=1, Body=b"", **place)
    upload = one.create_multipart_upload(Bucket="one", Key="slow")["UploadId"]
    one.abort_multipart_upload(Bucket="one", Key="slow", UploadId=upload)
    refused("NoSuchUpload", one.list_parts, Bucket="one", Key="slow", UploadId=upload)
    refused("NoSuchUpload", one.list_parts, Bucket="one", Key="slow", UploadId="../../all/two")


def copies():
    one.put_object(Bucket="one", Key="from", Body=b"copied", Metadata={"a": "1"}, ContentType="text/plain")
    one.copy_object(Bucket="one", Key="to", CopySource={"Bucket": "one", "Key": "from"})
    got = one.get_object(Bucket="one", Key="to")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"copied", {"a": "1"}, "text/plain")
    one.copy_object(
        Bucket="one", Key="to", CopySource="one/to", Metadata={"b": "2"}, ContentType="text/css", MetadataDirective="REPLACE"
    )
    got = one.get_object(Bucket="one", Key="to")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"copied", {"b": "2"}, "text/css")
    refused("InvalidRequest", one.copy_object, Bucket="one", Key="to", CopySource="one/to")
    refused("NoSuchKey", one.copy_object, Bucket="one", Key="to", CopySource="one/none")


def strangers():
    two.put_object(Bucket="two", Key="secret", Body=b"of two")
    for name in ["two", "not-there"]:
        refused("AccessDenied", one.get_object, Bucket=name, Key="secret")
        refused("AccessDenied", one.put_object, Bucket=name, Key="x", Body=b"")
        refused("AccessDenied", one.list_objects_v2, Bucket=name)
        refused("AccessDenied", one.delete_object, Bucket=name, Key="secret")
        refused("AccessDenied", one.copy_object, Bucket="one", Key="x", CopySource=f"{name}/secret")
        refused("403", one.head_bucket, Bucket=name)
        assert fetch(f"{ENDPOINT}/{name}/secret")[0] == 403
        assert fetch(f"{ENDPOINT}/{name}")[0] == 403
    refused("AccessDenied|NotImplemented", one.create_bucket, Bucket="mine")
    refused("NotImplemented", one.delete_bucket, Bucket="one")
    forged = boto3.client("s3", aws_access_key_id=os.environ["TWO_KEY"], aws_secret_access_key="wrong")
    refused("SignatureDoesNotMatch", forged.get_object, Bucket="two", Key="secret")
    unknown = boto3.client("s3", aws_access_key_id="HKNOBODY", aws_secret_access_key="x")
    refused("InvalidAccessKeyId", unknown.get_object, Bucket="two", Key="secret")


def public():
    one.put_object(Bucket="one", Key="public/logo.svg", Body=b"<svg/>", ContentType="image/svg+xml")
    status, body, headers = fetch(f"{ENDPOINT}/one/public/logo.svg")
    assert (status, body, headers["Content-Type"]) == (200, b"<svg/>", "image/svg+xml")
    assert fetch(f"{ENDPOINT}/one/public/logo.svg", "HEAD")[0] == 200
    assert fetch(f"{ENDPOINT}/one/public/none.svg")[0] == 404
    assert fetch(f"{ENDPOINT}/one/publicity")[0] == 403
    assert fetch(f"{ENDPOINT}/one/public/logo.svg", "PUT", b"changed")[0] == 403
    assert fetch(f"{ENDPOINT}/one/public/logo.svg", "DELETE")[0] == 403
    assert fetch(f"{ENDPOINT}/one?list-type=2&prefix=public/")[0] == 403
    assert fetch(f"{ENDPOINT}/one/public/logo.svg")[1] == b"<svg/>"
    one.put_object(Bucket="one", Key="open.txt", Body=b"open", ACL="public-read")
    assert fetch(f"{ENDPOINT}/one/open.txt")[1] == b"open"
    one.put_object(Bucket="one", Key="open.txt", Body=b"closed")
    assert fetch(f"{ENDPOINT}/one/open.txt")[0] == 403


def presigned():
    place = {"Bucket": "one", "Key": "signed/ö.txt"}
    url = one.generate_presigned_url("put_object", Params={**place, "ContentType": "text/plain"}, ExpiresIn=60)
    status, body, _ = fetch(url, "PUT", b"by a browser", {"Content-Type": "text/plain"})
    assert status == 200, body
    url = one.generate_presigned_url("get_object", Params=place, ExpiresIn=60)
    assert fetch(url)[1] == b"by a browser"
    assert fetch(url, "PUT", b"x")[0] == 403
    assert fetch(url.replace("signed/", "signed%2F2"))[0] == 403
    named = {**place, "ResponseContentDisposition": "attachment; filename=x.txt"}
    assert fetch(one.generate_presigned_url("get_object", Params=named))[2]["Content-Disposition"].startswith("attachment")
    for version in ["s3", "s3v4"]:
        signer = client_of("ONE", signature_version=version)
        short = signer.generate_presigned_url("get_object", Params=place, ExpiresIn=2)
        assert fetch(short)[0] == 200, version
        long = signer.generate_presigned_url("get_object", Params=place, ExpiresIn=600)
        assert fetch(re.sub("Expires=([0-9]+)", lambda found: f"Expires={int(found[1]) + 1}", long))[0] == 403
        deadline = time.monotonic() + 30
        while fetch(short)[0] != 403:
            assert time.monotonic() < deadline, f"{version}: a URL that lasts for ever"
    form = one.generate_presigned_post("one", "signed/form.txt", Conditions=[["content-length-range", 0, 100]])
    boundary, lines = "hokku", []
    for name, value in {**form["fields"], "file": "from a form"}.items():
        filename = '; filename="f.txt"' if name == "file" else ""
        lines += [f"--{boundary}", f'Content-Disposition: form-data; name="{name}"{filename}', "", value]
    data = "\r\n".join([*lines, f"--{boundary}--", ""]).encode()
    status, body, _ = fetch(form["url"], "POST", data, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    assert status in (200, 201, 204), body
    assert one.get_object(Bucket="one", Key="signed/form.txt")["Body"].read() == b"from a form"


def cors():
    refused("NoSuchCORSConfiguration", one.get_bucket_cors, Bucket="one")
    rule = {
        "AllowedOrigins": ["https://*.shop.test"],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["content-*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 300,
    }
    one.put_bucket_cors(Bucket="one", CORSConfiguration={"CORSRules": [rule]})
    assert one.get_bucket_cors(Bucket="one")["CORSRules"] == [rule]
    url = one.generate_presigned_url("put_object", Params={"Bucket": "one", "Key": "cors", "ContentType": "text/x"})
    asking = {
        "Origin": "https://www.shop.test",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    status, _, headers = fetch(url, "OPTIONS", headers=asking)
    assert status == 200 and headers["Access-Control-Allow-Origin"] == "https://www.shop.test", headers
    assert headers["Access-Control-Allow-Methods"] == "GET, PUT" and headers["Access-Control-Max-Age"] == "300"
    status, _, headers = fetch(url, "PUT", b"x", {"Origin": "https://www.shop.test", "Content-Type": "text/x"})
    assert status == 200 and headers["Access-Control-Expose-Headers"] == "ETag", str(headers)
    assert fetch(url, "OPTIONS", headers={**asking, "Origin": "https://evil.test"})[0] == 403
    assert fetch(f"{ENDPOINT}/two/x", "OPTIONS", headers=asking)[0] == 403
    one.delete_bucket_cors(Bucket="one")
    refused("NoSuchCORSConfiguration", one.get_bucket_cors, Bucket="one")


def limits():
    two.put_object(Bucket="two", Key="fits", Body=b"x" * 60_000)
    answer = refused("QuotaExceeded", two.put_object, Bucket="two", Key="more", Body=b"x" * 60_000)
    assert "addons:upgrade" in answer["Error"]["Message"], answer
    refused("QuotaExceeded", two.put_object, Bucket="two", Key="much", Body=b"x" * 3_000_000)
    two.put_object(Bucket="two", Key="fits", Body=b"y" * 90_000)
    assert two.get_object(Bucket="two", Key="fits")["Body"].read() == b"y" * 90_000
    two.delete_object(Bucket="two", Key="fits")
    two.put_object(Bucket="two", Key="more", Body=b"x" * 60_000)
    two.delete_objects(Bucket="two", Delete={"Objects": [{"Key": "more"}, {"Key": "secret"}]})
    upload = two.create_multipart_upload(Bucket="two", Key="parts")["UploadId"]
    place = {"Bucket": "two", "Key": "parts", "UploadId": upload}
    part = two.upload_part(PartNumber=1, Body=b"x" * 60_000, **place)
    refused("QuotaExceeded", two.upload_part, PartNumber=2, Body=b"x" * 60_000, **place)
    refused("QuotaExceeded", two.put_object, Bucket="two", Key="more", Body=b"x" * 60_000)
    two.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}, **place)
    refused("QuotaExceeded", two.copy_object, Bucket="two", Key="copy", CopySource="two/parts")
    two.delete_object(Bucket="two", Key="parts")
    two.put_object(Bucket="two", Key="more", Body=b"x" * 60_000)


for check in [objects, ranges, conditions, lists, multipart, copies, strangers, public, presigned, cors, limits]:
    check()
    print(check.__name__, flush=True)
print("all is well")
