"""SQLite's files: what was erased is in none of them, while the database is open and although nobody tidies up."""

from pathlib import Path

from sqlalchemy import delete

from homeward.access.cases.tables import PolicyRow
from homeward.access.database.base import Base
from homeward.access.database.database import Database
from support.access_world import NOON

SECRET = "0123456789abcdef" * 1024


def test_what_was_erased_is_in_no_file(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/access.db")
    Base.metadata.create_all(database.engine)

    def places() -> list[str]:
        return [path.name for path in tmp_path.iterdir() if SECRET[:512].encode() in path.read_bytes()]

    with database.begin() as session:
        session.add(PolicyRow(digest=SECRET, version="1", in_force_since=NOON))
    assert places() == ["access.db"]
    with database.begin() as session:
        session.execute(delete(PolicyRow))
    assert places() == []
    database.close()
