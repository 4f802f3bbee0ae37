"""Run by Alembic. The connection comes from ``storage.database.migrate``, in whose transaction everything happens."""

from __future__ import annotations

from alembic import context

from storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
