"""What a tenant may set about its review."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from moderation.review.strikes import LADDER, Step


class ReviewSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``second_looks`` is the share of decisions that somebody else looks at blindly; ``severe_an_hour`` the exposure budget.

    ``ladder`` says what strikes lead to: with ``suggest`` the reviewer is told, with ``apply`` it happens with the decision.
    ``stands_days`` is how long a person's decision outranks automation.
    """

    second_looks: Annotated[float, Meta(ge=0, le=1)] = 0.05
    severe_an_hour: Annotated[int, Meta(ge=0, le=1_000)] = 12
    ladder: tuple[Step, ...] = LADDER
    ladder_mode: Literal["suggest", "apply"] = "suggest"
    stands_days: Annotated[int, Meta(ge=1, le=3_650)] = 90
