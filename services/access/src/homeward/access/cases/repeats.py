"""Which request a form makes that may come twice: a browser, a proxy or a program may send it again."""

import hashlib
from collections.abc import Sequence
from uuid import UUID, uuid4

from homeward.access.cases.model import PhotoUpload, RequestForm
from homeward.access.people.principal import Principal
from homeward.shared.ids import derived_id


def request_id_of(principal: Principal, form: RequestForm, photos: Sequence[PhotoUpload], once: UUID | None) -> str:
    """Return the id of the request that `form` makes: the same for the same form of the same person and `once`.

    `once` is random, so that an id tells nothing of what was asked. Without it every sending is a request of its own.
    """
    if once is None:
        return str(uuid4())
    content = hashlib.sha256(repr((form, list(photos))).encode())
    for photo in photos:
        content.update(hashlib.sha256(photo.data).digest())
    return derived_id("request", principal.official_id, str(once), content.hexdigest())
