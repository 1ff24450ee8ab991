"""One voice per customer: a campaign to expand waits while the customer is at risk."""

from __future__ import annotations

from sqlmodel import Session, col, select

from keepwell.contracts.campaigns import held_words
from keepwell.contracts.intervention import RECOVERED
from keepwell.contracts.playbook import Family
from keepwell.db.tables import Health, Intervention
from scoring.levels import Level


def open_of(session: Session, customer: str, family: Family) -> Intervention | None:
    """The customer's open intervention of a family."""
    query = select(Intervention).where(
        Intervention.customer_id == customer,
        Intervention.family == family,
        col(Intervention.outcome).is_(None),
    )
    return session.exec(query.order_by(col(Intervention.id).desc())).first()


def must_hold(session: Session, customer: str) -> bool:
    """Whether the customer is at risk while a campaign is open, which has to be told so.

    Also one that is held: it may have been told to go on a moment ago and not have written it down yet.
    """
    campaign = open_of(session, customer, "expansion")
    return campaign is not None and held_because(session, customer) != ""


def may_go_on(session: Session, customer: str) -> bool:
    """Whether a campaign is held and nothing holds it any more."""
    campaign = open_of(session, customer, "expansion")
    return campaign is not None and bool(campaign.held_why) and held_because(session, customer) == ""


def held_because(session: Session, customer: str) -> str:
    """Why a campaign of this customer must wait now; empty if it need not."""
    running = open_of(session, customer, "risk")
    health = session.get(Health, customer)
    level = Level(health.level) if health is not None and health.level is not None else None
    if running is not None:
        return held_words(f"{running.playbook}@{running.version}", level)
    return held_words("", level) if level is not None and level not in RECOVERED else ""


def paused_elsewhere(session: Session, customer: str, family: Family) -> Intervention | None:
    """Another of the customer's interventions that a person has paused: this one respects it.

    An event playbook does not: what is for the staff goes on, and the others do not begin.
    """
    if family == "event":
        return None
    other: Family = "expansion" if family == "risk" else "risk"
    found = open_of(session, customer, other)
    return found if found is not None and found.paused else None
