"""An offer of a story, in words."""

from __future__ import annotations

from pydantic import JsonValue

from keepwell.contracts.offers import OfferKind, OfferOption, Terms
from keepwell.db.tables import Offer
from keepwell.demo.told import OfferTold


def offer_told(offer: Offer) -> OfferTold:
    """What was offered with its limits, and what became of it."""
    return OfferTold(
        options=tuple(option_words(option) for option in offer.options.values()),
        state=offer.state,
        offered_at=offer.offered_at,
        valid_until=offer.valid_until,
        seen_at=offer.seen_at,
        decided_at=offer.decided_at,
        terms=Terms.model_validate(offer.terms) if offer.terms else None,
    )


def option_words(stored: JsonValue) -> str:
    """An option as the store has it, with its limit: "billing pause of up to 3 months"."""
    option = OfferOption.model_validate(stored)
    match option.kind:
        case OfferKind.BILLING_PAUSE:
            limit = f" of up to {option.months} months"
        case OfferKind.PLAN_DOWNGRADE:
            limit = f" with {option.days} days of grace"
        case OfferKind.TRIAL:
            limit = f" of {option.days} days"
        case OfferKind.UPGRADE if option.percent is not None:
            limit = f" with {option.percent} % off the first month"
        case _:
            limit = ""
    return option.kind.words + limit
