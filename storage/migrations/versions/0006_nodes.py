"""When memberships began, for nodes that missed it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default, so that a node of the version before can go on writing rows without it.
    op.add_column("members", sa.Column("joined_at", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("members", "joined_at")
