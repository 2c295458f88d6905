"""What a demonstration showed, ready to be laid out. Nothing here reads or measures anything."""

from dataclasses import dataclass
from datetime import datetime

from homeward.cli.demo.truth import Missed, Verdict


@dataclass(frozen=True, slots=True)
class FoundSighting:
    """One sighting on the sheet; `verdict` is None where the truth is not known."""

    camera_id: str
    first_seen_at: datetime
    last_seen_at: datetime
    score: float
    face_width_px: float
    picture_jpeg: bytes
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class TemplateCounts:
    """Face templates at rest in every store: before the authorisation, while it lived, and after it closed."""

    before: int
    during: int
    after: int


@dataclass(frozen=True, slots=True)
class Compared:
    """What was searched, and with what."""

    cameras: int
    footage_s: float
    clips: int
    faces: int
    detector: str
    embedder: str
    threshold: float


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds: from the first frame that shows the subject to the first sighting, the search, and all of the demo."""

    frame_to_sighting_s: float | None = None
    search_s: float | None = None
    total_s: float | None = None


@dataclass(frozen=True, slots=True)
class AbsentSearch:
    """The second search, for somebody who is not there: the photo, and how many sightings came of it."""

    reference_jpeg: bytes
    sightings: int


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of the subject's appearances there were, and how many were found."""

    appearances: int
    found: int
    wrong: int


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Everything that a contact sheet shows; `sightings` are best first, `recall` is None where truth is not known."""

    made_at: datetime
    reference_jpeg: bytes
    sightings: tuple[FoundSighting, ...]
    missed: tuple[Missed, ...]
    recall: Recall | None
    templates: TemplateCounts
    compared: Compared
    timings: Timings
    absent: AbsentSearch | None = None


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the summary: what it is, its value, a word about it, and whether it is as it should be."""

    label: str
    value: str
    note: str
    good: bool | None = None


def headline(result: DemoResult) -> str:
    """Return the outcome in one sentence."""
    if result.recall is None:
        count = len(result.sightings)
        return f"{count} {'sighting' if count == 1 else 'sightings'} to review"
    found, there = result.recall.found, result.recall.appearances
    wrong = result.recall.wrong
    others = "nobody else" if wrong == 0 else f"{wrong} wrong {'sighting' if wrong == 1 else 'sightings'}"
    return f"Found in {found} of {there} appearances, and {others}"


def tiles(result: DemoResult) -> tuple[Tile, ...]:
    """Return the summary's figures in their order."""
    shown = []
    if result.recall is not None:
        recall = result.recall
        share = recall.found / recall.appearances if recall.appearances else 1.0
        shown.append(Tile("Appearances found", f"{recall.found} of {recall.appearances}", f"{share:.0%}", share >= 0.9))  # noqa: PLR2004 - the recall that the project promises
        shown.append(Tile("Wrong people shown", str(recall.wrong), "at the shipped threshold", recall.wrong == 0))
    if result.absent is not None:
        count = result.absent.sightings
        shown.append(Tile("Search for a stranger", str(count), "sightings of somebody not there", count == 0))
    if result.timings.frame_to_sighting_s is not None:
        shown.append(
            Tile("First frame to sighting", f"{result.timings.frame_to_sighting_s:.1f} s", "live, clip by clip")
        )
    if result.timings.search_s is not None:
        shown.append(
            Tile("Archive search", f"{result.timings.search_s:.1f} s", f"{result.compared.faces} faces compared")
        )
    counts = result.templates
    shown.append(
        Tile(
            "Templates at rest",
            f"{counts.before} · {counts.during} · {counts.after}",
            "before · during · after",
            counts.before == 0 and counts.after == 0,
        )
    )
    return tuple(shown)


def comparison(result: DemoResult) -> str:
    """Return what was compared, in one line."""
    compared = result.compared
    minutes = compared.footage_s * compared.cameras / 60
    total = result.timings.total_s
    return (
        f"{compared.cameras} cameras, {minutes:.1f} minutes of video in {compared.clips} clips · "
        f"{compared.faces} faces compared · {compared.detector} and {compared.embedder} · "
        f"threshold {compared.threshold:.2f}" + (f" · {total:.0f} s in all" if total is not None else "")
    )
