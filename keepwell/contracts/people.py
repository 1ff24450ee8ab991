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
