"""What an invited agent may read: all from its joining on, and of what was said before only what each author agreed to."""

from __future__ import annotations

from storage.values import StoredInvitation

MESSAGES = "messages"  # the scope of one's own earlier messages
SCOPES = frozenset({MESSAGES})


def agent_may_read(invitation: StoredInvitation | None, agent: str, author: str, seq: int) -> bool:
    """Whether ``agent`` may see the message that ``author`` posted at ``seq``."""
    if invitation is None or invitation.agent != agent:
        return False
    return seq >= invitation.joined_seq or author == agent or MESSAGES in invitation.consents.get(author, ())
