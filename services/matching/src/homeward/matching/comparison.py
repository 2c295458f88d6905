"""The comparing itself: the faces of clips with the one subject of a search. The archive's and the live code alike."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import Final

from homeward.matching.announcements import Announce, Announcements
from homeward.matching.authorisations import Authorisations, Search
from homeward.matching.coverage import covers, key_of
from homeward.matching.enrolment import Enrolment
from homeward.matching.feed import Feed, LookedAt
from homeward.matching.messages import Match, Tally, sighted
from homeward.matching.ports import (
    Embedder,
    EmbedderAwayError,
    Meter,
    NoTemplate,
    NotEnrolledError,
    SearchEndedError,
    Subjects,
)
from homeward.matching.scale import Scale, Scales, UncalibratedModelError
from homeward.matching.subject import Probe
from homeward.matching.template import DifferentModelsError, Template, UnusableTemplateError, combine
from homeward.shared.clock import Clock
from homeward.shared.events import Event
from homeward.shared.instants import from_timestamp
from homeward.shared.telemetry.logging import get_logger
from homewardapi.face.v1.face_pb2 import DETECTION_OUTCOME_COMPLETE, ClipFaces, Crop
from homewardapi.sighting.v1.sighting_pb2 import SearchMode

_LEAST_QUALITY: Final = 1e-3
"""What a crop of quality 0 weighs, as in the mean of templates."""

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Findings:
    """What a comparison came to: the sightings' events and what became of every face."""

    sightings: list[Event]
    tally: Tally


@dataclass(frozen=True, slots=True)
class _Work:
    """One comparison under way."""

    search: Search
    mode: "SearchMode.ValueType"
    feed: Feed
    tally: Tally
    found: list[tuple[float, Event]]
    announcements: Announcements | None


class Comparison:
    """Compares faces with the subject of a search.

    References go out and templates come back all the while: a face's best crop first, and its others only where the
    best leaves open who it is. A template of a face is compared as soon as it is there, and leaves in no way: a score
    that reaches the threshold does, with references to the pictures.
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
        scales: Scales,
        crops_under_way: int,
    ) -> None:
        """`crops_under_way` bounds the crops asked for and not answered in one comparison."""
        self._authorisations = authorisations
        self._subjects = subjects
        self._embedder = embedder
        self._enrolment = enrolment
        self._clock = clock
        self._meter = meter
        self._scales = scales
        self._crops_under_way = crops_under_way

    def compare(
        self,
        search: Search,
        clips: Iterable[ClipFaces],
        mode: "SearchMode.ValueType",
        announce: Announce | None = None,
        tally: Tally | None = None,
    ) -> Findings:
        """Compare the faces of those of `clips` that the authorisation opens; blocks while crops are embedded.

        The sightings come best first, and before that to `announce` as they are found, those found at once together.
        `tally`, a new one, tells its owner what was compared when an error is raised.
        `clips` is read on the embedder client's thread, `announce` is called on another, and has returned for all of
        them before this does. Raises SearchEndedError when the authorisation ends, or no subject is enrolled under it:
        then nothing that was found so far may be announced any more. Raises EmbedderAwayError, EmbedderDeniedError,
        StoreAwayError, and what `announce` raises.
        """
        tally = tally or Tally()
        faces = self._faces(search, clips, tally)
        found: list[tuple[float, Event]] = []
        # Where there is no face, nobody is asked.
        first = next(faces, None)
        if first is not None:
            feed = Feed(chain([first], faces), self._crops_under_way)
            announcements = None if announce is None else Announcements(announce, lambda: self._wanted(search))
            self._compare(_Work(search, mode, feed, tally, found, announcements))
        if not self._wanted(search):
            raise SearchEndedError("the authorisation ended during the comparison")
        tally.expected_false = tally.faces_compared * self._scales.false_match_rate
        name = SearchMode.Name(mode)
        self._meter.compared(name, tally.faces_compared)
        self._meter.passed_over("TOO_POOR", tally.faces_too_poor)
        self._meter.passed_over("UNREADABLE", tally.faces_unreadable)
        self._meter.found(name, len(found))
        return Findings(_best_first(found), tally)

    def _wanted(self, search: Search) -> bool:
        return self._authorisations.live(search.authorisation_id) is not None

    def _faces(self, search: Search, clips: Iterable[ClipFaces], tally: Tally) -> Iterator[LookedAt]:
        """Yield the faces to compare, counting the others and the clips on the way."""
        for clip in clips:
            if not self._wanted(search):
                # Hours of clips without a face ask nothing of the embedder, which would hear of the end.
                raise SearchEndedError("the authorisation ended while its clips were being read")
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
                    yield LookedAt(clip, face)

    def _compare(self, work: _Work) -> None:
        search = work.search
        if not self._wanted(search) or not self._subjects.find(search.authorisation_id):
            raise SearchEndedError("no subject is enrolled under the authorisation, or it has ended")
        try:
            with closing(work.feed):
                for answers in self._embedder.stream(search.token, work.feed, lambda: self._wanted(search)):
                    self._take(work, answers)
        except BaseException:
            # What was embedded hangs on the error: it must not wait for a broker either.
            if work.announcements is not None:
                work.announcements.drop()
            raise
        if work.announcements is not None:
            work.announcements.finish()

    def _take(self, work: _Work, answers: Sequence[tuple[int, Template | NoTemplate]]) -> None:
        """Bring the faces of some answers on by one step each."""
        answered = dict.fromkeys(work.feed.answered(number, answer) for number, answer in answers)
        probes: list[tuple[LookedAt, Template]] = []
        for looked in answered:
            if looked.waiting:
                continue
            if not looked.templates:
                if looked.seen_whole:
                    self._unreadable(work, looked)
                else:
                    work.feed.look_again(looked)
                continue
            try:
                probes.append((looked, combine(looked.templates, [crop.quality for crop in looked.crops])))
            except UnusableTemplateError:
                self._unreadable(work, looked)
            except DifferentModelsError as error:
                raise EmbedderAwayError("the embedder's model changed between two answers") from error
        scores = self._score(work.search, [looked.probe(template) for looked, template in probes])
        known = len(work.found)
        for (looked, template), score in zip(probes, scores, strict=True):
            if score is None:
                self._unreadable(work, looked)
            else:
                self._judge(work, looked, template, score)
        if work.announcements is not None and len(work.found) > known:
            work.announcements.tell(_best_first(work.found[known:]))

    def _judge(self, work: _Work, looked: LookedAt, template: Template, score: float) -> None:
        scale, width_px = self._scale(template), _width_px(looked.crops)
        if not looked.seen_whole and not scale.dismisses(score, width_px):
            work.feed.look_again(looked)
            return
        work.tally.faces_compared += 1
        if looked.seen_whole and score >= scale.threshold(width_px):
            crop = self._best_crop(work.search, looked)
            event = sighted(
                work.search.authorisation_id,
                Match(looked.clip, looked.face, crop, min(score, 1.0)),
                weight=scale.weigh(score, width_px),
                model=template.model,
                mode=work.mode,
                now=self._clock.now(),
            )
            work.found.append((score, event))
        work.feed.done(looked)

    def _unreadable(self, work: _Work, looked: LookedAt) -> None:
        work.tally.faces_unreadable += 1
        work.feed.done(looked)

    def _scale(self, template: Template) -> Scale:
        try:
            return self._scales.of(template.model)
        except UncalibratedModelError as error:
            _log.error("search cannot go on", error=error)
            raise SearchEndedError(str(error)) from error

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

    def _best_crop(self, search: Search, looked: LookedAt) -> Crop:
        scores = self._score(search, [looked.probe(template) for template in looked.templates])
        best = max(range(len(scores)), key=lambda index: -1.0 if (score := scores[index]) is None else score)
        return looked.crops[best]


def _best_first(found: Iterable[tuple[float, Event]]) -> list[Event]:
    return [event for _, event in sorted(found, key=lambda one: -one[0])]


def _width_px(crops: Sequence[Crop]) -> float:
    """Return the width of a face, as its crops weigh in its template."""
    weights = [max(crop.quality, _LEAST_QUALITY) for crop in crops]
    return sum(weight * crop.face_width_px for weight, crop in zip(weights, crops, strict=True)) / sum(weights)
