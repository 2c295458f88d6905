"""What the contact sheet is told of the demo: how soon a live camera's person was found."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from homeward.cli.demo.run import Footage
from homeward.cli.demo.truth import Judged, Seen, Verdict
from homeward.cli.demo.verdicts import KnownScene, first_frame_to_sighting
from homeward.cli.scene.portrait import Box
from homeward.cli.scene.truth import CameraTruth, SceneTruth, TimedFace, TrueAppearance
from homeward.shared.instants import to_timestamp
from homewardapi.sighting.v1.sighting_pb2 import SEARCH_MODE_ARCHIVE, SEARCH_MODE_LIVE, SearchMode, Sighting

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def appearance(person: str, from_s: float) -> TrueAppearance:
    return TrueAppearance(person, "gate", from_s, from_s + 5, (TimedFace(from_s, Box(0, 0, 50, 50), 0.0),))


FIRST, SECOND, OTHER = appearance("person-1", 3), appearance("person-1", 20), appearance("person-2", 1)
SCENE = KnownScene(
    Footage({"gate": Path("gate.mp4")}, START, timedelta(seconds=30)),
    SceneTruth((CameraTruth("gate", 640, 480, 10, 30, (FIRST, SECOND, OTHER)),)),
)


def sighting(name: str, found_s: float, mode: SearchMode.ValueType = SEARCH_MODE_LIVE) -> Sighting:
    return Sighting(sighting_id=name, found_at=to_timestamp(START + timedelta(seconds=found_s)), mode=mode)


def verdict(name: str, whose: TrueAppearance) -> Judged:
    right = whose.person_id == "person-1"
    return Judged(Seen(name, "gate", START, START, 0.8), Verdict.SUBJECT if right else Verdict.OTHER, whose)


@pytest.mark.parametrize("turn", [1, -1])
def test_each_appearance_counts_from_its_first_frame_to_its_first_sighting(turn: int) -> None:
    sightings = [sighting("a", 8), sighting("b", 12), sighting("c", 24.5)][::turn]
    judged = {"a": verdict("a", FIRST), "b": verdict("b", FIRST), "c": verdict("c", SECOND)}
    assert first_frame_to_sighting(sightings, judged, [SCENE]) == [timedelta(seconds=4.5), timedelta(seconds=5)]


def test_recordings_somebody_else_and_what_is_not_judged_do_not_count() -> None:
    sightings = [sighting("a", 900, SEARCH_MODE_ARCHIVE), sighting("b", 2), sighting("c", 3)]
    judged = {"a": verdict("a", FIRST), "b": verdict("b", OTHER)}
    assert first_frame_to_sighting(sightings, judged, [SCENE]) == []
