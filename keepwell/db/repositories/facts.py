"""The figures that templates use, all from the store: nothing is made up, what is missing is left out."""

from __future__ import annotations

from typing import TypedDict

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import Recipient
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.playbook import Sender
from keepwell.contracts.rendering import (
    AlertFigures,
    CallFigures,
    Context,
    CustomerFacts,
    HealthFigures,
    InterventionFacts,
    OfferFigures,
    OpportunityFigures,
    Person,
    ValueFigures,
)
from keepwell.contracts.shown import Peers, ShownFigures
from keepwell.db.engine import Store
from keepwell.db.repositories.facts_alert import alert_of
from keepwell.db.repositories.facts_call import call_of
from keepwell.db.repositories.facts_case import (
    Case,
    acting,
    case_of,
    first_contact,
    last_score,
    owner_person,
    reader_of,
)
from keepwell.db.repositories.facts_health import health_at_the_start, health_of, shown_of
from keepwell.db.repositories.facts_parts import (
    NOBODY,
    notice_of,
    organisation_facts,
    personal_links,
)
from keepwell.db.repositories.figures import measured_at
from keepwell.db.repositories.growth import opportunity_of
from keepwell.db.repositories.offer_words import OfferLink, offer_of
from keepwell.db.repositories.peers import NOBODY as NO_PEERS
from keepwell.db.repositories.peers import peers_of
from keepwell.db.repositories.team import company_sender, sender_staff
from keepwell.db.repositories.value import value_of
from keepwell.db.repositories.wishes import purpose_of
from keepwell.db.repositories.wording import money, whole_months
from keepwell.db.repositories.zones import first_zone, local_day
from keepwell.db.tables import Delivery
from keepwell.links import Links
from keepwell.rendering.names import EVERYTHING

METRICS = frozenset({"health", "shown", "peers", "value"})
"""The fields that are made of a customer's metrics."""

CONTACT = frozenset({"contact", "health", "shown"})
"""The fields that name the customer's first contact."""


class Facts:
    """Everything a message may say about a customer and its intervention."""

    def __init__(self, store: Store, links: Links | None = None) -> None:
        self._store = store
        self._links = links

    def context(
        self,
        call: StepCall,
        *,
        recipient: Recipient | None = None,
        sender: Sender = Sender.COMPANY,
        notice: str = "",
        uses: frozenset[str] = EVERYTHING,
    ) -> Context:
        """What the step's template may use, as known at `call.now`.

        Without a recipient (documents, tasks) it is the customer's first contact. `notice` is why the
        step was not done, for templates that say so to a person. `uses` are the fields that are read and
        their costly parts: of the others, those that cost a look into the store are left empty, and
        `health` is that of the intervention's beginning.

        Raises:
            NotFoundError: the intervention, its customer or its scorecard is unknown.
        """
        with self._store.read() as session:
            case = case_of(session, call)
            theirs = recipient.time_zone if recipient else ""
            local = first_zone(theirs, case.customer.time_zone, case.organisation.time_zone)
            reader = reader_of(session, case, recipient)
            contact = first_contact(session, case) if reader is None or uses & CONTACT else None
            return Context(
                organisation=organisation_facts(case.organisation),
                customer=_customer(case),
                recipient=reader or contact or NOBODY,
                sender=_sender(session, case, sender),
                owner=owner_person(session, case) if "owner" in uses else None,
                contact=contact,
                intervention=_intervention(session, case, uses),
                why=call.step.why,
                now=call.now,
                today=local_day(call.now, local),
                notice=notice_of(call, recipient, notice) if notice else None,
                links=personal_links(self._links, recipient, purpose_of(case.intervention)),
                **_figures(session, case, contact, uses),
                **_growth(session, case, local, uses, OfferLink(self._links, recipient)),
            )


class _Figures(TypedDict):
    health: HealthFigures
    shown: ShownFigures
    peers: Peers
    value: ValueFigures


def _figures(session: Session, case: Case, contact: Person | None, uses: frozenset[str]) -> _Figures:
    """What is made of the customer's metrics, where a template reads it."""
    empty, history = ShownFigures(), "history" in uses
    facts = _Figures(health=health_at_the_start(case), shown=empty, peers=NO_PEERS, value=ValueFigures())
    if not uses & METRICS:
        return facts
    score, card = last_score(session, case)
    at = score.scored_at if score else case.call.now
    measured = measured_at(session, card, case.customer.id, at, case.currency)
    if "health" in uses:
        facts["health"] = health_of(session, case, score, measured, contact, history)
    if "shown" in uses:
        facts["shown"] = shown_of(session, case, measured, contact, history)
    if "peers" in uses:
        fingerprint = score.scorecard if score else ""
        facts["peers"] = peers_of(session, case.organisation, case.customer, measured, fingerprint)
    if "value" in uses:
        facts["value"] = value_of(session, case.customer, measured, case.zone)
    return facts


class _Growth(TypedDict):
    offer: OfferFigures | None
    opportunity: OpportunityFigures | None
    alert: AlertFigures | None
    talk: CallFigures | None


def _growth(session: Session, case: Case, local: str, uses: frozenset[str], link: OfferLink) -> _Growth:
    """The offer, and what opened the intervention, where a template reads them."""
    facts, now = _Growth(offer=None, opportunity=None, alert=None, talk=None), case.call.now
    if "offer" in uses:
        facts["offer"] = offer_of(session, case.intervention, now, local, link)
    if "opportunity" in uses:
        facts["opportunity"] = opportunity_of(session, case.intervention, case.customer, now, case.zone)
    if "alert" in uses:
        facts["alert"] = alert_of(session, case)
    if "talk" in uses:
        facts["talk"] = call_of(session, case)
    return facts


def _customer(case: Case) -> CustomerFacts:
    row = case.customer
    revenue = row.monthly_revenue
    return CustomerFacts(
        name=row.name,
        plan=row.plan,
        industry=row.industry,
        segment=row.segment,
        months_with_us=whole_months(row.started_on, case.day) if row.started_on else None,
        monthly_revenue="" if revenue is None else money(revenue, case.currency),
        renews_on=row.renews_on,
        facts={name: str(value) for name, value in row.facts.items() if value is not None},
    )


def _intervention(session: Session, case: Case, uses: frozenset[str]) -> InterventionFacts:
    row = case.intervention
    return InterventionFacts(
        id=row.id,
        playbook=row.playbook,
        version=row.version,
        title=str(row.definition.get("title") or row.playbook),
        started_at=row.started_at,
        day=(case.day - local_day(row.started_at, case.zone)).days + 1,
        acknowledged_by=row.acknowledged_by,
        last_message=_last_message(session, row.id) if "last_message" in uses else "",
    )


def _last_message(session: Session, intervention: str) -> str:
    query = (
        select(Delivery.subject)
        .where(col(Delivery.intervention_id) == intervention, col(Delivery.recipient_kind) == "contact")
        .where(col(Delivery.accepted_at).is_not(None), col(Delivery.subject) != "")
        .order_by(col(Delivery.accepted_at).desc(), col(Delivery.key))
    )
    return session.exec(query.limit(1)).first() or ""


def _sender(session: Session, case: Case, sender: Sender) -> Person:
    person = sender_staff(session, case.intervention, sender, case.call.now)
    if person is not None:
        return acting(session, case, person)
    name, address = company_sender(case.organisation)
    return Person(name=name, first_name=name, email=address)
