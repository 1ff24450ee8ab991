"""Which commands about an offer are refused, and in which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from keepwell.contracts.commands import Accept, Decline, Seen
from keepwell.contracts.offers import LONGEST_PAUSE_MONTHS, OfferKind, OfferOption, OfferState
from keepwell.contracts.playbook import Offer, Playbook
from workflows.at_risk import AT_RISK
from workflows.critical import CRITICAL
from workflows.offers import ABOUT_OFFERS, OfferRecord

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(days=4)
SEEN = Seen(id="k", by="dana")
DECLINE = Decline(id="k", by="dana")


def accept(option: OfferKind, months: int | None = None, plan: str = "") -> Accept:
    return Accept(id="k", by="dana", option=option, months=months, plan=plan)


PAUSE = accept(OfferKind.BILLING_PAUSE, 3)
SUPPORT = accept(OfferKind.DEDICATED_SUPPORT)


def made(
    state: OfferState = OfferState.OFFERED,
    playbook: Playbook = CRITICAL,
    *,
    names_plan: bool = True,
    zone: str = "UTC",
) -> OfferRecord:
    return OfferRecord(playbook, names_plan=names_plan, zone=zone, state=state, until=UNTIL)


def short() -> Playbook:
    """The critical playbook, with a billing pause of at most two months and nothing else."""
    option = OfferOption(kind=OfferKind.BILLING_PAUSE, months=2, summary="A short pause")
    steps = tuple(
        step.model_copy(update={"options": (option,)}) if isinstance(step, Offer) else step
        for step in CRITICAL.steps
    )
    return CRITICAL.model_copy(update={"steps": steps})


@pytest.mark.parametrize(
    ("offer", "command", "now", "words"),
    [
        (OfferRecord(AT_RISK), SEEN, NOW, f"{AT_RISK.label} makes no offer."),
        (OfferRecord(AT_RISK), SUPPORT, NOW, f"{AT_RISK.label} makes no offer."),
        (OfferRecord(CRITICAL), SEEN, NOW, "The offer has not been made yet: step retention_offer makes it."),
        (
            OfferRecord(CRITICAL),
            DECLINE,
            NOW,
            "The offer has not been made yet: step retention_offer makes it.",
        ),
        (made(OfferState.DECLINED), SUPPORT, NOW, "The offer is declined already."),
        (made(OfferState.ACCEPTED), DECLINE, NOW, "The offer is accepted already."),
        (made(OfferState.ACCEPTED), SEEN, UNTIL, "The offer is accepted already."),
        (made(), SUPPORT, UNTIL, "The offer ended on 05 Mar 2026 09:00 UTC."),
        (
            made(OfferState.SEEN, zone="Europe/Berlin"),
            DECLINE,
            UNTIL,
            "The offer ended on 05 Mar 2026 10:00 CET.",
        ),
        (
            made(),
            accept(OfferKind.TRIAL),
            NOW,
            f"'trial' is not offered; {CRITICAL.label} offers billing_pause, plan_downgrade, "
            "dedicated_support, custom_solution.",
        ),
        (
            made(),
            accept(OfferKind.DEDICATED_SUPPORT, 1),
            NOW,
            "'dedicated_support' has no months; leave them out.",
        ),
        (made(), accept(OfferKind.BILLING_PAUSE), NOW, "Say for how many months: 1 to 3."),
        (made(playbook=short()), PAUSE, NOW, "At most 2 months are offered, not 3."),
        (
            made(),
            accept(OfferKind.PLAN_DOWNGRADE, plan=" "),
            NOW,
            "Say onto which plan they go: 'plan_downgrade' needs it.",
        ),
    ],
)
def test_what_is_refused_says_why(
    offer: OfferRecord, command: ABOUT_OFFERS, now: datetime, words: str
) -> None:
    assert offer.refusal(command, now) == words


@pytest.mark.parametrize(
    ("offer", "command", "now"),
    [
        (made(), PAUSE, NOW),
        (made(playbook=short()), accept(OfferKind.BILLING_PAUSE, 2), NOW),
        (made(), accept(OfferKind.BILLING_PAUSE, 1), NOW),
        (made(), SUPPORT, UNTIL - timedelta(seconds=1)),
        (OfferRecord(CRITICAL), PAUSE, NOW),
        (made(), SEEN, NOW),
        (made(OfferState.SEEN), SEEN, NOW),
        (made(OfferState.SEEN), DECLINE, UNTIL - timedelta(seconds=1)),
        (made(OfferState.SEEN), PAUSE, NOW),
        (made(), accept(OfferKind.PLAN_DOWNGRADE, plan="Starter"), NOW),
        (made(names_plan=False), accept(OfferKind.PLAN_DOWNGRADE), NOW),
    ],
)
def test_what_can_be_carried_out(offer: OfferRecord, command: ABOUT_OFFERS, now: datetime) -> None:
    """Up to the longest pause and the last moment, and what was agreed before it was made.

    Runs of before a plan had to be named take a smaller plan without one.
    """
    assert offer.refusal(command, now) is None


def test_no_pause_is_longer_than_three_months() -> None:
    assert LONGEST_PAUSE_MONTHS == 3
    with pytest.raises(ValidationError, match="less than or equal to 3"):
        accept(OfferKind.BILLING_PAUSE, 4)
    with pytest.raises(ValidationError, match="less than or equal to 3"):
        OfferOption(kind=OfferKind.BILLING_PAUSE, months=4, summary="A long pause")


def test_asking_changes_nothing() -> None:
    offer = made()
    offer.refusal(PAUSE, NOW)
    assert (offer.state, offer.until, offer.terms) == (OfferState.OFFERED, UNTIL, None)
