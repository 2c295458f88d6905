"""Access on a real PostgreSQL: what its own tests show on SQLite holds there too, and migrations give its schema."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from homeward.access.database.database import Database
from homeward.access.database.migrate import SchemaError, migrate, require_migrated
from homeward.access.database.schema import SCHEMA
from support.access_world import TEST_DATABASE_URL
from support.postgres import running_postgres

pytestmark = pytest.mark.postgres
_ROOT: Final = Path(__file__).parents[3]
_MINUTES_S: Final = 600


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_postgres() as url:
        yield url


def differences(database: Database) -> list[object]:
    """Return in what the database's schema is not that of the code."""
    with database.engine.connect() as connection:
        found: list[object] = compare_metadata(MigrationContext.configure(connection), SCHEMA)
    return found


def test_migrations_give_the_schema_of_the_code_and_again_change_nothing(server: str) -> None:
    database, other = Database(server), Database(server)
    with pytest.raises(SchemaError, match="prepare"):
        require_migrated(database)
    assert differences(database) != []
    racers = [threading.Thread(target=migrate, args=(each,)) for each in (database, other)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    require_migrated(database)
    assert differences(database) == []
    migrate(database)
    assert differences(database) == []
    database.close()
    other.close()


@pytest.mark.timeout(_MINUTES_S)
def test_the_tests_of_access_pass_on_postgresql(server: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "services/access/tests", "-q", "-p", "no:cacheprovider"],
        cwd=_ROOT,
        env=os.environ | {TEST_DATABASE_URL: server},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:]
