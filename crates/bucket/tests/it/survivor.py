"""Writes objects, or finds them again after the service was started anew."""

import os
import sys

import boto3

s3 = boto3.client("s3", aws_access_key_id=os.environ["ONE_KEY"], aws_secret_access_key=os.environ["ONE_SECRET"])
place = {"Bucket": "one", "Key": "joined"}
if sys.argv[1] == "write":
    for number in range(50):
        s3.put_object(Bucket="one", Key=f"kept/{number}", Body=b"x" * number, Metadata={"number": str(number)})
    s3.delete_object(Bucket="one", Key="kept/7")
    s3.put_bucket_cors(
        Bucket="one", CORSConfiguration={"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]}
    )
    s3.put_object(Bucket="one", Key="open", Body=b"open", ACL="public-read")
    upload = s3.create_multipart_upload(**place)["UploadId"]
    s3.upload_part(UploadId=upload, PartNumber=1, Body=b"1" * (5 << 20), **place)
else:
    rows = s3.list_objects_v2(Bucket="one", Prefix="kept/")["Contents"]
    assert {row["Key"] for row in rows} == {f"kept/{number}" for number in range(50) if number != 7}
    for row in rows:
        got = s3.get_object(Bucket="one", Key=row["Key"])
        assert row["Key"] == f"kept/{got['Metadata']['number']}" and len(got["Body"].read()) == row["Size"]
        assert got["ETag"] == row["ETag"]
    assert s3.get_bucket_cors(Bucket="one")["CORSRules"][0]["AllowedOrigins"] == ["*"]
    (upload,) = s3.list_multipart_uploads(Bucket="one")["Uploads"]
    upload = upload["UploadId"]
    last = s3.upload_part(UploadId=upload, PartNumber=2, Body=b"2", **place)["ETag"]
    (first, _) = s3.list_parts(UploadId=upload, **place)["Parts"]
    parts = [{"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 2, "ETag": last}]
    s3.complete_multipart_upload(UploadId=upload, MultipartUpload={"Parts": parts}, **place)
    assert s3.get_object(**place)["Body"].read() == b"1" * (5 << 20) + b"2"
print("all is well")
