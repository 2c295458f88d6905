"""The store: what a query may reach, and that a wipe leaves no byte."""

import struct
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.matching.adapters.qdrant import QdrantSubjects
from homeward.matching.ports import NotEnrolledError, NotWipedError, StoreAwayError
from homeward.matching.subject import Count, Probe, Scope, Subject, Wiped
from homeward.matching.template import Model, Template
from support.authorisations import AUTHORISATION_ID, NOON
from support.matching import MODEL, OTHER_MODEL, vector

OTHER_ID = "1d5c2f6e-9b1a-4c53-8a7e-3f0b6f1d2c41"


def scope(authorisation_id: str = AUTHORISATION_ID, camera_ids: frozenset[str] = frozenset({"gate", "hall"})) -> Scope:
    return Scope(
        authorisation_id,
        camera_ids,
        NOON - timedelta(hours=3),
        NOON + timedelta(hours=3),
        NOON + timedelta(hours=12),
    )


def subject(person: int = 1, authorisation_id: str = AUTHORISATION_ID, model: Model = MODEL) -> Subject:
    return Subject(scope(authorisation_id), Template(vector(person, likeness=1.0, model=model), model))


def probe(person: int = 1, camera_id: str = "gate", at_h: float = -1, model: Model = MODEL) -> Probe:
    return Probe(Template(vector(person, likeness=1.0, model=model), model), camera_id, NOON + timedelta(hours=at_h))


def test_a_score_is_the_cosine(subjects: QdrantSubjects) -> None:
    subjects.put(subject())
    same, other = subjects.score(AUTHORISATION_ID, [probe(1), probe(2)], NOON)
    assert same == pytest.approx(1.0, abs=1e-5)
    assert other == pytest.approx(float(vector(1, likeness=1.0) @ vector(2, likeness=1.0)), abs=1e-5)


@given(
    camera_id=st.sampled_from(["gate", "hall", "yard"]),
    at_h=st.floats(-5, 5),
    now_h=st.floats(-1, 14),
)
@settings(deadline=None)  # a busy machine is no failure
def test_a_query_reaches_exactly_as_far_as_the_scope(camera_id: str, at_h: float, now_h: float) -> None:
    store = QdrantSubjects.in_memory()
    store.put(subject())
    asked = probe(1, camera_id, at_h)
    now = NOON + timedelta(hours=now_h)
    own = scope()
    opened = (
        camera_id in own.camera_ids
        and own.window_starts_at <= asked.clip_starts_at < own.window_ends_at
        and now < own.expires_at
    )
    (score,) = store.score(AUTHORISATION_ID, [asked], now)
    assert (score is not None) == opened
    store.close()


def test_the_ends_of_the_scope_are_exact(subjects: QdrantSubjects) -> None:
    subjects.put(subject())
    tick = timedelta(microseconds=1)
    own = scope()
    template = probe().template
    times = [own.window_starts_at - tick, own.window_starts_at, own.window_ends_at - tick, own.window_ends_at]
    scores = subjects.score(AUTHORISATION_ID, [Probe(template, "gate", time) for time in times], NOON)
    assert [score is not None for score in scores] == [False, True, True, False]
    assert subjects.score(AUTHORISATION_ID, [probe()], own.expires_at - tick) != [None]
    assert subjects.score(AUTHORISATION_ID, [probe()], own.expires_at) == [None]


def test_templates_of_different_models_never_meet(subjects: QdrantSubjects) -> None:
    subjects.put(subject())
    with pytest.raises(NotEnrolledError):
        subjects.score(AUTHORISATION_ID, [probe(model=OTHER_MODEL)], NOON)
    # The same values under another hash are another model all the same.
    renamed = Model(MODEL.name, "00" * 32)
    with pytest.raises(NotEnrolledError):
        subjects.score(AUTHORISATION_ID, [Probe(Template(vector(1, likeness=1.0), renamed), "gate", NOON)], NOON)


def test_subjects_of_different_authorisations_never_meet(subjects: QdrantSubjects) -> None:
    subjects.put(subject(1))
    subjects.put(subject(2, OTHER_ID))
    (score,) = subjects.score(AUTHORISATION_ID, [probe(2)], NOON)
    assert score is not None
    assert score < 0.3
    assert subjects.enrolled() == {AUTHORISATION_ID, OTHER_ID}
    assert subjects.count() == Count(2, 2)


def test_storing_twice_stores_once(subjects: QdrantSubjects) -> None:
    subjects.put(subject(1))
    subjects.put(subject(2))
    assert subjects.count() == Count(1, 1)
    (score,) = subjects.score(AUTHORISATION_ID, [probe(2)], NOON)
    assert score == pytest.approx(1.0, abs=1e-5)


def test_a_wipe_takes_every_model_and_nobody_else(subjects: QdrantSubjects) -> None:
    subjects.put(subject())
    subjects.put(subject(model=OTHER_MODEL))
    subjects.put(subject(2, OTHER_ID))
    assert {stored.model for stored in subjects.find(AUTHORISATION_ID)} == {MODEL, OTHER_MODEL}

    assert subjects.wipe(AUTHORISATION_ID) == Wiped(2, 0)
    assert subjects.wipe(AUTHORISATION_ID) == Wiped(0, 0)
    assert subjects.find(AUTHORISATION_ID) == []
    assert subjects.enrolled() == {OTHER_ID}
    with pytest.raises(NotEnrolledError):
        subjects.score(AUTHORISATION_ID, [probe()], NOON)


def test_what_is_stored_tells_its_end(subjects: QdrantSubjects) -> None:
    subjects.put(subject())
    (stored,) = subjects.find(AUTHORISATION_ID)
    assert (stored.authorisation_id, stored.model) == (AUTHORISATION_ID, MODEL)
    assert stored.expires_at == scope().expires_at


def test_a_model_that_no_collection_can_be_named_after_is_refused(subjects: QdrantSubjects) -> None:
    with pytest.raises(ValueError, match="no name"):
        subjects.put(subject(model=Model("../elsewhere", "ab" * 32)))


def traces(folder: Path, template: Template) -> list[str]:
    """Return the files below `folder` that hold any run of three components, in any width and byte order."""
    runs = [template.values[start : start + 3].tolist() for start in range(0, len(template.values) - 3, 16)]
    needles = []
    for run in runs:
        needles += [struct.pack(f"{order}3{kind}", *run) for order in "<>" for kind in "fd"]
        # Pickled floats stand apart, each behind an opcode.
        needles += [struct.pack(">d", number) for number in run]
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file.name for file in files if any(needle in file.read_bytes() for needle in needles)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "qdrant"


@pytest.fixture
def kept(folder: Path) -> Iterator[QdrantSubjects]:
    store = QdrantSubjects.in_folder(folder)
    yield store
    store.close()


def test_a_wipe_leaves_no_byte_in_the_folder(kept: QdrantSubjects, folder: Path) -> None:
    kept.put(subject(1))
    kept.put(subject(2, OTHER_ID))
    stored = Template(np.asarray(subject(1).template.values, dtype=np.float32), MODEL)
    assert traces(folder, stored), "the scan must see a template that is there"

    kept.wipe(AUTHORISATION_ID)

    assert traces(folder, stored) == []
    assert traces(folder, subject(2).template), "another's template stays"
    assert kept.count() == Count(1, 1)


def test_templates_outlive_a_restart_and_a_wipe_does_too(folder: Path) -> None:
    store = QdrantSubjects.in_folder(folder)
    store.put(subject())
    store.close()

    store = QdrantSubjects.in_folder(folder)
    assert store.score(AUTHORISATION_ID, [probe()], NOON) == [pytest.approx(1.0, abs=1e-5)]
    store.wipe(AUTHORISATION_ID)
    store.close()

    store = QdrantSubjects.in_folder(folder)
    assert store.count() == Count(0, 0)
    assert store.enrolled() == frozenset()
    store.close()


def test_a_file_that_cannot_be_removed_is_no_wipe(kept: QdrantSubjects, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.put(subject())
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    with pytest.raises(NotWipedError, match=AUTHORISATION_ID):
        kept.wipe(AUTHORISATION_ID)


# The client that is turned away leaves its lock's file to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_folder_has_one_owner(kept: QdrantSubjects, folder: Path) -> None:
    assert kept.count() == Count(0, 0)
    with pytest.raises(StoreAwayError, match="another process"):
        QdrantSubjects.in_folder(folder)


def test_a_server_that_is_not_there_is_away() -> None:
    store = QdrantSubjects.at_server("http://127.0.0.1:9", None)
    with pytest.raises(StoreAwayError) as caught:
        store.put(subject())
    # The client's own error may hold the request, and with it the template.
    assert caught.value.__cause__ is None
    store.close()
