"""Events in, rows out: the sightings and results of searches as review shows them."""

import math
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from homeward.access.database.database import Database, DatabaseAwayError
from homeward.access.review.ports import ReviewCases
from homeward.access.review.tables import PictureRow, SightingRow
from homeward.access.review.tallies import fold_task, next_entry, tally_of
from homeward.shared.events import Event, InvalidEventError
from homeward.shared.ids import sighting_id
from homeward.shared.instants import from_timestamp
from homeward.shared.objectkeys import ClipKey, InvalidKeyError
from homeward.shared.runtime.handler import RetryableError
from homeward.shared.telemetry.logging import get_logger
from homewardapi.face.v1.face_pb2 import Crop
from homewardapi.search.v1.search_pb2 import SearchTask
from homewardapi.sighting.v1.sighting_pb2 import SEARCH_MODE_LIVE, Sighting

CROP_MAX_BYTES: Final = 1024 * 1024
"""An aligned picture of 176x176 px is 30 kB at quality 95; what is longer is none of ours, and is never read."""

PICTURES_MAX: Final = 10
"""Pictures kept of one sighting: twice what detection keeps of a face."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNKNOWN_RANK: Final = -99.0
_RATIO_MAX: Final = 1e9

_log = get_logger()


class Folding:
    """Handles `homeward.sightings.v1` and `homeward.search-tasks.v1`, in any order and any number of times.

    The first telling of a sighting stands: reviewers may have judged it. What belongs to no request of this service
    is passed over, since nobody could ever be shown it.
    """

    def __init__(self, database: Database, cases: ReviewCases) -> None:
        self._database = database
        self._cases = cases

    def handle(self, event: Event) -> Sequence[Event]:
        """Fold one event and return none.

        Raises InvalidEventError for what is no sighting of the clip that it names, RetryableError while the database
        does not answer or somebody else folds the same search's first event.
        """
        try:
            with self._database.begin() as session:
                self._fold(session, event)
        except DatabaseAwayError as error:
            raise RetryableError("the database does not answer") from error
        except OverflowError as error:
            raise InvalidEventError("a figure of the event is out of range") from error
        except IntegrityError as error:
            # The driver's text repeats values.
            raise RetryableError(
                "somebody else folds the same", retry_after=timedelta(seconds=0.1)
            ) from error.with_traceback(None)
        return []

    def _fold(self, session: Session, event: Event) -> None:
        message = event.message
        if not isinstance(message, Sighting | SearchTask):
            raise InvalidEventError("the event is neither a sighting nor a search task")
        _check_ids(message.authorisation_id)
        if self._cases.find(session, message.authorisation_id) is None:
            _log.info("event of no request of ours", topic=event.topic.name, authorisation_id=message.authorisation_id)
            return
        if isinstance(message, SearchTask):
            _check_ids(message.task_id)
            fold_task(session, message, event.time)
        else:
            _fold_sighting(session, message)


def _fold_sighting(session: Session, sighting: Sighting) -> None:
    key = _checked_key(sighting)
    crops = [sighting.crop, *sighting.other_crops][:PICTURES_MAX]
    for crop in crops:
        _check_crop(crop)
    if session.get(SightingRow, sighting.sighting_id) is not None:
        return
    # A search whose pictures are forgotten takes no reference to a picture any more.
    forgotten = tally_of(session, sighting.authorisation_id).closed
    likelihood = _likelihood_ratio(sighting)
    session.add(
        SightingRow(
            sighting_id=sighting.sighting_id,
            request_id=sighting.authorisation_id,
            camera_id=sighting.camera_id,
            clip_id=sighting.clip_id,
            clip_starts_at=key.starts_at,
            first_seen_at=from_timestamp(sighting.first_seen_at),
            last_seen_at=from_timestamp(sighting.last_seen_at),
            found_at=from_timestamp(sighting.found_at),
            live=sighting.mode == SEARCH_MODE_LIVE,
            score=sighting.score,
            rank=_UNKNOWN_RANK if likelihood is None else math.log10(likelihood),
            likelihood_ratio=likelihood,
            false_match_rate=_false_match_rate(sighting),
            crops_key=None if forgotten else sighting.crops_key,
            arrived=next_entry(session, sighting.authorisation_id),
        )
    )
    session.flush()
    for number, crop in enumerate([] if forgotten else crops):
        session.add(
            PictureRow(
                sighting_id=sighting.sighting_id,
                number=number,
                offset_bytes=crop.offset_bytes,
                length_bytes=crop.length_bytes,
                taken_at=from_timestamp(crop.at),
                quality=crop.quality,
                face_width_px=crop.face_width_px,
            )
        )


def _checked_key(sighting: Sighting) -> ClipKey:
    """Return the key of the sighting's crops, when it is that of the clip that the sighting names.

    Otherwise a sighting could show pictures of another camera or hour than those that were approved.
    """
    _check_ids(sighting.clip_id)
    if sighting.sighting_id != sighting_id(sighting.authorisation_id, sighting.clip_id, sighting.face_index):
        raise InvalidEventError("the sighting's id is not that of its authorisation, clip and face")
    try:
        key = ClipKey.parse(sighting.crops_key)
    except InvalidKeyError as error:
        raise InvalidEventError("the sighting's crops have no key of a clip's crops") from error
    if (key.camera_id, key.clip_id, key.suffix) != (sighting.camera_id, sighting.clip_id, "crops"):
        raise InvalidEventError("the sighting's crops are those of another clip")
    if not math.isfinite(sighting.score):
        raise InvalidEventError("the sighting's score is no number")
    if from_timestamp(sighting.first_seen_at) > from_timestamp(sighting.last_seen_at):
        raise InvalidEventError("the sighting ends before it begins")
    return key


def _check_crop(crop: Crop) -> None:
    if not 0 < crop.length_bytes <= CROP_MAX_BYTES or crop.offset_bytes >= 2**40:
        raise InvalidEventError("a picture of the sighting is empty, or too large for one")
    if not (math.isfinite(crop.quality) and math.isfinite(crop.face_width_px)):
        raise InvalidEventError("a figure of a picture is no number")


def _likelihood_ratio(sighting: Sighting) -> float | None:
    value = sighting.optional_likelihood_ratio
    return value if sighting.HasField("optional_likelihood_ratio") and 0 < value < _RATIO_MAX else None


def _false_match_rate(sighting: Sighting) -> float | None:
    value = sighting.optional_false_match_rate
    return value if sighting.HasField("optional_false_match_rate") and 0 < value <= 1 else None


def _check_ids(*ids: str) -> None:
    if not all(_UUID.fullmatch(one) for one in ids):
        raise InvalidEventError("an id is no UUID")
