"""A second fence between tenants, for who reads under a role of their own"""

from __future__ import annotations

from storage.migrations.fences import fence, open_again

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLES = (
    "conversations", "events", "texts", "messages", "members", "refusals", "review_items", "reports", "appeals",
    "review_acts", "strikes", "sanctions", "notices", "second_looks", "golden_items", "exposures", "review_views",
    "review_settings", "invitations", "consents", "ratings", "staff", "staff_sessions", "audit", "audit_heads",
    "suggestion_counts", "suggestions_off", "policy_versions", "policy_publications", "policies_in_force",
    "policy_drafts", "policy_trials", "policy_tallies",
)  # fmt: skip


def upgrade() -> None:
    fence("tenants", "id")
    for table in _TABLES:
        fence(table)


def downgrade() -> None:
    for table in ("tenants", *_TABLES):
        open_again(table)
