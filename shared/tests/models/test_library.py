import hashlib
import multiprocessing
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from homeward.shared.models.errors import (
    ModelHashError,
    ModelMissingError,
    ModelUnavailableError,
    SourceError,
    UnreachableError,
)
from homeward.shared.models.library import FetchProgress, ModelLibrary, State, read_verified
from homeward.shared.models.manifest import FolderSource, Manifest, Model, PipSource, Source
from homeward.shared.models.sources import ByteProgress

GOOD = b"the model" * 1000
SHA256 = hashlib.sha256(GOOD).hexdigest()
PIP = PipSource(kind="pip", package="some-package", version="1.0", member="a/b")
MODEL = Model(
    name="one",
    role="embedder",
    input="112x112",
    licence="MIT",
    origin="nobody",
    sha256=SHA256,
    file_name="one.bin",
    sources=(FolderSource(kind="folder"), PIP),
)
MANIFEST = Manifest(models=(MODEL,))


class Sources:
    """Gives, for each kind of source, some bytes or an error."""

    def __init__(self, **given: bytes | SourceError) -> None:
        self.given = {"folder": SourceError("none was named"), **given}
        self.reads: list[str] = []
        self.delay_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def read(self, source: Source, model: Model, progress: ByteProgress) -> bytes:
        assert model.sha256 == SHA256
        self.reads.append(source.kind)
        time.sleep(self.delay_s)
        progress(1, 2)
        answer = self.given[source.kind]
        if isinstance(answer, SourceError):
            raise answer
        return answer


def library(folder: Path, sources: Sources) -> ModelLibrary:
    return ModelLibrary(folder, manifest=MANIFEST, reader=sources)


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError) as caught:
        library(tmp_path, Sources()).path("one")
    words = str(caught.value)
    assert "homeward models fetch one" in words
    assert SHA256 in words
    assert str(tmp_path / "one.bin") in words


@pytest.mark.parametrize("method", ["path", "read"])
def test_a_file_with_another_hash_is_never_given(tmp_path: Path, method: str) -> None:
    (tmp_path / "one.bin").write_bytes(GOOD + b"!")
    with pytest.raises(ModelHashError) as caught:
        getattr(library(tmp_path, Sources()), method)("one")
    assert SHA256 in str(caught.value)
    assert "homeward models fetch one" in str(caught.value)


def test_the_hash_is_looked_at_every_time(tmp_path: Path) -> None:
    models = library(tmp_path, Sources(pip=GOOD))
    models.fetch()
    assert models.read("one") == GOOD
    (tmp_path / "one.bin").write_bytes(b"exchanged")
    with pytest.raises(ModelHashError):
        models.read("one")
    assert models.state("one") is State.DAMAGED


def test_sources_are_tried_in_order_and_the_first_that_gives_it_wins(tmp_path: Path) -> None:
    sources = Sources(pip=GOOD)
    assert library(tmp_path, sources).fetch() == [tmp_path / "one.bin"]
    assert sources.reads == ["folder", "pip"]
    assert (tmp_path / "one.bin").read_bytes() == GOOD


@pytest.mark.parametrize("there", [True, False])
def test_a_preferred_model_is_fetched_where_it_can_be_and_done_without_where_not(tmp_path: Path, there: bool) -> None:
    better = MODEL.model_copy(update={"name": "better", "file_name": "better.bin", "optional": True, "preferred": True})
    sources = Sources(pip=GOOD if there else UnreachableError("pip could not reach its registry"))
    models = ModelLibrary(tmp_path, manifest=Manifest(models=(better,)), reader=sources)
    assert models.fetch() == ([tmp_path / "better.bin"] if there else [])
    if not there:
        with pytest.raises(ModelUnavailableError):
            models.fetch(["better"])


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    sources = Sources(pip=GOOD)
    models = library(tmp_path, sources)
    models.fetch()
    models.fetch(["one"])
    assert sources.reads == ["folder", "pip"]


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "one.bin").write_bytes(b"half of")
    models = library(tmp_path, Sources(pip=GOOD))
    models.fetch()
    assert models.state("one") is State.VERIFIED


def test_a_source_with_another_hash_is_passed_over(tmp_path: Path) -> None:
    sources = Sources(folder=b"something else", pip=GOOD)
    library(tmp_path, sources).fetch()
    assert (tmp_path / "one.bin").read_bytes() == GOOD


def test_when_every_hash_is_wrong_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        library(tmp_path, Sources(folder=b"wrong", pip=b"wrong too")).fetch()
    assert "another SHA-256" in str(caught.value)
    assert "no network" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [".one.bin.lock"]


def test_without_a_network_the_message_says_so_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        library(tmp_path, Sources(pip=UnreachableError("pip could not reach its registry"))).fetch()
    words = str(caught.value)
    assert "no network" in words
    assert "homeward models fetch --from FOLDER one" in words
    assert SHA256 in words
    assert "the Python package some-package 1.0, by pip: pip could not reach its registry" in words


def test_progress_names_the_model_and_the_source(tmp_path: Path) -> None:
    steps: list[FetchProgress] = []
    library(tmp_path, Sources(pip=GOOD)).fetch(progress=steps.append)
    assert steps[-1] == FetchProgress(MODEL, "the Python package some-package 1.0, by pip", len(GOOD), len(GOOD))
    assert any(step.done_bytes == 1 for step in steps)


def test_two_threads_fetch_it_once(tmp_path: Path) -> None:
    sources = Sources(pip=GOOD)
    sources.delay_s = 0.1
    threads = [threading.Thread(target=library(tmp_path, sources).fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sources.reads == ["folder", "pip"]


def _hold_and_die(folder: Path, held: "multiprocessing.synchronize.Event") -> None:
    class Dying(Sources):
        def read(self, source: Source, model: Model, progress: ByteProgress) -> bytes:
            del source, model, progress
            held.set()
            time.sleep(60)
            return GOOD

    library(folder, Dying()).fetch()


def test_a_fetcher_that_was_killed_holds_nobody_up(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=_hold_and_die, args=(tmp_path, held))
    process.start()
    assert held.wait(30)
    process.kill()
    process.join()
    assert library(tmp_path, Sources(pip=GOOD)).fetch() == [tmp_path / "one.bin"]


def test_bytes_are_hashed_as_they_are_given(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(GOOD)
    assert read_verified("own", path, SHA256) == GOOD
    with pytest.raises(ModelHashError):
        read_verified("own", path, "0" * 64)
