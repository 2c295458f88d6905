"""What Alembic runs a migration in: the connection of `homeward.access.database.migrate`, and no other."""

from alembic import context

from homeward.access.database.schema import SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SCHEMA,
    # SQLite changes a column by making its table anew.
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
