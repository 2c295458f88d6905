from xml.etree.ElementTree import ParseError

import pytest
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3 import HTTPResponse
from urllib3.exceptions import MaxRetryError, ProtocolError

from homeward.shared.objectstore.minio_errors import error_of_code, translated
from homeward.shared.objectstore.port import (
    ObjectLockedError,
    ObjectNotFoundError,
    ObjectStoreError,
    ObjectStoreUnavailableError,
)

KEY = "2026-11-23/cam-1/clip.mp4"


def s3_error(code: str, status: int) -> S3Error:
    return S3Error(HTTPResponse(status=status), code, "why", f"/footage/{KEY}", "request", "host", "footage", KEY)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (s3_error("NoSuchKey", 404), ObjectNotFoundError),
        (s3_error("NoSuchBucket", 404), ObjectNotFoundError),
        (s3_error("InvalidRange", 416), ObjectNotFoundError),
        (s3_error("ObjectLocked", 400), ObjectLockedError),
        (s3_error("SlowDown", 503), ObjectStoreUnavailableError),
        (s3_error("InternalError", 500), ObjectStoreUnavailableError),
        (s3_error("SomethingNew", 502), ObjectStoreUnavailableError),
        (s3_error("SomethingNew", 429), ObjectStoreUnavailableError),
        (s3_error("AccessDenied", 403), ObjectStoreError),
        (s3_error("NotImplemented", 501), ObjectStoreError),
        (ServerError("failed", 503), ObjectStoreUnavailableError),
        (ServerError("failed", 304), ObjectStoreError),
        (InvalidResponseError(502, "text/html", "<html>"), ObjectStoreUnavailableError),
        (InvalidResponseError(403, "text/html", "<html>"), ObjectStoreError),
        (MinioException("other"), ObjectStoreError),
        (ParseError("not well-formed"), ObjectStoreError),
        (ProtocolError("connection broken"), ObjectStoreUnavailableError),
        (MaxRetryError(None, f"/footage/{KEY}"), ObjectStoreUnavailableError),  # type: ignore[arg-type] # no pool
    ],
)
def test_each_error_of_the_sdk_is_one_of_the_port(error: Exception, expected: type[ObjectStoreError]) -> None:
    with pytest.raises(ObjectStoreError, match="get in the bucket footage") as caught, translated("get", "footage"):
        raise error
    assert type(caught.value) is expected
    assert caught.value.__cause__ is error
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("a bad size"), KeyError("bug")])
def test_errors_of_others_pass_through(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, translated("get", "footage"):
        raise error
    assert caught.value is error


def test_the_codes_within_an_answer_are_the_same() -> None:
    assert type(error_of_code("SlowDown", "delete", "footage")) is ObjectStoreUnavailableError
    assert type(error_of_code("AccessDenied", "delete", "footage")) is ObjectStoreError
