"""Decisions at the same moment: on SQLite, and on PostgreSQL where the environment names a server."""

import os
from pathlib import Path

import pytest

from homeward.access.database.base import Base
from homeward.access.database.database import Database
from support.access_cases import CasesWorld, limited
from support.access_races import race_for_one_request, race_for_the_last_search, race_of_one_form
from support.access_world import TEST_DATABASE_URL, database


@pytest.fixture
def kept(tmp_path: Path) -> Database:
    if TEST_DATABASE_URL in os.environ:
        return database()
    # In a file: a database in memory has one connection, which several threads would share.
    made = Database(f"sqlite:///{tmp_path}/access.db")
    Base.metadata.create_all(made.engine)
    return made


def test_no_more_searches_run_than_may(kept: Database) -> None:
    race_for_the_last_search(CasesWorld(kept, limited(2)), 2)


def test_one_request_is_decided_once(kept: Database) -> None:
    for _ in range(3):
        race_for_one_request(CasesWorld(kept))


def test_of_one_form_sent_several_times_at_once_one_is_kept(kept: Database) -> None:
    race_of_one_form(CasesWorld(kept))
