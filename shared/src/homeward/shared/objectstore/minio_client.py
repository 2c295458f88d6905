"""The `minio` SDK's client, with time limits and retries that a service can live with."""

from typing import Final

from minio import Minio
from urllib3 import PoolManager
from urllib3.util import Retry, Timeout

from homeward.shared.settings import ObjectStoreSettings

RETRIES: Final = 2
"""Two more tries after a failure: enough for a connection that a restart cut. An unreachable store is known of within
about 7 s even where packets vanish; whoever needs more patience has an event to retry."""

_BACKOFF_S: Final = 0.1  # before the second more try: 0.2 s
_CONNECT_S: Final = 2.0
_READ_S: Final = 15.0  # of silence; a store that listens and never answers is known of within three of these
_TRANSIENT: Final = (500, 502, 503, 504)


def connect(settings: ObjectStoreSettings, connections: int) -> Minio:
    """Return a client that keeps at most `connections` open for later use; nothing is sent yet.

    TLS trusts the machine's authorities, or those of SSL_CERT_FILE.
    """
    return Minio(
        settings.endpoint,
        access_key=settings.access_key.get_secret_value(),
        secret_key=settings.secret_key.get_secret_value(),
        secure=settings.secure,
        # Without it the SDK asks for each bucket's region, which a restricted user may not.
        region=settings.region,
        http_client=PoolManager(
            maxsize=connections,
            timeout=Timeout(connect=_CONNECT_S, read=_READ_S),
            retries=Retry(
                total=RETRIES,
                backoff_factor=_BACKOFF_S,
                status_forcelist=_TRANSIENT,
                allowed_methods=None,  # every request of ours may be repeated
                raise_on_status=False,
                respect_retry_after_header=False,  # a server must not be able to park a thread
            ),
            cert_reqs="CERT_REQUIRED",
        ),
    )
