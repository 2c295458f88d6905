"""From what the demo found to what the contact sheet shows, judged by the truth where it is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from homeward.cli.demo.result import (
    AbsentSearch,
    Compared,
    DemoResult,
    FoundSighting,
    Recall,
    TemplateCounts,
    Timings,
)
from homeward.cli.demo.run import DemoOutcome, Footage
from homeward.cli.demo.truth import Judged, Missed, Seen, Verdict, judge
from homeward.cli.scene.portrait import Box
from homeward.cli.scene.truth import SceneTruth
from homeward.shared.instants import from_timestamp
from homewardapi.sighting.v1.sighting_pb2 import SEARCH_MODE_LIVE, Sighting


@dataclass(frozen=True, slots=True)
class KnownScene:
    """A stretch of footage and the truth about it."""

    footage: Footage
    truth: SceneTruth


@dataclass(frozen=True, slots=True)
class Photos:
    """The photo searched with, and the one of somebody who is not there; JPEG."""

    subject: bytes
    absent: bytes | None = None


def seen_of(sighting: Sighting) -> Seen:
    """Return what of a sighting is judged."""
    box = sighting.box
    return Seen(
        sighting.sighting_id,
        sighting.camera_id,
        from_timestamp(sighting.first_seen_at),
        from_timestamp(sighting.last_seen_at),
        sighting.score,
        from_timestamp(sighting.crop.at),
        Box(box.left_px, box.top_px, box.width_px, box.height_px),
    )


def judge_all(
    sightings: Sequence[Sighting], scenes: Sequence[KnownScene], subject_id: str
) -> tuple[dict[str, Judged], list[Missed], int]:
    """Return each sighting's judgement by its id, the subject's appearances missed, and how many there were."""
    judged: dict[str, Judged] = {}
    missed: list[Missed] = []
    appearances = 0
    for scene in scenes:
        starts_at, ends_at = scene.footage.starts_at, scene.footage.ends_at
        within = [seen for seen in map(seen_of, sightings) if starts_at <= seen.first_seen_at < ends_at]
        score = judge(scene.truth, within, subject_id, dict.fromkeys(scene.footage.videos, starts_at))
        judged |= {one.seen.sighting_id: one for one in score.judged}
        missed += score.missed
        appearances += score.appearances
    return judged, missed, appearances


def first_frame_to_sighting(
    sightings: Sequence[Sighting], judged: Mapping[str, Judged], scenes: Sequence[KnownScene]
) -> list[timedelta]:
    """Return, shortest first, how long it took to find each of the person's live appearances that was found.

    From the first frame with the whole face in the picture to the first sighting that shows it.
    """
    begun = {
        id(appearance): scene.footage.starts_at + timedelta(seconds=appearance.from_s)
        for scene in scenes
        for appearance in scene.truth.all()
    }
    found: dict[int, datetime] = {}
    for sighting in sightings:
        verdict = judged.get(sighting.sighting_id)
        if sighting.mode != SEARCH_MODE_LIVE or verdict is None or verdict.verdict is not Verdict.SUBJECT:
            continue
        appearance, at = id(verdict.appearance), from_timestamp(sighting.found_at)
        found[appearance] = min(found.get(appearance, at), at)
    return sorted(at - begun[appearance] for appearance, at in found.items())


def demo_result(
    outcome: DemoOutcome,
    photos: Photos,
    footages: Sequence[Footage],
    scenes: Sequence[KnownScene],
    subject_id: str,
    *,
    now: datetime,
    total: timedelta,
) -> DemoResult:
    """Return what the contact sheet shows; `scenes` is empty where the truth is not known."""
    found = outcome.found
    judged, missed, appearances = judge_all(found.sightings, scenes, subject_id)
    wrong = sum(one.verdict is not Verdict.SUBJECT for one in judged.values())
    best = found.sightings[0] if found.sightings else None
    delays = first_frame_to_sighting(found.sightings, judged, scenes)
    return DemoResult(
        made_at=now,
        reference_jpeg=photos.subject,
        sightings=tuple(
            _found(sighting, found.crops[sighting.sighting_id], judged.get(sighting.sighting_id))
            for sighting in found.sightings
        ),
        missed=tuple(missed),
        recall=Recall(appearances, appearances - len(missed), wrong) if scenes else None,
        templates=TemplateCounts(outcome.templates_before, outcome.templates_during, outcome.templates_after),
        compared=Compared(
            cameras=len(footages[0].videos),
            footage_s=sum(footage.lasts.total_seconds() for footage in footages),
            clips=outcome.detected.searched,
            faces=found.progress.faces_compared,
            detector=outcome.detected.detector,
            embedder=best.embedder.name if best else "",
            threshold=best.threshold if best else 0.0,
        ),
        timings=Timings(
            # The middle one: one late clip shall not make the figure, nor one early one.
            frame_to_sighting_s=delays[len(delays) // 2].total_seconds() if delays else None,
            search_s=found.took.total_seconds(),
            total_s=total.total_seconds(),
        ),
        absent=None
        if outcome.absent is None or photos.absent is None
        else AbsentSearch(photos.absent, len(outcome.absent.sightings)),
    )


def _found(sighting: Sighting, picture: bytes, judged: Judged | None) -> FoundSighting:
    return FoundSighting(
        camera_id=sighting.camera_id,
        first_seen_at=from_timestamp(sighting.first_seen_at),
        last_seen_at=from_timestamp(sighting.last_seen_at),
        score=sighting.score,
        face_width_px=sighting.crop.face_width_px,
        picture_jpeg=picture,
        verdict=None if judged is None else judged.verdict,
    )
