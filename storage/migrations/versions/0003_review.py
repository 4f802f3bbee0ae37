"""The review queue, sanctions and appeals"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# With defaults, so that a node of the version before can go on writing rows without these columns, and old rows stay good.
_ITEMS: tuple[tuple[str, Any, str | None], ...] = (
    ("causes", sa.Text(), "[]"),
    ("author", sa.Text(), ""),
    ("queue", sa.Text(), "review"),
    ("severity", sa.Integer(), "2"),
    ("categories", sa.Text(), "[]"),
    ("clauses", sa.Text(), "[]"),
    ("language", sa.Text(), ""),
    ("policy", sa.Text(), ""),
    ("degraded", sa.Integer(), "0"),
    ("reach", sa.Integer(), "0"),
    ("weight", sa.Integer(), "0"),
    ("opened_at", sa.BigInteger(), "0"),
    ("due_at", sa.BigInteger(), "0"),
    ("version", sa.Integer(), "1"),
    ("claimed_by", sa.Text(), None),
    ("claimed_at", sa.BigInteger(), "0"),
    ("lease_until", sa.BigInteger(), "0"),
    ("barred", sa.Text(), None),
    ("decided_at", sa.BigInteger(), "0"),
    ("decided_by", sa.Text(), None),
    ("outcome", sa.Text(), ""),
)
_APPEALS: tuple[tuple[str, Any, str | None], ...] = (
    ("decider", sa.Text(), "policy"),
    ("decided_by", sa.Text(), None),
    ("decided_at", sa.BigInteger(), "0"),
)


def _add(table: str, columns: Sequence[tuple[str, Any, str | None]]) -> None:
    for name, kind, default in columns:
        op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))


def upgrade() -> None:
    op.drop_index("review_items_open", "review_items")
    _add("review_items", _ITEMS)
    op.execute("UPDATE review_items SET opened_at = created_at, due_at = created_at, causes = '[\"' || cause || '\"]'")
    op.execute("UPDATE review_items SET state = 'decided', decided_at = created_at WHERE state = 'closed'")
    op.execute(
        "UPDATE review_items SET author = coalesce("
        " (SELECT m.author FROM messages m WHERE m.tenant = review_items.tenant AND m.id = review_items.message),"
        " (SELECT r.author FROM refusals r WHERE r.tenant = review_items.tenant AND r.message = review_items.message), '')"
    )
    op.create_index("review_items_due", "review_items", ["tenant", "state", "due_at", "message"])
    op.create_index("review_items_of_queue", "review_items", ["tenant", "state", "queue", "due_at", "message"])
    op.create_index("review_items_decided", "review_items", ["tenant", "state", "decided_at", "message"])
    op.create_index("review_items_of_author", "review_items", ["tenant", "author", "opened_at"])
    _add("reports", (("outcome", sa.Text(), ""),))
    op.create_index("reports_of_reporter", "reports", ["tenant", "reporter", "outcome"])
    _add("appeals", _APPEALS)
    _make_tables()


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _make_tables() -> None:
    op.create_table(
        "review_acts",
        _text("tenant"), _text("id"), _text("actor"), _text("request"), _text("batch", nullable=True), _text("message"),
        _text("conversation"), _text("author"), _number("at"), _text("outcome"), _text("acts"), _text("reason"),
        _text("clause"), _text("policy"), _text("category"), sa.Column("severity", sa.Integer(), nullable=False),
        _text("language"), _text("verdict"), _text("causes"), _text("queue"), _number("opened_at"),
        _number("claimed_at"), _text("body"), _number("undone_at"), _text("undone_by", nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
        sa.UniqueConstraint("tenant", "actor", "request", name="review_acts_request"),
    )  # fmt: skip
    op.create_index("review_acts_of_message", "review_acts", ["tenant", "message", "at"])
    op.create_index("review_acts_of_author", "review_acts", ["tenant", "author", "at"])
    op.create_index("review_acts_in_time", "review_acts", ["tenant", "at"])
    op.create_index("review_acts_of_batch", "review_acts", ["tenant", "batch"])
    op.create_table(
        "strikes",
        _text("tenant"), _text("id"), _text("participant"), sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False), _text("clause"), _text("message"), _text("act"),
        _number("at"), _number("expires_at"), _number("withdrawn_at"),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )  # fmt: skip
    op.create_index("strikes_of_participant", "strikes", ["tenant", "participant", "at"])
    op.create_index("strikes_of_act", "strikes", ["tenant", "act"])
    op.create_table(
        "sanctions",
        _text("tenant"), _text("id"), _text("participant"), _text("kind"), _text("conversation"), _number("at"),
        _number("until"), _text("act"), _text("by"), _text("clause"), _number("lifted_at"),
        _text("lifted_by", nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )  # fmt: skip
    op.create_index("sanctions_of_participant", "sanctions", ["tenant", "participant", "at"])
    op.create_index("sanctions_of_act", "sanctions", ["tenant", "act"])
    op.create_table(
        "notices",
        _text("tenant"), _text("id"), _text("participant"), _text("conversation"), _text("message"), _text("template"),
        _number("at"), _number("until"), _text("act"), _number("read_at"), _number("withdrawn_at"),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )  # fmt: skip
    op.create_index("notices_of_participant", "notices", ["tenant", "participant", "read_at"])
    op.create_index("notices_of_act", "notices", ["tenant", "act"])
    op.create_table(
        "second_looks",
        _text("tenant"), _text("id"), _text("message"), _text("first"), _text("decider"), _text("outcome"),
        _text("clause"), _number("at"), _text("assigned", nullable=True), _number("lease_until"), _text("answer"),
        _text("answer_clause"), _number("answered_at"), _text("settled_by", nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )  # fmt: skip
    op.create_index("second_looks_open", "second_looks", ["tenant", "answered_at", "at"])
    op.create_index("second_looks_of_message", "second_looks", ["tenant", "message"])
    op.create_table(
        "golden_items",
        _text("tenant"), _text("message"), _text("outcome"), _text("clause"), _text("note"), _text("by"), _number("at"),
        sa.PrimaryKeyConstraint("tenant", "message"),
    )  # fmt: skip
    op.create_table(
        "exposures",
        _text("tenant"), _text("staff"), _number("at"), _text("message"),
        sa.PrimaryKeyConstraint("tenant", "staff", "message"),
    )  # fmt: skip
    op.create_index("exposures_in_time", "exposures", ["tenant", "staff", "at"])
    op.create_table(
        "review_views",
        _text("tenant"), _text("staff"), _text("name"), _text("filter"),
        sa.PrimaryKeyConstraint("tenant", "staff", "name"),
    )  # fmt: skip
    op.create_table("review_settings", _text("tenant"), _text("settings"), sa.PrimaryKeyConstraint("tenant"))


def downgrade() -> None:
    for table in ("review_settings", "review_views", "exposures", "golden_items", "second_looks", "notices",
                  "sanctions", "strikes", "review_acts"):  # fmt: skip
        op.drop_table(table)
    for name, _, _ in _APPEALS:
        op.drop_column("appeals", name)
    op.drop_index("reports_of_reporter", "reports")
    op.drop_column("reports", "outcome")
    for index in ("due", "of_queue", "decided", "of_author"):
        op.drop_index(f"review_items_{index}", "review_items")
    for name, _, _ in _ITEMS:
        op.drop_column("review_items", name)
    op.create_index("review_items_open", "review_items", ["tenant", "state", "created_at"])
