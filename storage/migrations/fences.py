"""Row-level security, for steps of the migrations: who reads in the name of a tenant sees no other tenant's rows.

It holds for every role but the tables' owner, and is worth something with ``tertulia serve --reader-role`` only: see
docs/operate.md. A reader's transaction says whose it is in ``app.tenant``; one that says nothing sees nothing.
"""

from __future__ import annotations

from alembic import op

_WHOSE = "current_setting('app.tenant', true)"


def fence(table: str, column: str = "tenant") -> None:
    """Put one around a table. On SQLite there are no roles, and nothing happens."""
    if op.get_bind().dialect.name != "postgresql":
        return
    # Without a name are what the operator's files say, for all tenants; ``*`` is for what is counted or looked up for all at once.
    theirs = f"{column} = {_WHOSE} OR {column} = '' OR {_WHOSE} = '*'"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_tenant ON {table} FOR SELECT USING ({theirs})")


def open_again(table: str) -> None:
    """Take it away."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP POLICY of_tenant ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
