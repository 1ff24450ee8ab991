"""Who is who: roles of staff and contacts, and consent."""

from enum import StrEnum


class StaffRole(StrEnum):
    """What a member of staff does."""

    CSM = "csm"
    LEAD = "lead"
    EXECUTIVE = "executive"
    OPS = "ops"
    SUPPORT = "support"


class ContactRole(StrEnum):
    """What a contact is at the customer's; the order is the order in which we write to them."""

    DECISION_MAKER = "decision_maker"
    CHAMPION = "champion"
    EXECUTIVE_SPONSOR = "executive_sponsor"
    USER = "user"
    BILLING = "billing"


class Consent(StrEnum):
    """Whether a contact agreed to hear from us."""

    GRANTED = "granted"
    UNKNOWN = "unknown"
    DENIED = "denied"


class Purpose(StrEnum):
    """What a message to a contact is for; a contact may say of each whether it is wanted."""

    ACCOUNT = "account"
    OFFERS = "offers"
    TIPS = "tips"


PURPOSE_OF = {"risk": Purpose.ACCOUNT, "expansion": Purpose.OFFERS, "event": Purpose.TIPS}
"""The purpose of a playbook's messages, by its family."""


class SuppressionReason(StrEnum):
    """Why nothing may be sent to an address any more."""

    BOUNCED = "bounced"
    INVALID = "invalid"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    MANUAL = "manual"


PURPOSE_WORDS = {
    Purpose.ACCOUNT: "messages about the account",
    Purpose.OFFERS: "offers",
    Purpose.TIPS: "tips",
}
"""How a sentence names what a contact does not want."""
