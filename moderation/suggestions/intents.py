"""What a message of a deal may want. The names are those that the inventory and the seed phrases are filed under."""

from __future__ import annotations

from enum import StrEnum


class Intent(StrEnum):
    """One thing that the author of a message wants. ``other`` is everything that no reply is kept for."""

    AVAILABILITY = "availability"
    PRICE_ASK = "price_ask"
    OFFER = "offer"
    DISCOUNT_ASK = "discount_ask"
    ACCEPT = "accept"
    DECLINE = "decline"
    LOCATION_ASK = "location_ask"
    MEET_TIME = "meet_time"
    RESCHEDULE = "reschedule"
    RUNNING_LATE = "running_late"
    DELIVERY_STATUS = "delivery_status"
    NOT_RECEIVED = "not_received"
    DAMAGED_OR_WRONG = "damaged_or_wrong"
    RETURN_OR_REFUND = "return_or_refund"
    CANCEL = "cancel"
    PAYMENT_HOW = "payment_how"
    PAYMENT_PROBLEM = "payment_problem"
    INVOICE_ASK = "invoice_ask"
    CONDITION_ASK = "condition_ask"
    PHOTO_ASK = "photo_ask"
    ADDRESS_ASK = "address_ask"
    THANKS = "thanks"
    GREETING = "greeting"
    CLOSING = "closing"
    TONE_COMPLAINT = "tone_complaint"
    DISPUTE = "dispute"
    HUMAN_ASK = "human_ask"
    CONTACT_ASK = "contact_ask"
    OTHER = "other"


# Said beside what one really wants: "hi, is it still there?" asks whether it is there.
SOCIAL = frozenset({Intent.THANKS, Intent.GREETING, Intent.CLOSING})

# Somebody is upset or asks for help: a calm word and the way to the brand belong among the suggestions.
TENSE = frozenset({Intent.TONE_COMPLAINT, Intent.DISPUTE, Intent.HUMAN_ASK})
