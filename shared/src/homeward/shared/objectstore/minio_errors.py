"""The `minio` SDK's errors as the port's, so that no caller needs to know the SDK."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final
from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError

from homeward.shared.objectstore.port import (
    ObjectLockedError,
    ObjectNotFoundError,
    ObjectStoreError,
    ObjectStoreUnavailableError,
)

ABSENT: Final = frozenset(
    {"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "NoSuchUpload", "NotFound", "ResourceNotFound", "InvalidRange"}
)
"""The range of an object that is shorter does not exist either."""

LOCKED: Final = frozenset({"ObjectLocked", "WORMProtected"})

OVERLOADED: Final = frozenset(
    {
        "SlowDown",
        "SlowDownRead",
        "SlowDownWrite",
        "ServiceUnavailable",
        "InternalError",
        "RequestTimeout",
        "OperationAborted",
    }
)

_TRANSIENT_STATUSES: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@contextmanager
def translated(operation: str, bucket: str) -> Iterator[None]:
    """Raise the port's error for whatever the SDK raises inside, naming `operation` and `bucket` and never a key."""
    where = f"{operation} in the bucket {bucket}" if bucket else operation
    try:
        yield
    except S3Error as error:
        raise _of_code(error.code or "", error.response.status, where) from error
    except ServerError as error:
        raise _of_status(error.status_code, where) from error
    except InvalidResponseError as error:
        # The SDK keeps the status to itself; a proxy's HTML page is the usual reason for this error.
        raise _of_status(getattr(error, "_code", 0), where) from error
    except MinioException as error:
        raise ObjectStoreError(f"{where} failed: {type(error).__name__}") from error
    except ParseError as error:
        raise ObjectStoreError(f"{where} failed: the answer is not XML; is the endpoint an S3 API?") from error
    except HTTPError as error:
        raise ObjectStoreUnavailableError(f"{where} failed: the object store does not answer") from error


def error_of_code(code: str, operation: str, bucket: str) -> ObjectStoreError:
    """Return the port's error for a `code` that came inside an answer, as a multi-object delete gives them."""
    return _of_code(code, HTTPStatus.OK, f"{operation} in the bucket {bucket}")


def _of_code(code: str, status: int, where: str) -> ObjectStoreError:
    if code in LOCKED:
        return ObjectLockedError(f"{where} was refused: the object is locked")
    if code in ABSENT:
        return ObjectNotFoundError(f"{where} found nothing: {code}")
    if code in OVERLOADED or _is_transient(status):
        return ObjectStoreUnavailableError(f"{where} failed: {code}")
    return ObjectStoreError(f"{where} was refused: {code}")


def _of_status(status: int, where: str) -> ObjectStoreError:
    if _is_transient(status):
        return ObjectStoreUnavailableError(f"{where} failed with HTTP status {status}")
    return ObjectStoreError(f"{where} was refused with HTTP status {status}")


def _is_transient(status: int) -> bool:
    # 501 says that the server will never do it.
    return status in _TRANSIENT_STATUSES or (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED
    )
