"""Whose reports turn out to be right: what a reporter's word weighs in the order of the queue."""

from __future__ import annotations

import math

import msgspec

ENOUGH = 5  # settled reports before a record says anything
AXIS = 0.7  # the share of reports upheld at which a record neither adds nor takes away
LEAST, MOST = 0.1, 12.0


class Record(msgspec.Struct, frozen=True):
    """What became of a person's reports: ``upheld`` led to something, ``dismissed`` did not. Open ones count for neither."""

    upheld: int = 0
    dismissed: int = 0


def weight(record: Record) -> float:
    """What one more report of this person counts for; 1 for somebody without a record.

    The accuracy bonus of Discourse's reviewable scores (app/models/reviewable_score.rb): nothing up to five reports, then
    the signed distance from 70 % upheld, times 5 and the logarithm to the base 4 of how many there were. Kept above
    ``LEAST``, because somebody who cried wolf may still see one.
    """
    total = record.upheld + record.dismissed
    if total <= ENOUGH:
        return 1.0
    share = record.upheld / total
    distance = (share - AXIS) / (1 - AXIS) if share >= AXIS else (share - AXIS) / AXIS
    return min(MOST, max(LEAST, 1 + distance * 5 * math.log(total, 4)))
