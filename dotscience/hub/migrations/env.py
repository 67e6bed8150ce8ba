"""Runs migrations over the connection that `database.migrate` passes in, inside its transaction."""

from alembic import context

from dotscience.hub.migrations.everything import everything

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=everything(),
    version_table="migrations",
    transactional_ddl=False,
)
context.run_migrations()
