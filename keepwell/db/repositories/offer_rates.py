"""What became of the offers: how many were seen, accepted, declined, how many ended without a word.

The acceptance rate is over offers that are over: accepted ÷ (accepted + declined + expired). Those still open
may yet be accepted, and those withdrawn were taken away before the customer's time was up; neither counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.offers import OPEN_OFFER, OfferKind, OfferState, Terms
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Customer, Intervention, Offer, Opportunity, Organisation

Per = Literal["kind", "playbook", "month"]
ALL = "all"


class OfferRate(Frozen):
    """The offers of one group. `offered` = `open` + `accepted` + `declined` + `expired` + `withdrawn`.

    `seen` is how many of all the customer has seen or answered. `over` is the acceptance rate's denominator,
    `rate` is accepted over it (0 to 1), None where it is 0. `months` are those of accepted billing pauses.
    `monthly` is the monthly revenue of the customers who accepted, by currency, as far as it is known;
    `yearly` what accepted upgrades were estimated to bring in a year. A customer counts once in `monthly`.
    """

    group: str
    offered: int
    seen: int
    open: int
    accepted: int
    declined: int
    expired: int
    withdrawn: int
    over: int
    rate: float | None
    months: int
    monthly: dict[str, float]
    yearly: dict[str, float]


Line = tuple[Offer, str, Customer, Opportunity | None]


def offer_rates(
    session: Session,
    organisation: Organisation,
    *,
    per: Per | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[OfferRate, ...]:
    """The offers made from `since` on and before `until`, all together first and then by group.

    By kind an offer counts for each option it held. Where one of several was taken, it counts for the others
    as offered, seen and over, which was a choice against them, and in no other number.
    """
    lines = _lines(session, organisation.id, since, until)
    currency = organisation.currency
    rates = [_rate(ALL, lines, currency)]
    match per:
        case "kind":
            rates += _by_kind(lines, currency)
        case "playbook" | "month":
            groups: defaultdict[str, list[Line]] = defaultdict(list)
            for line in lines:
                day = local_day(line[0].offered_at, organisation.time_zone)
                groups[line[1] if per == "playbook" else f"{day:%Y-%m}"].append(line)
            rates += [_rate(name, group, currency) for name, group in sorted(groups.items())]
        case None:
            pass
    return tuple(rates)


def _lines(session: Session, organisation: str, since: datetime | None, until: datetime | None) -> list[Line]:
    query = (
        select(Offer, Intervention.playbook, Customer, Opportunity)
        .join(Intervention, col(Intervention.id) == col(Offer.intervention_id))
        .join(Customer, col(Customer.id) == col(Offer.customer_id))
        .outerjoin(Opportunity, col(Opportunity.id) == col(Intervention.opportunity_id))
        .where(Offer.organisation_id == organisation)
        .order_by(col(Offer.id))
    )
    if since is not None:
        query = query.where(col(Offer.offered_at) >= since)
    if until is not None:
        query = query.where(col(Offer.offered_at) < until)
    return [(offer, playbook, customer, found) for offer, playbook, customer, found in session.exec(query)]


def _by_kind(lines: list[Line], currency: str) -> list[OfferRate]:
    found = []
    for kind in OfferKind:
        held = [line for line in lines if kind.value in line[0].options]
        if not held:
            continue
        taken = [line for line in held if _taken(line[0]) in (None, kind)]
        rate = _rate(kind.value, taken, currency)
        others = len(held) - len(taken)
        over = rate.over + others
        found.append(
            rate.model_copy(
                update={
                    "offered": len(held),
                    "seen": rate.seen + others,
                    "over": over,
                    "rate": rate.accepted / over if over else None,
                }
            )
        )
    return found


def _taken(offer: Offer) -> OfferKind | None:
    return Terms.model_validate(offer.terms).kind if offer.state == OfferState.ACCEPTED else None


def _rate(group: str, lines: Iterable[Line], currency: str) -> OfferRate:
    lines = list(lines)
    states = Counter(offer.state for offer, *_ in lines)
    accepted = [line for line in lines if line[0].state == OfferState.ACCEPTED]
    over = states[OfferState.ACCEPTED] + states[OfferState.DECLINED] + states[OfferState.EXPIRED]
    months = sum(Terms.model_validate(offer.terms).months or 0 for offer, *_ in accepted)
    return OfferRate(
        group=group,
        offered=len(lines),
        seen=sum(offer.seen_at is not None for offer, *_ in lines),
        open=sum(states[state] for state in OPEN_OFFER),
        accepted=states[OfferState.ACCEPTED],
        declined=states[OfferState.DECLINED],
        expired=states[OfferState.EXPIRED],
        withdrawn=states[OfferState.WITHDRAWN],
        over=over,
        rate=states[OfferState.ACCEPTED] / over if over else None,
        months=months,
        monthly=_monthly(accepted, currency),
        yearly=_yearly(accepted, currency),
    )


def _monthly(accepted: Iterable[Line], currency: str) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for customer in {line[2].id: line[2] for line in accepted}.values():
        if customer.monthly_revenue is not None:
            sums[customer.currency or currency] += customer.monthly_revenue
    return dict(sorted(sums.items()))


def _yearly(accepted: Iterable[Line], currency: str) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for offer, _, customer, opportunity in accepted:
        if _taken(offer) is OfferKind.UPGRADE and opportunity is not None and opportunity.value is not None:
            sums[opportunity.currency or customer.currency or currency] += opportunity.value
    return dict(sorted(sums.items()))
