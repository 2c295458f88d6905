from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from homeward.ingest.cameras.sources import FolderSpec, SourceSpec
from homeward.ingest.imports.folder_files import FootageFile, ImportMark, folder_id, left, place

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
S = timedelta(seconds=1)
SPEC = SourceSpec(
    "cam-1", "file:///srv/old/", None, 10 * S, None, folder=FolderSpec("%Y%m%d-%H%M%S", ZoneInfo("Asia/Taipei"))
)


def file(seconds: float, name: str) -> FootageFile:
    return FootageFile(NOON + seconds * S, name)


A, B, C = file(0, "a"), file(60, "b"), file(120, "c")


def mark(of: FootageFile, placed_at: datetime | None = None) -> ImportMark:
    return ImportMark(folder_id(SPEC), of.digest, placed_at or of.starts_at)


def test_files_are_read_in_order_of_time() -> None:
    assert left([C, A, B], None, complete=False) == [A, B, C]
    assert left([B, file(60, "a")], None, complete=False) == [file(60, "a"), B]


def test_an_import_goes_on_with_the_file_where_it_was_left() -> None:
    assert left([C, A, B], mark(B), complete=False) == [B, C]


def test_a_finished_import_goes_on_with_files_that_came_later() -> None:
    assert left([A, B], mark(B), complete=True) == []
    assert left([A, B, C], mark(B), complete=True) == [C]


def test_where_the_file_is_gone_its_place_tells_what_is_left() -> None:
    assert left([A, C], mark(B), complete=False) == [C]


def test_a_file_that_begins_within_its_name_s_second_is_placed_behind_the_one_before() -> None:
    assert place(B, B.starts_at + 0.4 * S, mark(A)) == B.starts_at + 0.4 * S
    assert place(B, B.starts_at + 1.1 * S, mark(A)) == B.starts_at
    assert place(B, B.starts_at - 0.4 * S, mark(A)) == B.starts_at
    assert place(B, None, None) == B.starts_at


def test_a_file_that_was_begun_keeps_its_place() -> None:
    assert place(B, B.starts_at + 30 * S, mark(B, B.starts_at + 0.4 * S)) == B.starts_at + 0.4 * S


def test_a_mark_is_read_back_for_its_own_folder_alone() -> None:
    told = mark(B, B.starts_at + 0.4 * S)
    assert ImportMark.parse(str(told), folder_id(SPEC)) == told
    assert ImportMark.parse(str(told), "another") is None
    assert ImportMark.parse("0" * 64, folder_id(SPEC)) is None
    assert ImportMark.parse(f"folder|{folder_id(SPEC)}|x|yesterday", folder_id(SPEC)) is None
    assert ImportMark.parse(None, folder_id(SPEC)) is None
