"""An intervention's offer, as messages and tasks put it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import Recipient
from keepwell.contracts.offers import OPEN_OFFER, OfferKind, OfferOption, OfferState, Terms
from keepwell.contracts.rendering import OfferFigures, OptionFigure
from keepwell.db.repositories.zones import city_of
from keepwell.db.tables import Intervention, Offer
from keepwell.links import Links, Use
from keepwell.rendering.filters import count, long_date

HOUR = timedelta(hours=1)
AFTERWARDS = timedelta(days=60)
"""For so long after the offer's end its page still says what became of it."""


@dataclass(frozen=True)
class OfferLink:
    """Makes the address of an offer's page for the contact who is written to; "" for everybody else."""

    links: Links | None = None
    recipient: Recipient | None = None

    def to(self, offer: Offer) -> str:
        """The address: it names the offer and the contact, so that we know who has answered."""
        if self.links is None or self.recipient is None or self.recipient.kind != "contact":
            return ""
        return offer_url(self.links, offer, self.recipient.id)


def offer_url(links: Links, offer: Offer, contact: str) -> str:
    """The address of an offer's page for one contact."""
    data = {"offer": offer.id, "contact": contact}
    return links.url("offers", links.token(Use.OFFER, data, until=offer.valid_until + AFTERWARDS))


NO_LINK = OfferLink()


def offer_of(
    session: Session, row: Intervention, now: datetime, zone: str, link: OfferLink = NO_LINK
) -> OfferFigures | None:
    """The offer that stands or is agreed; None where there is none, or it was declined or is over.

    Before its step has made it, the options are those of the playbook, without an end or a page.
    """
    query = select(Offer).where(col(Offer.intervention_id) == row.id).order_by(col(Offer.offered_at).desc())
    offer = session.exec(query.limit(1)).first()
    if offer is None:
        planned = options_of(_planned(row.definition))
        return OfferFigures(options=planned) if planned else None
    if offer.state == OfferState.ACCEPTED:
        terms = Terms.model_validate(offer.terms)
        note = offer.note or terms.note
        return OfferFigures(agreed=terms.words, agreed_kind=terms.kind.value, note=note)
    if offer.state not in OPEN_OFFER or offer.valid_until <= now:
        return None
    return OfferFigures(
        options=options_of(OfferOption.model_validate(option) for option in in_order(offer.options)),
        ends=moment_words(offer.valid_until, zone),
        hours_left=max(1, round((offer.valid_until - now) / HOUR)),
        url=link.to(offer),
    )


def options_of(options: Iterable[OfferOption]) -> tuple[OptionFigure, ...]:
    """The options with their limits in words."""
    return tuple(OptionFigure(kind=one.kind.value, title=title_of(one), words=one.summary) for one in options)


def moment_words(moment: datetime, zone: str) -> str:
    """A moment on the clock of a zone: "Friday, 27 November 2026, 09:30 (Berlin time)"."""
    local = moment.astimezone(ZoneInfo(zone))
    city = city_of(zone)
    clock = city if city == "UTC" else f"{city} time"
    return f"{local:%A}, {long_date(local.date())}, {local:%H:%M} ({clock})"


def title_of(option: OfferOption) -> str:
    """An option as a headline, with its limit."""
    match option.kind:
        case OfferKind.BILLING_PAUSE:
            return f"Pause the billing for up to {count(option.months or 1, 'month')}"
        case OfferKind.PLAN_DOWNGRADE:
            return f"A smaller plan, with {count(option.days or 1, 'day')} of grace"
        case OfferKind.DEDICATED_SUPPORT:
            return "Setup and training, free of charge"
        case OfferKind.CUSTOM_SOLUTION:
            return "A solution of your own"
        case OfferKind.UPGRADE:
            return f"{option.percent} % off the first month" if option.percent else "The next plan"
        case OfferKind.TRIAL:
            return f"{count(option.days or 1, 'day')} to try it, free of charge"


def _planned(definition: Mapping[str, object]) -> list[OfferOption]:
    """The options of a pinned playbook's offer, in its order."""
    steps = definition.get("steps")
    for step in steps if isinstance(steps, list) else []:
        if step.get("kind") == "offer":
            return [OfferOption.model_validate(option) for option in step["options"]]
    return []


def in_order(options: Mapping[str, object]) -> list[object]:
    """Stored options in the order of the kinds: PostgreSQL does not keep that of an object's keys."""
    return [options[kind.value] for kind in OfferKind if kind.value in options]
