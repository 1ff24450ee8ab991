"""The figures that templates use, all from the store: nothing is made up, what is missing is left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypedDict

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import Recipient
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.playbook import Sender
from keepwell.contracts.rendering import (
    CategoryFigure,
    Context,
    CustomerFacts,
    HealthFigures,
    InterventionFacts,
    OfferFigures,
    OpportunityFigures,
    Peers,
    Person,
    ShownFigures,
    ValueFigures,
)
from keepwell.db.engine import Store
from keepwell.db.repositories.directory import contact_order, usable_contacts
from keepwell.db.repositories.facts_parts import (
    NOBODY,
    contact_person,
    notice_of,
    organisation_facts,
    recipient_person,
    staff_person,
)
from keepwell.db.repositories.figures import (
    Measured,
    advice,
    choose,
    measured_at,
    metric_figures,
)
from keepwell.db.repositories.growth import opportunity_of
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.offer_words import offer_of
from keepwell.db.repositories.peers import NOBODY as NO_PEERS
from keepwell.db.repositories.peers import peers_of
from keepwell.db.repositories.scorecards import scorecard_by_hash, scorecard_in_force
from keepwell.db.repositories.shown import choose_shown, shown_figures
from keepwell.db.repositories.team import company_sender, lead_for, owner_of, sender_staff
from keepwell.db.repositories.value import value_of
from keepwell.db.repositories.wording import money, whole_months
from keepwell.db.repositories.zones import first_zone, local_day
from keepwell.db.tables import Contact, Customer, Delivery, Intervention, Organisation, Score, Staff
from keepwell.rendering.names import EVERYTHING
from scoring.levels import Level
from scoring.scorecard import Owner, Scorecard

MONTH = timedelta(days=30)
SLACK_IN_TIME = timedelta(days=30)
"""How much older than 30 days the score of "30 days earlier" may be."""


class Facts:
    """Everything a message may say about a customer and its intervention."""

    def __init__(self, store: Store) -> None:
        self._store = store

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
        step was not done, for templates that say so to a person. `uses` are the fields that are read: of
        the others, those that cost a look into the store are left at their defaults.

        Raises:
            NotFoundError: the intervention, its customer or its scorecard is unknown.
        """
        with self._store.read() as session:
            case = _case(session, call)
            health, shown, measured = _health(session, case)
            theirs = recipient.time_zone if recipient else ""
            local = first_zone(theirs, case.customer.time_zone, case.organisation.time_zone)
            costly = _costly(session, case, measured, local, uses)
            return Context(
                organisation=organisation_facts(case.organisation),
                customer=_customer(case),
                recipient=recipient_person(session, recipient) or case.contact or NOBODY,
                sender=_sender(session, case, sender),
                owner=staff_person(case.owner) if case.owner else None,
                contact=case.contact,
                health=health,
                shown=shown,
                intervention=_intervention(session, case),
                why=call.step.why,
                now=call.now,
                today=local_day(call.now, local),
                notice=notice_of(call, recipient, notice) if notice else None,
                **costly,
            )


class _Costly(TypedDict):
    peers: Peers
    value: ValueFigures
    offer: OfferFigures | None
    opportunity: OpportunityFigures | None


def _costly(session: Session, case: _Case, measured: Measured, local: str, uses: frozenset[str]) -> _Costly:
    """The facts that few templates use, gathered where one does."""
    facts = _Costly(peers=NO_PEERS, value=ValueFigures(), offer=None, opportunity=None)
    if "peers" in uses:
        fingerprint = case.score.scorecard if case.score else ""
        facts["peers"] = peers_of(session, case.organisation, case.customer, measured, fingerprint)
    if "value" in uses:
        facts["value"] = value_of(session, case.customer, measured, case.zone)
    if "offer" in uses:
        facts["offer"] = offer_of(session, case.intervention, case.call.now, local)
    if "opportunity" in uses:
        now, zone = case.call.now, case.zone
        facts["opportunity"] = opportunity_of(session, case.intervention, case.customer, now, zone)
    return facts


@dataclass(frozen=True, slots=True)
class _Case:
    """The rows that a message is about. `day` is the organisation's day of `call.now`."""

    call: StepCall
    intervention: Intervention
    organisation: Organisation
    customer: Customer
    owner: Staff | None
    lead: Staff | None
    contact: Person | None
    score: Score | None
    card: Scorecard
    zone: str
    day: date

    @property
    def currency(self) -> str:
        """The customer's currency, else the organisation's."""
        return self.customer.currency or self.organisation.currency


def _case(session: Session, call: StepCall) -> _Case:
    intervention = found(session, Intervention, call.intervention, "intervention")
    organisation = found(session, Organisation, intervention.organisation_id, "organisation")
    customer = found(session, Customer, intervention.customer_id, "customer")
    score = _last_score(session, call)
    if score is not None:
        card = scorecard_by_hash(session, score.scorecard)
    else:
        card = scorecard_in_force(session, organisation, None, call.now)[1]
    zone = first_zone(organisation.time_zone)
    return _Case(
        call=call,
        intervention=intervention,
        organisation=organisation,
        customer=customer,
        owner=owner_of(session, intervention),
        lead=lead_for(session, intervention),
        contact=_first_contact(session, organisation, customer),
        score=score,
        card=card,
        zone=zone,
        day=local_day(call.now, zone),
    )


def _last_score(session: Session, call: StepCall) -> Score | None:
    query = (
        select(Score)
        .where(col(Score.customer_id) == call.customer, col(Score.score).is_not(None))
        .where(col(Score.scored_at) <= call.now)
        .order_by(col(Score.scored_at).desc(), col(Score.id).desc())
    )
    return session.exec(query.limit(1)).first()


def _first_contact(session: Session, organisation: Organisation, customer: Customer) -> Person | None:
    """Who would get an email first; where nobody may, the first active contact, for the CSM's eyes."""
    contacts = usable_contacts(session, organisation, customer, "email")
    if isinstance(contacts, str):
        query = select(Contact).where(col(Contact.customer_id) == customer.id, col(Contact.active))
        contacts = sorted(session.exec(query).all(), key=contact_order)
    return contact_person(contacts[0]) if contacts else None


def _health(session: Session, case: _Case) -> tuple[HealthFigures, ShownFigures, Measured]:
    """The figures for staff, those for the customer, and what both are made of."""
    score, card = case.score, case.card
    at = score.scored_at if score else case.call.now
    measured = measured_at(session, card, case.customer.id, at, case.currency)
    chosen, shown = choose(measured), choose_shown(measured)
    figures = metric_figures(session, measured, case.customer.id, chosen.all | shown.all, case.zone)
    who, today, name = _doers(case), case.day, case.customer.name
    known = score.categories if score else {}
    health = HealthFigures(
        score=_known(score.score if score else None, case.intervention.score),
        level=Level((score.level or score.raw_level if score else None) or case.intervention.level),
        before=_score_before(session, score) if score else None,
        coverage=score.coverage if score else float(measured.scores.coverage[0]),
        categories=tuple(
            CategoryFigure(title=category.title, score=known.get(category.name), weight=category.weight)
            for category in card.categories
        ),
        costly=tuple(advice(measured, c, figures[c], who, today, name) for c in chosen.costly),
        strengths=tuple(figures[c] for c in chosen.strengths),
        improved=tuple(figures[c] for c in chosen.improved),
    )
    return health, shown_figures(measured, shown, figures, who, today), measured


def _known(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _score_before(session: Session, score: Score) -> float | None:
    """The last score of the same scorecard that is 30 to 60 days older."""
    latest = score.scored_at - MONTH
    query = (
        select(Score.score)
        .where(col(Score.customer_id) == score.customer_id, col(Score.score).is_not(None))
        .where(col(Score.scorecard) == score.scorecard)
        .where(col(Score.scored_at).between(latest - SLACK_IN_TIME, latest))
        .order_by(col(Score.scored_at).desc(), col(Score.id).desc())
    )
    return session.exec(query.limit(1)).first()


def _doers(case: _Case) -> dict[Owner, str]:
    """Who carries out an action, by the scorecard's word for it."""
    company = case.organisation.name
    manager = case.owner or case.lead
    return {
        Owner.CSM: manager.name if manager else f"the team at {company}",
        Owner.CUSTOMER: case.contact.name if case.contact else f"the team at {case.customer.name}",
        Owner.SUPPORT: f"support at {company}",
        Owner.PRODUCT: f"the product team at {company}",
    }


def _customer(case: _Case) -> CustomerFacts:
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


def _intervention(session: Session, case: _Case) -> InterventionFacts:
    row = case.intervention
    query = (
        select(Delivery.subject)
        .where(col(Delivery.intervention_id) == row.id, col(Delivery.recipient_kind) == "contact")
        .where(col(Delivery.accepted_at).is_not(None), col(Delivery.subject) != "")
        .order_by(col(Delivery.accepted_at).desc(), col(Delivery.key))
    )
    return InterventionFacts(
        id=row.id,
        playbook=row.playbook,
        version=row.version,
        title=str(row.definition.get("title") or row.playbook),
        started_at=row.started_at,
        day=(case.day - local_day(row.started_at, case.zone)).days + 1,
        acknowledged_by=row.acknowledged_by,
        last_message=session.exec(query.limit(1)).first() or "",
    )


def _sender(session: Session, case: _Case, sender: Sender) -> Person:
    person = sender_staff(session, case.intervention, sender)
    if person is not None:
        return staff_person(person)
    name, address = company_sender(case.organisation)
    return Person(name=name, first_name=name, email=address)
