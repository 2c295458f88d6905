"""A folder of footage in, clips and gaps at the files' own times out."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from homeward.ingest.cameras.sources import FolderSpec, SourceSpec
from homeward.ingest.imports.folder import FolderReader
from homeward.shared.instants import from_timestamp
from homewardapi.clip.v1 import clip_pb2
from support.studio import Studio
from support.video import make_video, packet_hashes

S = timedelta(seconds=1)
TAIPEI = ZoneInfo("Asia/Taipei")
PATTERN = "cam1-%Y%m%d-%H%M%S"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 s with a key frame each 2 s."""
    return make_video(tmp_path_factory.mktemp("film") / "film.mp4", gop=20, b_frames=2, seconds=20)


@pytest.fixture
def start() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "old footage"
    path.mkdir()
    return path


def name(at: datetime) -> str:
    return at.astimezone(TAIPEI).strftime(PATTERN) + ".mp4"


def spec(folder: Path, **options: object) -> SourceSpec:
    folder_spec = FolderSpec(PATTERN, TAIPEI)
    return SourceSpec("cam-1", folder.as_uri() + "/", None, 4 * S, None, folder=folder_spec, **options)  # type: ignore[arg-type]


def told(studio: Studio) -> list[tuple[datetime, datetime, str]]:
    """What was announced: clips that touch each other are one stretch."""
    stretches: list[tuple[datetime, datetime, str]] = []
    for clip in studio.clips():
        gap = clip.HasField("gap")
        kind = clip_pb2.GapCause.Name(clip.gap.cause).removeprefix("GAP_CAUSE_") if gap else "footage"
        begins, ends = from_timestamp(clip.starts_at), from_timestamp(clip.ends_at)
        if stretches and stretches[-1][2] == kind == "footage" and stretches[-1][1] == begins:
            stretches[-1] = (stretches[-1][0], ends, kind)
        else:
            stretches.append((begins, ends, kind))
    assert all(before[1] == after[0] for before, after in pairwise(stretches))
    return stretches


def test_files_are_imported_at_the_times_of_their_names(
    studio: Studio, film: Path, folder: Path, start: datetime
) -> None:
    for seconds in (60, 0, 20):
        (folder / name(start + seconds * S)).write_bytes(film.read_bytes())
    (folder / ".partial").write_text("not footage")
    studio.record(spec(folder))
    assert told(studio) == [
        (start, start + 40 * S, "footage"),
        (start + 40 * S, start + 60 * S, "NOT_IMPORTED"),
        (start + 60 * S, start + 80 * S, "footage"),
    ]
    assert [digest for path in studio.files() for digest in packet_hashes(path)] == packet_hashes(film) * 3
    assert all(
        clip.stored.optional_time_source == clip_pb2.TIME_SOURCE_IMPORT
        for clip in studio.clips()
        if clip.HasField("stored")
    )


def test_without_a_pattern_the_creation_time_in_the_file_holds(studio: Studio, folder: Path) -> None:
    created = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)
    film = make_video(folder / "one.mp4", gop=20, seconds=4, created_at=created)
    unknown = make_video(folder / "two.mp4", gop=20, seconds=4)
    studio.record(SourceSpec("cam-1", folder.as_uri() + "/", None, 4 * S, None, folder=FolderSpec()))
    assert told(studio) == [(created, created + 4 * S, "footage")]
    assert film.exists()
    assert unknown.exists()


def test_what_overlaps_is_dropped_up_to_a_key_frame(studio: Studio, film: Path, folder: Path, start: datetime) -> None:
    for seconds in (0, 15):
        (folder / name(start + seconds * S)).write_bytes(film.read_bytes())
    studio.record(spec(folder))
    # The second file has key frames at 15, 17, 19, 21 s.
    assert told(studio) == [
        (start, start + 20 * S, "footage"),
        (start + 20 * S, start + 21 * S, "NOT_IMPORTED"),
        (start + 21 * S, start + 35 * S, "footage"),
    ]


def test_files_that_overlap_within_a_second_of_their_names_lose_nothing(
    studio: Studio, film: Path, folder: Path, start: datetime
) -> None:
    for seconds in (0, 19):
        (folder / name(start + seconds * S)).write_bytes(film.read_bytes())
    studio.record(spec(folder))
    assert told(studio) == [(start, start + 40 * S, "footage")]
    assert [digest for path in studio.files() for digest in packet_hashes(path)] == packet_hashes(film) * 2


def test_a_file_that_cannot_be_read_is_a_gap_and_holds_up_no_other(
    studio: Studio, film: Path, folder: Path, start: datetime
) -> None:
    (folder / name(start)).write_bytes(film.read_bytes())
    (folder / name(start + 30 * S)).write_bytes(b"no video" * 1000)
    (folder / name(start + 60 * S)).write_bytes(film.read_bytes())
    studio.record(spec(folder))
    assert told(studio) == [
        (start, start + 20 * S, "footage"),
        (start + 20 * S, start + 30 * S, "NOT_IMPORTED"),
        (start + 30 * S, start + 60 * S, "CORRUPT"),
        (start + 60 * S, start + 80 * S, "footage"),
    ]


def test_a_name_without_a_time_and_footage_past_its_retention_are_passed_over(
    studio: Studio, film: Path, folder: Path, start: datetime
) -> None:
    (folder / "holiday.mp4").write_bytes(film.read_bytes())
    (folder / name(start - timedelta(hours=3))).write_bytes(film.read_bytes())
    (folder / name(start)).write_bytes(film.read_bytes())
    studio.record(spec(folder, retention=timedelta(hours=26)))
    assert told(studio) == [(start, start + 20 * S, "footage")]


def test_files_that_come_later_are_imported_by_the_next_run(
    studio: Studio, film: Path, folder: Path, start: datetime
) -> None:
    (folder / name(start)).write_bytes(film.read_bytes())
    studio.record(spec(folder))
    studio.record(spec(folder))
    assert len(studio.clips()) == 5
    (folder / name(start + 20 * S)).write_bytes(film.read_bytes())
    studio.record(spec(folder))
    assert told(studio) == [(start, start + 40 * S, "footage")]


class StopsAfter:
    """A stop signal that is set once it was asked a number of times, wherever that is."""

    def __init__(self, times: int) -> None:
        self._left = times

    def is_set(self) -> bool:
        self._left -= 1
        return self._left < 0

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - the port's
        return self.is_set()


def stops() -> Iterator[int]:
    yield from (1, 3, 100, 250, 390, 420, 611)


def test_an_import_that_is_broken_off_anywhere_goes_on_with_the_same_clips(
    new_studio: Callable[[str], Studio], film: Path, folder: Path, start: datetime
) -> None:
    # The second file begins within the first one's last second, so that its place must be remembered.
    for seconds in (0, 19, 60):
        (folder / name(start + seconds * S)).write_bytes(film.read_bytes())
    whole = new_studio("whole")
    whole.record(spec(folder))
    for times in stops():
        broken = new_studio(f"broken-{times}")
        description = spec(folder)
        assert description.folder is not None
        FolderReader(description, description.folder, broken.tools).read(StopsAfter(times))
        FolderReader(description, description.folder, broken.tools).read(threading.Event())
        broken.send()
        assert broken.clips() == whole.clips(), times
