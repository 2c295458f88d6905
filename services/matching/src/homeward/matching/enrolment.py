"""Enrolling the one subject of an authorisation from the reference photos, or refusing with a reason."""

import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from homeward.matching.auditing import SearchRecords
from homeward.matching.authorisations import Authorisations, Search
from homeward.matching.messages import Refusal
from homeward.matching.ports import (
    Embedder,
    EmbedderAwayError,
    EmbedderDeniedError,
    Meter,
    NoTemplate,
    PhotoReference,
    SearchEndedError,
    Subjects,
)
from homeward.matching.scale import Scales, UncalibratedModelError
from homeward.matching.subject import Scope, Subject
from homeward.matching.template import DifferentModelsError, Template, UnusableTemplateError, combine, least_similarity
from homeward.shared.telemetry.logging import get_logger
from homewardapi.embedding.v1 import embedding_service_pb2 as embedding
from homewardapi.search.v1.search_pb2 import (
    REFUSAL_REASON_NO_FACE,
    REFUSAL_REASON_NOT_AUTHORISED,
    REFUSAL_REASON_PHOTOS_DIFFER,
    REFUSAL_REASON_POOR_FACE,
    REFUSAL_REASON_SEVERAL_FACES,
    REFUSAL_REASON_UNCALIBRATED_MODEL,
    REFUSAL_REASON_UNREADABLE_PHOTO,
    RefusalReason,
)

_REASONS: Final[Mapping[int, "RefusalReason.ValueType"]] = MappingProxyType(
    {
        embedding.REFUSAL_REASON_OUTSIDE_AUTHORISATION: REFUSAL_REASON_NOT_AUTHORISED,
        embedding.REFUSAL_REASON_EXPIRED: REFUSAL_REASON_NOT_AUTHORISED,
        embedding.REFUSAL_REASON_NOT_FOUND: REFUSAL_REASON_UNREADABLE_PHOTO,
        embedding.REFUSAL_REASON_UNREADABLE: REFUSAL_REASON_UNREADABLE_PHOTO,
        embedding.REFUSAL_REASON_NO_FACE: REFUSAL_REASON_NO_FACE,
        embedding.REFUSAL_REASON_SEVERAL_FACES: REFUSAL_REASON_SEVERAL_FACES,
        embedding.REFUSAL_REASON_POOR_FACE: REFUSAL_REASON_POOR_FACE,
    }
)

_NOT_AUTHORISED: Final = Refusal(REFUSAL_REASON_NOT_AUTHORISED)

_log = get_logger()


class Enrolment:
    """Puts subjects into the store. A search is admitted while its subject stands there; only `admit` puts a new one.

    Whoever ends a search ends its place in the store: replicas then agree on who is admitted, and so does a service
    that was started anew.
    """

    def __init__(
        self,
        *,
        authorisations: Authorisations,
        subjects: Subjects,
        embedder: Embedder,
        records: SearchRecords,
        meter: Meter,
        scales: Scales,
        photo_threshold: float,
        live_searches: int,
    ) -> None:
        """`photo_threshold` is the least cosine similarity of two photos of one person; `live_searches` the ceiling."""
        self._authorisations = authorisations
        self._subjects = subjects
        self._embedder = embedder
        self._records = records
        self._meter = meter
        self._scales = scales
        self._photo_threshold = photo_threshold
        self._live_searches = live_searches
        self._lock = threading.Lock()
        self._refusals: dict[str, Refusal] = {}

    def admit(self, search: Search) -> Refusal | None:
        """Enrol the subject of `search`; return why it was refused, or None when the subject is enrolled.

        That the search begins is recorded first. Blocks while the photos are embedded. Raises EmbedderAwayError,
        StoreAwayError, RetryableError when nothing can be recorded, and SearchEndedError when the authorisation ends
        meanwhile: then nothing is stored.
        """
        with self._lock:
            refusal = self._deny_count(search) or self._begin(search)
        if refusal is not None:
            return self.refuse(search.authorisation_id, refusal)
        self._refusals.pop(search.authorisation_id, None)
        _log.info("subject enrolled", authorisation_id=search.authorisation_id)
        return None

    def _begin(self, search: Search) -> Refusal | None:
        self._records.started(search)
        return self._enrol(search)

    def renew(self, search: Search) -> None:
        """Enrol an admitted subject anew, by the embedder's model of now.

        Raises as `admit` does, and SearchEndedError when the subject is admitted no more or its photos do not do.
        """
        with self._lock:
            if not self._subjects.find(search.authorisation_id):
                raise SearchEndedError("the subject is not enrolled any more")
            self._records.renewed(search)
            refusal = self._enrol(search)
        if refusal is not None:
            self.refuse(search.authorisation_id, refusal)
            raise SearchEndedError("the subject's photos do not do for the embedder's new model")

    def refuse(self, authorisation_id: str, refusal: Refusal) -> Refusal:
        """Record, note, log and count a refusal; raise RetryableError when it cannot be recorded."""
        self._records.refused(authorisation_id, refusal)
        self._refusals[authorisation_id] = refusal
        reason = RefusalReason.Name(refusal.reason)
        _log.warning("search refused", authorisation_id=authorisation_id, reason=reason, index=refusal.photo_index)
        self._meter.refused(reason)
        return refusal

    def refusal(self, authorisation_id: str) -> Refusal | None:
        """Return why a search was refused here, as far as this replica remembers."""
        return self._refusals.get(authorisation_id)

    def _deny_count(self, search: Search) -> Refusal | None:
        others = self._subjects.enrolled() - {search.authorisation_id}
        # One that has ended is wiped within the second and takes nobody's place.
        open_searches = sum(
            not self._authorisations.knows(other) or self._authorisations.live(other) is not None for other in others
        )
        if open_searches < self._live_searches:
            return None
        _log.warning(
            "too many face searches are open", authorisation_id=search.authorisation_id, limit=self._live_searches
        )
        return _NOT_AUTHORISED

    def _enrol(self, search: Search) -> Refusal | None:
        photos = search.authorisation.photo_keys
        try:
            answers = self._embedder.embed(
                search.token, [PhotoReference(key) for key in photos], lambda: self._wanted(search)
            )
        except EmbedderDeniedError:
            return _NOT_AUTHORISED
        templates: list[Template] = []
        for index, answer in enumerate(answers):
            if isinstance(answer, NoTemplate):
                # A reason that is not known is one more reason to refuse.
                return Refusal(_REASONS.get(answer.reason, REFUSAL_REASON_NOT_AUTHORISED), index)
            templates.append(answer)
        try:
            self._scales.of(templates[0].model)
        except UncalibratedModelError as error:
            _log.error("search refused", authorisation_id=search.authorisation_id, error=error)
            return Refusal(REFUSAL_REASON_UNCALIBRATED_MODEL)
        try:
            mean = combine(templates, [1.0] * len(templates))
        except DifferentModelsError as error:
            raise EmbedderAwayError("the embedder's model changed between two photos") from error
        except UnusableTemplateError:
            return Refusal(REFUSAL_REASON_PHOTOS_DIFFER)
        if least_similarity(templates) < self._photo_threshold:
            return Refusal(REFUSAL_REASON_PHOTOS_DIFFER)
        self._store(search, mean)
        return None

    def _store(self, search: Search, template: Template) -> None:
        if not self._wanted(search):
            raise SearchEndedError("the authorisation ended while its subject was being enrolled")
        try:
            self._subjects.put(Subject(Scope.of(search.authorisation), template))
        finally:
            # An end that came between the question and the store found nothing to wipe.
            if not self._wanted(search):
                self._subjects.wipe(search.authorisation_id)
        if not self._wanted(search):
            raise SearchEndedError("the authorisation ended while its subject was being enrolled")

    def _wanted(self, search: Search) -> bool:
        return self._authorisations.live(search.authorisation_id) is not None
