"""The comparing itself: the faces of clips with the one subject of a search. The archive's and the live code alike."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from homeward.matching.authorisations import Authorisations, Search
from homeward.matching.coverage import covers, key_of
from homeward.matching.enrolment import Enrolment
from homeward.matching.messages import Match, Tally, sighted
from homeward.matching.ports import (
    CropReference,
    Embedder,
    EmbedderAwayError,
    Meter,
    NotEnrolledError,
    SearchEndedError,
    Subjects,
)
from homeward.matching.subject import Probe
from homeward.matching.template import Template, UnusableTemplateError, combine
from homeward.shared.clock import Clock
from homeward.shared.events import Event
from homeward.shared.instants import from_timestamp
from homewardapi.face.v1.face_pb2 import DETECTION_OUTCOME_COMPLETE, ClipFaces, Crop, Face
from homewardapi.sighting.v1.sighting_pb2 import SearchMode


@dataclass(frozen=True, slots=True)
class Findings:
    """What a comparison came to: the sightings' events and what became of every face."""

    sightings: list[Event]
    tally: Tally


@dataclass(frozen=True, slots=True)
class _Face:
    clip: ClipFaces
    face: Face


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """A face with the templates of those of its crops that could be read, and their mean."""

    clip: ClipFaces
    face: Face
    crops: list[Crop]
    templates: list[Template]
    mean: Template

    def probe(self, template: Template) -> Probe:
        return Probe(template, self.clip.camera_id, from_timestamp(self.clip.starts_at))


class Comparison:
    """Compares faces with the subject of a search.

    A template of a face lives in the frame of one call, for as long as a batch of `batch_crops` crops takes, and
    leaves it in no way: a score that reaches the threshold does, with references to the pictures.
    """

    def __init__(
        self,
        *,
        authorisations: Authorisations,
        subjects: Subjects,
        embedder: Embedder,
        enrolment: Enrolment,
        clock: Clock,
        meter: Meter,
        threshold: float,
        batch_crops: int,
    ) -> None:
        self._authorisations = authorisations
        self._subjects = subjects
        self._embedder = embedder
        self._enrolment = enrolment
        self._clock = clock
        self._meter = meter
        self._threshold = threshold
        self._batch_crops = batch_crops

    def compare(self, search: Search, clips: Iterable[ClipFaces], mode: "SearchMode.ValueType") -> Findings:
        """Compare the faces of those of `clips` that the authorisation opens; blocks while crops are embedded.

        Raises SearchEndedError when the authorisation ends, or no subject is enrolled under it: then nothing that was
        found so far may be announced any more. Raises EmbedderAwayError, EmbedderDeniedError and StoreAwayError.
        """
        tally = Tally()
        matches: list[Event] = []
        for batch in _batches(self._faces(search, clips, tally), self._batch_crops):
            matches.extend(self._compare_batch(search, batch, tally, mode))
        if not self._wanted(search):
            raise SearchEndedError("the authorisation ended during the comparison")
        name = SearchMode.Name(mode)
        self._meter.compared(name, tally.faces_compared)
        self._meter.passed_over("TOO_POOR", tally.faces_too_poor)
        self._meter.passed_over("UNREADABLE", tally.faces_unreadable)
        self._meter.found(name, len(matches))
        return Findings(matches, tally)

    def _wanted(self, search: Search) -> bool:
        return self._authorisations.live(search.authorisation_id) is not None

    def _faces(self, search: Search, clips: Iterable[ClipFaces], tally: Tally) -> Iterator[_Face]:
        """Yield the faces to compare, counting the others and the clips on the way."""
        for clip in clips:
            if not covers(search.authorisation, clip):
                continue
            tally.camera_time += from_timestamp(clip.ends_at) - from_timestamp(clip.starts_at)
            tally.clips_unreadable += clip.outcome != DETECTION_OUTCOME_COMPLETE
            for face in clip.faces:
                if not face.crops:
                    tally.faces_too_poor += 1
                elif not face.appearances or clip.optional_crops_key != key_of(clip):
                    # The crops of another clip could lie outside the window that this clip is judged by.
                    tally.faces_unreadable += 1
                else:
                    yield _Face(clip, face)

    def _compare_batch(
        self, search: Search, batch: Sequence[_Face], tally: Tally, mode: "SearchMode.ValueType"
    ) -> list[Event]:
        if not self._wanted(search) or not self._subjects.find(search.authorisation_id):
            raise SearchEndedError("no subject is enrolled under the authorisation, or it has ended")
        known = self._embed(search, batch, tally)
        scores = self._score(search, [face.probe(face.mean) for face in known])
        found: list[Event] = []
        for face, score in zip(known, scores, strict=True):
            if score is None:
                tally.faces_unreadable += 1
                continue
            tally.faces_compared += 1
            if score >= self._threshold:
                match = Match(face.clip, face.face, self._best_crop(search, face), min(score, 1.0))
                found.append(
                    sighted(
                        search.authorisation_id,
                        match,
                        threshold=self._threshold,
                        model=face.mean.model,
                        mode=mode,
                        now=self._clock.now(),
                    )
                )
        return found

    def _embed(self, search: Search, batch: Sequence[_Face], tally: Tally) -> list[_Known]:
        references = [
            CropReference(face.clip.optional_crops_key, crop.offset_bytes, crop.length_bytes)
            for face in batch
            for crop in face.face.crops
        ]
        answers = iter(self._embedder.embed(search.token, references, lambda: self._wanted(search)))
        known: list[_Known] = []
        for face in batch:
            read = [
                (crop, answer)
                for crop, answer in zip(face.face.crops, answers, strict=False)
                if isinstance(answer, Template)
            ]
            crops = [crop for crop, _ in read]
            templates = [template for _, template in read]
            try:
                mean = combine(templates, [crop.quality for crop in crops]) if templates else None
            except UnusableTemplateError:
                mean = None
            if mean is None:
                tally.faces_unreadable += 1
            else:
                known.append(_Known(face.clip, face.face, crops, templates, mean))
        return known

    def _score(self, search: Search, probes: Sequence[Probe]) -> list[float | None]:
        if not probes:
            return []
        if len({probe.template.model for probe in probes}) > 1:
            raise EmbedderAwayError("the embedder's model changed between two answers")
        try:
            return self._subjects.score(search.authorisation_id, probes, self._clock.now())
        except NotEnrolledError:
            # The embedder's model is another than at the enrolment: the subject's photos are embedded by it too.
            self._enrolment.renew(search)
        try:
            return self._subjects.score(search.authorisation_id, probes, self._clock.now())
        except NotEnrolledError as error:
            raise SearchEndedError("no subject is enrolled under the authorisation by this model") from error

    def _best_crop(self, search: Search, face: _Known) -> Crop:
        scores = self._score(search, [face.probe(template) for template in face.templates])
        best = max(range(len(scores)), key=lambda index: -1.0 if (score := scores[index]) is None else score)
        return face.crops[best]


def _batches(faces: Iterable[_Face], crops: int) -> Iterator[list[_Face]]:
    """Yield faces, whole, by about `crops` crops."""
    batch: list[_Face] = []
    held = 0
    for face in faces:
        batch.append(face)
        held += len(face.face.crops)
        if held >= crops:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
