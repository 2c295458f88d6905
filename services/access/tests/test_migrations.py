from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from homeward.access.database.database import Database
from homeward.access.database.migrate import SchemaError, migrate, require_migrated
from homeward.access.database.schema import SCHEMA


def test_migrations_give_the_schema_of_the_code(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/access.db")
    with pytest.raises(SchemaError, match="prepare"):
        require_migrated(database)
    migrate(database)
    require_migrated(database)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SCHEMA) == []
    migrate(database)
    database.close()
