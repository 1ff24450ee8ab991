"""An intervention's offer, as messages and tasks put it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from keepwell.contracts.offers import OPEN_OFFER, OfferKind, OfferOption, OfferState, Terms
from keepwell.contracts.rendering import OfferFigures, OptionFigure
from keepwell.db.tables import Intervention, Offer
from keepwell.rendering.filters import count, long_date

HOUR = timedelta(hours=1)


def offer_of(session: Session, row: Intervention, now: datetime, zone: str) -> OfferFigures | None:
    """The offer that stands or is agreed; None where there is none, or it was declined or is over.

    Before its step has made it, the options are those of the playbook, without an end.
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
        options=options_of(OfferOption.model_validate(option) for option in _in_order(offer.options)),
        ends=moment_words(offer.valid_until, zone),
        hours_left=max(1, round((offer.valid_until - now) / HOUR)),
    )


def options_of(options: Iterable[OfferOption]) -> tuple[OptionFigure, ...]:
    """The options with their limits in words."""
    return tuple(OptionFigure(kind=one.kind.value, title=_title(one), words=one.summary) for one in options)


def moment_words(moment: datetime, zone: str) -> str:
    """A moment on the clock of a zone: "27 November 2026, 09:30 (Europe/Berlin)"."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{long_date(local.date())}, {local:%H:%M} ({zone})"


def _title(option: OfferOption) -> str:
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


def _in_order(options: Mapping[str, object]) -> list[object]:
    """Stored options in the order of the kinds: PostgreSQL does not keep that of an object's keys."""
    return [options[kind.value] for kind in OfferKind if kind.value in options]
