"""An option of an offer in words: what it is, with its limit."""

from __future__ import annotations

from typing import Any

import pytest

from keepwell.contracts.offers import OfferKind, OfferOption


@pytest.mark.parametrize(
    ("kind", "limit", "words"),
    [
        (OfferKind.BILLING_PAUSE, {"months": 1}, "billing pause of up to 1 month"),
        (OfferKind.TRIAL, {"days": 1}, "trial of 1 day"),
        (OfferKind.BILLING_PAUSE, {"months": 3}, "billing pause of up to 3 months"),
        (OfferKind.PLAN_DOWNGRADE, {"days": 30}, "plan downgrade with 30 days of grace"),
        (OfferKind.TRIAL, {"days": 14}, "trial of 14 days"),
        (OfferKind.UPGRADE, {"percent": 20}, "upgrade with 20 % off the first month"),
        (OfferKind.UPGRADE, {}, "upgrade"),
        (OfferKind.DEDICATED_SUPPORT, {}, "dedicated support"),
    ],
)
def test_an_option_says_its_limit(kind: OfferKind, limit: dict[str, Any], words: str) -> None:
    assert OfferOption(kind=kind, summary="A way to stay", **limit).words == words
