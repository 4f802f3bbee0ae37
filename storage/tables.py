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
    _key("kind"),  # the platform's word for what sort of conversation it is; a policy may be for one kind alone
    Column("last_seq", BigInteger, nullable=False),
    _key("head"),
    _milliseconds("created_at"),
)


def _of_conversation() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant", "conversation"], ["conversations.tenant", "conversations.id"])


# Neither it nor ``messages`` has a foreign key. Who appends holds the conversation's row, and PostgreSQL would look it up once
# more for every row: half of what an append costs it.
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
    _milliseconds("account_created_at"),  # on the platform; 0 where it has not told
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

# One row a message, whatever fired, and however often. ``state`` is open or decided; an open item with a lease that lasts is
# claimed. The order of the queue is that of ``due_at``, which moves earlier as more speaks for looking sooner.
# ``version`` counts what makes an answer stale: new words, a reopening, a decision. ``barred`` must not decide the appeal.
review_items = Table(
    "review_items",
    metadata,
    _key("tenant", primary_key=True),
    _key("message", primary_key=True),
    _key("conversation"),
    _key("state"),
    _key("cause"),  # what opened it first: a verdict, report, appeal, edit, late or staff
    Column("reports", Integer, nullable=False),
    _milliseconds("created_at"),
    _key("causes"),  # JSON list: everything that has fired since it was opened
    _key("author"),
    _key("queue"),
    Column("severity", Integer, nullable=False),
    _key("categories"),  # JSON list
    _key("clauses"),  # JSON list, the strongest first
    _key("language"),
    _key("policy"),  # that of the decision that put it here
    Column("degraded", Integer, nullable=False),  # 0 or 1
    Column("reach", Integer, nullable=False),  # how many others had received it
    Column("weight", Integer, nullable=False),  # of its reporters, added up, in thousandths
    _milliseconds("opened_at"),
    _milliseconds("due_at"),
    Column("version", Integer, nullable=False),
    Column("claimed_by", Text),
    _milliseconds("claimed_at"),
    _milliseconds("lease_until"),
    Column("barred", Text),
    _milliseconds("decided_at"),
    Column("decided_by", Text),
    _key("outcome"),  # of the last decision of a person that was not taken back, else empty
    Index("review_items_due", "tenant", "state", "due_at", "message"),
    Index("review_items_of_queue", "tenant", "state", "queue", "due_at", "message"),
    Index("review_items_decided", "tenant", "state", "decided_at", "message"),
    Index("review_items_of_author", "tenant", "author", "opened_at"),
)

# What reporters said, who are never revealed. ``outcome`` is empty, upheld or dismissed.
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
    _key("outcome"),
    Index("reports_of_reporter", "tenant", "reporter", "outcome"),
)

# ``state`` is open, upheld or overturned. ``decider`` decided what is appealed against: ``policy`` or a person.
appeals = Table(
    "appeals",
    metadata,
    _key("tenant", primary_key=True),
    _key("message", primary_key=True),
    _key("author"),
    _key("note"),
    _key("state"),
    _milliseconds("at"),
    _key("decider"),
    Column("decided_by", Text),
    _milliseconds("decided_at"),
    Index("appeals_of_author", "tenant", "author"),
)

# What people of the staff did. ``request`` makes an act safe to send again; ``batch`` is that of several in one go.
review_acts = Table(
    "review_acts",
    metadata,
    _key("tenant", primary_key=True),
    _key("id", primary_key=True),
    _key("actor"),
    _key("request"),
    Column("batch", Text),
    _key("message"),
    _key("conversation"),
    _key("author"),
    _milliseconds("at"),
    _key("outcome"),
    _key("acts"),  # JSON list of moderation.review.acting.Act
    _key("reason"),
    _key("clause"),
    _key("policy"),
    _key("category"),
    Column("severity", Integer, nullable=False),
    _key("language"),
    _key("verdict"),  # what the policy had said
    _key("causes"),  # JSON list
    _key("queue"),
    _milliseconds("opened_at"),
    _milliseconds("claimed_at"),
    _key("body"),  # JSON of storage.acts.Trace: what undoing needs
    _milliseconds("undone_at"),
    Column("undone_by", Text),
    UniqueConstraint("tenant", "actor", "request", name="review_acts_request"),
    Index("review_acts_of_message", "tenant", "message", "at"),
    Index("review_acts_of_author", "tenant", "author", "at"),
    Index("review_acts_in_time", "tenant", "at"),
    Index("review_acts_of_batch", "tenant", "batch"),
)

strikes = Table(
    "strikes",
    metadata,
    _key("tenant", primary_key=True),
    _key("id", primary_key=True),
    _key("participant"),
    Column("points", Integer, nullable=False),
    Column("severity", Integer, nullable=False),
    _key("clause"),
    _key("message"),
    _key("act"),
    _milliseconds("at"),
    _milliseconds("expires_at"),
    _milliseconds("withdrawn_at"),
    Index("strikes_of_participant", "tenant", "participant", "at"),
    Index("strikes_of_act", "tenant", "act"),
)

# ``kind`` is mute, ban or removal; ``conversation`` is empty for everywhere, ``until`` 0 for without end.
sanctions = Table(
    "sanctions",
    metadata,
    _key("tenant", primary_key=True),
    _key("id", primary_key=True),
    _key("participant"),
    _key("kind"),
    _key("conversation"),
    _milliseconds("at"),
    _milliseconds("until"),
    _key("act"),
    _key("by"),
    _key("clause"),
    _milliseconds("lifted_at"),
    Column("lifted_by", Text),
    Index("sanctions_of_participant", "tenant", "participant", "at"),
    Index("sanctions_of_act", "tenant", "act"),
)

# What a participant is told by the staff. Sent again at each arrival until they have said that they read it.
notices = Table(
    "notices",
    metadata,
    _key("tenant", primary_key=True),
    _key("id", primary_key=True),
    _key("participant"),
    _key("conversation"),
    _key("message"),
    _key("template"),
    _milliseconds("at"),
    _milliseconds("until"),
    _key("act"),
    _milliseconds("read_at"),
    _milliseconds("withdrawn_at"),
    Index("notices_of_participant", "tenant", "participant", "read_at"),
    Index("notices_of_act", "tenant", "act"),
)

# A second person's answer to what a first has decided, blindly; or everybody's to a golden item, whose answer is known.
second_looks = Table(
    "second_looks",
    metadata,
    _key("tenant", primary_key=True),
    _key("id", primary_key=True),
    _key("message"),
    _key("first"),  # the act looked at again, empty for a golden item
    _key("decider"),  # who decided first, ``golden`` for a golden item
    _key("outcome"),  # what they decided
    _key("clause"),
    _milliseconds("at"),
    Column("assigned", Text),
    _milliseconds("lease_until"),
    _key("answer"),
    _key("answer_clause"),
    _milliseconds("answered_at"),
    Column("settled_by", Text),  # the lead who has looked at a disagreement
    Index("second_looks_open", "tenant", "answered_at", "at"),
    Index("second_looks_of_message", "tenant", "message"),
)

golden_items = Table(
    "golden_items",
    metadata,
    _key("tenant", primary_key=True),
    _key("message", primary_key=True),
    _key("outcome"),
    _key("clause"),
    _key("note"),
    _key("by"),
    _milliseconds("at"),
)

# When somebody of the staff was given a severe item, for the exposure budget.
exposures = Table(
    "exposures",
    metadata,
    _key("tenant", primary_key=True),
    _key("staff", primary_key=True),
    _milliseconds("at"),
    _key("message", primary_key=True),
    Index("exposures_in_time", "tenant", "staff", "at"),
)

# Filters of the queue that somebody has given a name.
review_views = Table(
    "review_views",
    metadata,
    _key("tenant", primary_key=True),
    _key("staff", primary_key=True),
    _key("name", primary_key=True),
    _key("filter"),  # JSON
)

review_settings = Table(
    "review_settings",
    metadata,
    _key("tenant", primary_key=True),
    _key("settings"),  # JSON of moderation.review.settings.ReviewSettings
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
    Column("provisional", Integer, nullable=False),  # 1: somebody else chose the password, so it must be changed first
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

# Every policy that was ever in force, with all that it was made of, so that a decision can be replayed by the law of its time.
# Under the tenant without a name are those of the operator's files.
policy_versions = Table(
    "policy_versions",
    metadata,
    _key("tenant", primary_key=True),
    _key("id", primary_key=True),  # name@version
    _key("sources"),  # JSON: [name, TOML] each, the base of all first
    _key("by"),
    _key("note"),
    _milliseconds("at"),
)

# What was put in force for which kind of conversation, by whom and why; ``policy`` is empty where a tenant's was taken back.
policy_publications = Table(
    "policy_publications",
    metadata,
    _key("tenant", primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    _key("kind"),
    _key("policy"),
    _key("act"),  # publish, follow (the one it extends has changed), roll_back or withdraw
    _key("by"),
    _key("note"),
    _milliseconds("at"),
)

# Projection: the newest publication of each kind, unless it was taken back.
policies_in_force = Table(
    "policies_in_force",
    metadata,
    _key("tenant", primary_key=True),
    _key("kind", primary_key=True),
    _key("policy"),
    Column("seq", BigInteger, nullable=False),
)

policy_drafts = Table(
    "policy_drafts",
    metadata,
    _key("tenant", primary_key=True),
    _key("id", primary_key=True),
    _key("kind"),
    _key("source"),  # TOML, which may be at fault as long as it is a draft
    Column("revision", BigInteger, nullable=False),
    _key("by"),
    _milliseconds("created_at"),
    _milliseconds("changed_at"),
)

# A draft tried on what was said (backtest) or on what is being said (shadow), without effect on anybody.
policy_trials = Table(
    "policy_trials",
    metadata,
    _key("tenant", primary_key=True),
    _key("id", primary_key=True),
    _key("what"),  # backtest or shadow
    _key("kind"),
    _key("draft"),
    _key("policy"),  # name@version of the draft as it was tried
    _key("against"),  # name@version of what was in force
    _key("sources"),
    _key("state"),  # running, done, stopped or failed
    _key("problem"),
    _key("by"),
    _key("node"),  # where a backtest runs
    _milliseconds("started_at"),
    _milliseconds("ended_at"),
    Column("of", BigInteger, nullable=False),  # messages to be looked at, as far as it is known
    Index("policy_trials_by_state", "state"),
)

# What a node has counted so far: added up they are the trial's report. Samples are ids, nobody's words.
policy_tallies = Table(
    "policy_tallies",
    metadata,
    _key("tenant", primary_key=True),
    _key("trial", primary_key=True),
    _key("node", primary_key=True),
    _key("tally"),  # JSON
)
