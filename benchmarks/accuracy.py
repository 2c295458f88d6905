"""Who is found and who is mistaken for whom, by face width and by group: `make accuracy` writes docs/accuracy.md.

The people of the test data, one neutral photo each as the reference, the smiling one as cameras would see it. What is
known of them (age, gender, ethnicity) serves to tell error rates apart here, and stands nowhere in the product.
"""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from homeward.detection.faces import Box
from homeward.detection.faces import FoundFace as DetectedFace
from homeward.detection.quality import quality
from homeward.embedding.adapters.blazeface_finder import BlazeFaceFinder
from homeward.embedding.adapters.litert_embedder import LiteRtEmbedder
from homeward.embedding.answers import EmbedderModel
from homeward.embedding.bootstrap import EMBEDDER, FINDER
from homeward.embedding.calibration.degrade import as_seen, face_in
from homeward.embedding.calibration.measure import PICTURES, WIDTHS_PX
from homeward.embedding.calibration.pairs import PairedPerson, read_pairs
from homeward.embedding.photo import find_faces, subject_face
from homeward.matching.scale import GLANCE_RATE
from homeward.matching.settings import MatchingSettings
from homeward.shared.calibration import Calibration, Calibrations
from homeward.shared.models.library import ModelLibrary
from homeward.shared.vision.alignment import align, inner
from homeward.shared.vision.jpeg import decode_picture, encode_jpeg
from measure import ROOT
from support.data import portraits
from support.models import model_folder

PAGE: Final = ROOT / "docs" / "accuracy.md"
STATED: Final = ROOT / "docs" / "accuracy.json"
RATE: Final = float(MatchingSettings.model_fields["false_match_rate"].default)
_LEAST_GROUP: Final = 9
_POOLED_PX: Final = (48.0, 64.0, 80.0, 120.0)
_SIDES: Final = 2

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Templates at one width: `views` is NxPICTURESx2xD (a face and its mirror image), NaN where no face was found.

    `qualities` is NxPICTURES, as detection judges them.
    """

    width_px: float
    views: Floats
    qualities: Floats

    def mean(self, *, mirror: bool, weighted: bool, best_alone: bool = False) -> Floats:
        """Return each person's template, NxD, NaN for a person of whom no picture shows a face."""
        sides = self.views if mirror else self.views[:, :, :1]
        each = unit(np.nansum(unit(sides), axis=2))
        there = ~np.isnan(self.views[:, :, 0, 0])
        weights = np.where(there, np.maximum(self.qualities, 1e-3) if weighted or best_alone else 1.0, 0.0)
        if best_alone:
            weights = (weights == weights.max(axis=1, keepdims=True)) * (weights > 0)
        return unit(np.einsum("np,npd->nd", weights, np.nan_to_num(each)))


def unit(rows: Floats) -> Floats:
    """Return rows scaled to unit length; what has none stays NaN."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, np.nan))


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share (Wilson 1927)."""
    if of == 0:
        return 0.0, 1.0
    z, share = 1.959964, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * np.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


class Measurement:
    """The models, and what they make of the people."""

    def __init__(self, people: Sequence[PairedPerson]) -> None:
        cv2.setNumThreads(1)
        library = ModelLibrary(model_folder())
        self.model = EmbedderModel(EMBEDDER, library.manifest.model(EMBEDDER).sha256)
        self._embedder = LiteRtEmbedder(library.read(EMBEDDER), self.model)
        self._finder = BlazeFaceFinder(library.read(FINDER))
        self.people = people

    def references(self) -> Floats:
        """Return the templates of the reference photos, NxD."""
        faces = [subject_face(_photo(person.reference.read_bytes()), self._finder) for person in self.people]
        return unit(np.stack([self._views(face).sum(axis=0) for face in faces]))

    def gather(self, width_px: float) -> Gathered:
        """Return the templates of all people at one width, as `homeward models calibrate` sees them."""
        views, qualities = [], []
        for number, person in enumerate(self.people):
            photo = _photo(person.others[0].read_bytes())
            face = find_faces(photo, self._finder)[0]
            for take in range(PICTURES):
                seen = as_seen(photo, face, width_px, np.random.default_rng([number, 0, round(width_px), take]))
                found = face_in(seen, width_px, self._finder)
                if found is None:
                    views.append(np.full((_SIDES, 192), np.nan))
                    qualities.append(0.0)
                    continue
                picture = inner(decode_picture(encode_jpeg(align(seen, found.landmarks)), 10**6))
                views.append(self._views(picture))
                box = Box(found.left_px, found.top_px, found.width_px, found.height_px)
                detected = DetectedFace(box, found.score, found.landmarks, found.width_px)
                qualities.append(quality(detected, picture))
        count = len(self.people)
        return Gathered(
            width_px, np.stack(views).reshape(count, PICTURES, _SIDES, -1), np.array(qualities).reshape(count, PICTURES)
        )

    def _views(self, face: NDArray[np.uint8]) -> Floats:
        """Return 2xD: the templates of a face and of its mirror image, each of unit length."""
        both = [face, np.ascontiguousarray(face[:, ::-1])]
        return unit(np.stack([self._embedder.alone(one) for one in both]).astype(np.float64))


def _photo(data: bytes) -> NDArray[np.uint8]:
    return decode_picture(data, 10**8)


def split(templates: Floats, references: Floats, kept: NDArray[np.bool_] | None = None) -> tuple[Floats, Floats]:
    """Return the scores of people with themselves and with others, of the people `kept`."""
    kept = np.ones(len(references), dtype=np.bool_) if kept is None else kept
    scores = templates[kept] @ references[kept].T
    own: NDArray[np.bool_] = np.eye(int(kept.sum()), dtype=np.bool_)
    same, strangers = np.diag(scores), scores[~own]
    return same[~np.isnan(same)], strangers[~np.isnan(strangers)]


def share(scores: Floats, hit: Callable[[Floats], NDArray[np.bool_]], digits: int = 2) -> str:
    """Return a share with its confidence interval, as text."""
    hits = int(hit(scores).sum())
    low, high = wilson(hits, len(scores))
    return f"{hits / len(scores):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def by_width(all_gathered: Sequence[Gathered], references: Floats, calibration: Calibration) -> list[str]:
    """Return the table of face widths."""
    columns = (
        "face width",
        "right person first",
        "missed at FMR 1e-3",
        f"threshold at {RATE:g}",
        "found at it",
        "strangers at it, of 10,000",
        "own score: 10 %, median",
    )
    lines = ["| " + " | ".join(columns) + " |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for gathered in all_gathered:
        templates = gathered.mean(mirror=True, weighted=True)
        same, strangers = split(templates, references)
        scores = np.nan_to_num(templates, nan=-1.0) @ references.T
        first = (np.argmax(scores, axis=1) == np.arange(len(references))).astype(float)
        at_mille = float(np.quantile(strangers, 1 - 1e-3))
        bar = calibration.band(gathered.width_px).threshold(RATE)
        hits = int((strangers >= bar).sum())
        low, high = (1e4 * one for one in wilson(hits, len(strangers)))
        lines.append(
            f"| {gathered.width_px:.0f} px | {share(first, lambda one: one > 0)} "
            f"| {share(same, lambda one, bar=at_mille: one < bar)} | {bar:.2f} "  # type: ignore[misc]
            f"| {share(same, lambda one, bar=bar: one >= bar)} "  # type: ignore[misc]
            f"| {1e4 * hits / len(strangers):.1f} ({low:.1f} to {high:.1f}) "
            f"| {np.quantile(same, 0.1):.2f}, {np.median(same):.2f} |"
        )
    return lines


def by_mean(all_gathered: Sequence[Gathered], references: Floats) -> list[str]:
    """Return the table of ways to make one template of a face's pictures."""
    ways = {
        "best picture": {"mirror": False, "weighted": False, "best_alone": True},
        "best picture and mirror image": {"mirror": True, "weighted": False, "best_alone": True},
        "plain mean": {"mirror": False, "weighted": False},
        "plain mean with mirror images": {"mirror": True, "weighted": False},
        "mean by quality": {"mirror": False, "weighted": True},
        "**mean by quality with mirror images**": {"mirror": True, "weighted": True},
    }
    lines = [
        "| missed at FMR 1e-3 | " + " | ".join(f"{one.width_px:.0f} px" for one in all_gathered) + " |",
        "| --- |" + " --- |" * len(all_gathered),
    ]
    for name, way in ways.items():
        missed = []
        for gathered in all_gathered:
            same, strangers = split(gathered.mean(**way), references)
            missed.append(float((same < np.quantile(strangers, 1 - 1e-3)).mean()))
        lines.append(f"| {name} | " + " | ".join(f"{one:.3f}" for one in missed) + " |")
    return lines


def by_glance(all_gathered: Sequence[Gathered], references: Floats, calibration: Calibration) -> list[str]:
    """Return the table of what the first look at a face's best picture costs and spares."""
    lines = [
        "| face width | found by all pictures | of these dismissed by the best | strangers dismissed by the best |",
        "| --- | --- | --- | --- |",
    ]
    for gathered in all_gathered:
        band = calibration.band(gathered.width_px)
        best, strangers = split(gathered.mean(mirror=True, weighted=True, best_alone=True), references)
        same, _ = split(gathered.mean(mirror=True, weighted=True), references)
        found = same >= band.threshold(RATE)
        lost = int((best[found] < band.threshold(GLANCE_RATE)).sum())
        spared = float((strangers < band.threshold(GLANCE_RATE)).mean())
        lines.append(f"| {gathered.width_px:.0f} px | {int(found.sum())} | {lost} | {spared:.2f} |")
    return lines


def groups_of(people: Sequence[PairedPerson]) -> dict[str, NDArray[np.bool_]]:
    """Return the groups that hold enough people, each as a mask over `people`."""
    with (portraits() / "people.csv").open(encoding="utf-8") as file:
        rows = {row["face_id"]: row for row in csv.DictReader(file)}
    told = [rows[person.name] for person in people]
    groups = {
        f"{label}: {value}": np.array([row[column] == value for row in told])
        for label, column in (("gender", "face_gender"), ("ethnicity", "face_eth"))
        for value in sorted({row[column] for row in told})
    }
    ages = np.array([float(row["face_age"]) if row["face_age"].isdigit() else np.nan for row in told])
    for low, high in ((0, 24), (24, 30), (30, 100)):
        groups[f"age: {low} to under {high}"] = (ages >= low) & (ages < high)
    return {name: mask for name, mask in groups.items() if mask.sum() >= _LEAST_GROUP}


def by_group(
    all_gathered: Sequence[Gathered], references: Floats, calibration: Calibration, people: Sequence[PairedPerson]
) -> tuple[list[str], list[str], dict[str, float]]:
    """Return the table of groups at the shipped threshold, what is to be said of it, and each group's stated bound."""
    lines = [
        "| group | people | missed | strangers of the group mistaken, of 10,000 | stated bound |",
        "| --- | --- | --- | --- | --- |",
    ]
    stated: dict[str, float] = {}
    rates: dict[str, float] = {}
    for name, mask in groups_of(people).items():
        missed, there, mistaken, pairs = 0, 0, 0, 0
        for gathered in (one for one in all_gathered if one.width_px in _POOLED_PX):
            bar = calibration.band(gathered.width_px).threshold(RATE)
            same, strangers = split(gathered.mean(mirror=True, weighted=True), references, mask)
            missed, there = missed + int((same < bar).sum()), there + len(same)
            mistaken, pairs = mistaken + int((strangers >= bar).sum()), pairs + len(strangers)
        # The widths show the same people: they count as one, and so do their pairs.
        independent = pairs // len(_POOLED_PX)
        low, high = wilson(round(mistaken / len(_POOLED_PX)), independent)
        stated[name] = round(high, 5)
        rates[name] = mistaken / pairs
        lines.append(
            f"| {name} | {int(mask.sum())} | {missed} of {there} | {1e4 * mistaken / pairs:.1f} "
            f"({1e4 * low:.1f} to {1e4 * high:.1f}) | {1e4 * high:.0f} |"
        )
    worst = max(rates, key=lambda name: rates[name])
    words = (
        f"**Most often mistaken for one another: {worst}, {rates[worst] / RATE:.0f} times the rate asked for.** "
        "A search among people of such a group shows more strangers than its result expects; reviewers must know it."
    )
    return lines, [words], stated


def main() -> None:
    """Measure, and write the page and what it states."""
    people = read_pairs(portraits())
    measurement = Measurement(people)
    calibration = Calibrations.load().of(measurement.model.sha256)
    assert calibration is not None
    references = measurement.references()
    all_gathered = []
    for width in WIDTHS_PX:
        sys.stderr.write(f"{width:.0f} px\n")
        all_gathered.append(measurement.gather(width))
    groups, worst, stated = by_group(all_gathered, references, calibration, people)
    text = (ROOT / "benchmarks" / "accuracy.md").read_text(encoding="utf-8")
    tables = {
        "widths": by_width(all_gathered, references, calibration),
        "means": by_mean(all_gathered, references),
        "glance": by_glance(all_gathered, references, calibration),
        "groups": groups,
        "worst": worst,
    }
    for name, lines in tables.items():
        text = text.replace(f"{{{{{name}}}}}", "\n".join(lines))
    PAGE.write_text(text.replace("{{rate}}", f"{RATE:g}"), encoding="utf-8")
    STATED.write_text(
        json.dumps({"false_match_rate": RATE, "model": measurement.model.sha256, "groups": stated}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
