"""Every table. ``events`` with ``texts`` is the log; the tables that can be rebuilt from it are marked as projections."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, MetaData, Table, Text, UniqueConstraint

metadata = MetaData()


def _key(name: str, **options: object) -> Column[str]:
    return Column(name, Text, nullable=False, **options)  # type: ignore[arg-type]


def _milliseconds(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


meta = Table("meta", metadata, Column("key", Text, primary_key=True), _key("value"))

tenants = Table(
    "tenants",
    metadata,
    Column("id", Text, primary_key=True),
    _key("name"),
    _key("api_key_sha256", unique=True),
    _key("token_secret"),
    _key("public_key"),
    _milliseconds("created_at"),
)

# ``last_seq`` and ``head`` (the newest link of the hash chain) are the only place where order is given out: under this row's lock.
conversations = Table(
    "conversations",
    metadata,
    _key("tenant", primary_key=True),
    _key("id", primary_key=True),
    _key("title"),
    Column("listing", Text),
    _key("stage"),
    _key("policy"),
    Column("last_seq", BigInteger, nullable=False),
    _key("head"),
    _milliseconds("created_at"),
)


def _of_conversation() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant", "conversation"], ["conversations.tenant", "conversations.id"])


events = Table(
    "events",
    metadata,
    _key("tenant", primary_key=True),
    _key("conversation", primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    _key("kind"),
    _key("actor"),
    _milliseconds("at"),
    Column("message", Text),
    _key("body"),  # JSON without anybody's words
    Column("commitment", Text),  # SHA-256 of salt and text, where the event carries words
    _key("hash"),
    _of_conversation(),
)

# Words live apart from the log, so that a person's words can be erased and the chain still holds.
# ``revision`` is the seq of the event that brought them; 0 for a message that was refused and so has no event.
texts = Table(
    "texts",
    metadata,
    _key("tenant", primary_key=True),
    _key("message", primary_key=True),
    Column("revision", BigInteger, primary_key=True),
    _key("salt"),
    _key("text"),
)

# Projection: the current form of each message.
messages = Table(
    "messages",
    metadata,
    _key("tenant", primary_key=True),
    _key("id", primary_key=True),
    _key("conversation"),
    Column("seq", BigInteger, nullable=False),
    _key("author"),
    _key("client_id"),
    Column("revision", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    _key("form"),
    UniqueConstraint("tenant", "conversation", "author", "client_id", name="messages_client_id"),
    _of_conversation(),
)

# Projection: who is, or was, a member.
members = Table(
    "members",
    metadata,
    _key("tenant", primary_key=True),
    _key("conversation", primary_key=True),
    _key("participant", primary_key=True),
    _key("name"),
    _key("role"),
    _key("lang"),
    Column("joined_seq", BigInteger, nullable=False),
    Column("left_seq", BigInteger),
    Column("read_seq", BigInteger, nullable=False),
    _milliseconds("muted_until"),
    _milliseconds("joined_at"),
    _of_conversation(),
    Index("members_of_participant", "tenant", "participant"),
)

# Messages that were blocked: they have no place in the log, but their authors may appeal. Decisions about all others are in
# the body of the event that they are about. The words are in ``texts`` under revision 0.
refusals = Table(
    "refusals",
    metadata,
    _key("tenant", primary_key=True),
    _key("message", primary_key=True),
    _key("conversation"),
    _key("author"),
    _milliseconds("at"),
    _key("decision"),  # JSON of policies.decision.Decision
)

# One row a message, whatever fired.
review_items = Table(
    "review_items",
    metadata,
    _key("tenant", primary_key=True),
    _key("message", primary_key=True),
    _key("conversation"),
    _key("state"),
    _key("cause"),  # the verdict, or report or appeal
    Column("reports", Integer, nullable=False),
    _milliseconds("created_at"),
    Index("review_items_open", "tenant", "state", "created_at"),
)

reports = Table(
    "reports",
    metadata,
    _key("tenant", primary_key=True),
    _key("message", primary_key=True),
    _key("reporter", primary_key=True),
    _key("conversation"),
    _key("reason"),
    _key("note"),
    _milliseconds("at"),
)

appeals = Table(
    "appeals",
    metadata,
    _key("tenant", primary_key=True),
    _key("message", primary_key=True),
    _key("author"),
    _key("note"),
    _key("state"),
    _milliseconds("at"),
)

invitations = Table(
    "invitations",
    metadata,
    _key("tenant", primary_key=True),
    _key("id", primary_key=True),
    _key("conversation"),
    _key("state"),
    _key("by"),
    _key("topic"),
    _key("note"),
    Column("agent", Text),
    Column("agent_name", Text),
    _milliseconds("created_at"),
    _milliseconds("joined_at", nullable=True),
    _milliseconds("left_at", nullable=True),
    Column("joined_seq", BigInteger),
    _of_conversation(),
    Index("invitations_of_conversation", "tenant", "conversation"),
    Index("invitations_by_state", "tenant", "state"),
)

consents = Table(
    "consents",
    metadata,
    _key("tenant", primary_key=True),
    _key("invitation", primary_key=True),
    _key("participant", primary_key=True),
    _key("scopes"),  # JSON list
    _milliseconds("at"),
)

ratings = Table(
    "ratings",
    metadata,
    _key("tenant", primary_key=True),
    _key("invitation", primary_key=True),
    _key("participant", primary_key=True),
    _key("agent"),
    Column("score", Integer, nullable=False),
    _key("note"),
    _milliseconds("at"),
)

# Those who sign in to the console. ``id`` is ``staff:`` and their login name; ``password`` an argon2 hash, empty for none.
staff = Table(
    "staff",
    metadata,
    _key("tenant", primary_key=True),
    _key("id", primary_key=True),
    _key("name"),
    _key("email"),
    _key("role"),
    _key("lang"),
    _key("password"),
    _key("preferences"),  # JSON, as the console's pages keep it
    _milliseconds("created_at"),
    _milliseconds("disabled_at", nullable=True),
    Index("staff_by_email", "tenant", "email"),
)

# Where they are signed in. Only the SHA-256 of what the browser holds is kept.
staff_sessions = Table(
    "staff_sessions",
    metadata,
    _key("tenant", primary_key=True),
    _key("key", primary_key=True),
    _key("staff"),
    _key("via"),  # password, oidc or demo
    _key("address"),
    _key("browser"),
    _milliseconds("created_at"),
    _milliseconds("seen_at"),
    UniqueConstraint("key", name="staff_sessions_key"),
    Index("staff_sessions_of_staff", "tenant", "staff"),
)

# What staff did, saw and changed: append-only and chained, as the log of a conversation is, but without anybody's words.
audit = Table(
    "audit",
    metadata,
    _key("tenant", primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    _milliseconds("at"),
    _key("actor"),
    _key("act"),
    _key("subject"),
    _key("detail"),  # JSON
    _key("hash"),
    Index("audit_of_actor", "tenant", "actor"),
    Index("audit_of_subject", "tenant", "subject"),
)

# The newest number and link of each tenant's audit log: under this row's lock the next one is given out.
audit_heads = Table(
    "audit_heads",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    _key("head"),
)

# What became of suggested replies, by reply, role of the reader and language: counts, nobody's words.
suggestion_counts = Table(
    "suggestion_counts",
    metadata,
    _key("tenant", primary_key=True),
    _key("reply", primary_key=True),
    _key("role", primary_key=True),
    _key("lang", primary_key=True),
    _key("intent"),  # empty for what is offered for the heat of a conversation
    _key("stance"),
    Column("shown", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
    Column("edited", BigInteger, nullable=False),
    Column("dismissed", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
)

# Where nothing is suggested. An empty conversation and participant mean the whole tenant, else the one that is named.
suggestions_off = Table(
    "suggestions_off",
    metadata,
    _key("tenant", primary_key=True),
    _key("conversation", primary_key=True),
    _key("participant", primary_key=True),
    _milliseconds("at"),
)
