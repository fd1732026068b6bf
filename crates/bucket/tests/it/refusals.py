"""What every script here expects of a refusal."""

from botocore.exceptions import ClientError


def refused(code, call, **kwargs):
    try:
        call(**kwargs)
    except ClientError as error:
        found = error.response["Error"]["Code"]
        assert found in code.split("|"), f"{found} instead of {code}: {error}"
        return error.response
    raise AssertionError(f"{call} was not refused with {code}")
