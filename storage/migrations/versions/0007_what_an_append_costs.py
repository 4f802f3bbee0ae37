"""What an append costs: no foreign keys of the log, and pardons found by their author"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = ("events", "messages")
_NAMES = {
    "fk": "%(table_name)s_tenant_conversation_fkey"
}  # what PostgreSQL has called them; in SQLite they have no name


def upgrade() -> None:
    for table in _TABLES:
        with op.batch_alter_table(table, naming_convention=_NAMES) as batch:
            batch.drop_constraint(f"{table}_tenant_conversation_fkey", type_="foreignkey")
    op.create_index("appeals_of_author", "appeals", ["tenant", "author"])


def downgrade() -> None:
    op.drop_index("appeals_of_author", "appeals")
    for table in _TABLES:
        with op.batch_alter_table(table) as batch:
            batch.create_foreign_key(
                f"{table}_tenant_conversation_fkey", "conversations", ["tenant", "conversation"], ["tenant", "id"]
            )
