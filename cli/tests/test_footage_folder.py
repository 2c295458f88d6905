from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from homeward.cli.footage_folder import FolderRefusedError, check, listed
from homeward.shared.filetimes import NamePattern

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PATTERN = NamePattern("cam1-%Y%m%d-%H%M%S")
KEPT = timedelta(days=30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cam1-20261123-100000.mp4", "cam1-20261122-100000.mkv", ".hidden"):
        (tmp_path / name).write_bytes(b"film")
    (tmp_path / "older").mkdir()
    return tmp_path


def test_files_are_listed_in_order_of_time(folder: Path) -> None:
    files = listed(folder, PATTERN)
    assert [(file.name, file.starts_at) for file in files] == [
        ("cam1-20261122-100000.mkv", NOON - timedelta(hours=26)),
        ("cam1-20261123-100000.mp4", NOON - timedelta(hours=2)),
    ]
    check(files, NOON, KEPT)


def test_a_name_without_a_time_is_refused(folder: Path) -> None:
    (folder / "holiday.mp4").write_bytes(b"film")
    with pytest.raises(FolderRefusedError, match=r"holiday\.mp4: the name does not match"):
        check(listed(folder, PATTERN), NOON, KEPT)


def test_a_file_without_a_creation_time_is_refused(folder: Path) -> None:
    with pytest.raises(FolderRefusedError, match="no creation time"):
        check(listed(folder, None), NOON, KEPT)


def test_footage_past_its_retention_is_refused(folder: Path) -> None:
    with pytest.raises(FolderRefusedError, match="older than the 1 d that footage is kept"):
        check(listed(folder, PATTERN), NOON, timedelta(days=1))


def test_footage_of_the_future_is_refused(folder: Path) -> None:
    with pytest.raises(FolderRefusedError, match="future"):
        check(listed(folder, PATTERN), NOON - timedelta(hours=3), KEPT)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FolderRefusedError, match="no files"):
        listed(tmp_path, PATTERN)
