"""Brings a database to the schema of this version. An explicit job: the service itself never changes its tables."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from homeward.access.database.database import Database, translated

_FOLDER: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x486F6D65
"""PostgreSQL's advisory lock that one migration holds: "Home" in ASCII."""


class SchemaError(Exception):
    """The database is not of this version; the message says what to do."""


def migrate(database: Database) -> None:
    """Apply what is missing, in one transaction; again changes nothing. Two at once wait for each other.

    Raises DatabaseAwayError.
    """
    with translated(), database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        command.upgrade(_config(connection), "head")


def require_migrated(database: Database) -> None:
    """Return when the database is of this version; raise SchemaError otherwise."""
    wanted = ScriptDirectory.from_config(_config(None)).get_current_head()
    with translated(), database.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != wanted:
        raise SchemaError(
            f"the database is at revision {found or 'none'}, and this version of access needs {wanted}: "
            "run `python -m homeward.access prepare` first"
        )


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config
