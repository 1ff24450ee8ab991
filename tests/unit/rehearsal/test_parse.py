"""Reactions as they are typed: what is understood, and what is refused with words that help."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepwell.contracts.offers import OfferKind
from keepwell.errors import InputError
from keepwell.rehearsal.parse import Typed, acknowledge_of, parse_points, parse_span, reactions_of
from keepwell.rehearsal.reactions import (
    AcceptOffer,
    CompleteStep,
    DeclineOffer,
    PauseFor,
    ReassignTo,
    Reply,
    ResumeNow,
    ScoreTo,
    Script,
    SeeOffer,
    SkipStep,
    StopNow,
    Upgrade,
)
from keepwell.spans import offset_words

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30h", 30 * HOUR),
        ("2d", 2 * DAY),
        ("1d12h", 36 * HOUR),
        ("1d 12h 5m", 36 * HOUR + timedelta(minutes=5)),
        ("45min", timedelta(minutes=45)),
        ("2W", 14 * DAY),
        ("0m", timedelta()),
    ],
)
def test_a_time_is_understood(text: str, length: timedelta) -> None:
    assert parse_span(text, place="--reply") == length


@pytest.mark.parametrize("text", ["", "30", "h", "soon", "-3h", "1.5d", "3h later", "400d"])
def test_what_is_no_time_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_span(text, place="--reply")
    assert refused.value.place == "--reply"
    assert refused.value.hint


def test_every_option_becomes_its_reaction() -> None:
    typed = Typed(
        reply=["30h"],
        score=["5d=65", "6d=12.5"],
        pause=["2d..4d", "7d.."],
        resume=["8d"],
        stop=["9d"],
        skip=["1h=csm_outreach"],
        complete=["25h=phone_call"],
        reassign=["2d=omar@example.com"],
        seen=["73h"],
        accept=["75h=billing_pause:2", "3d=Plan-Downgrade: Basic", "3d=dedicated_support"],
        decline=["80h"],
        upgrade=["4d", "5d=Business"],
    )
    assert reactions_of(typed) == (
        Reply(at=30 * HOUR),
        ScoreTo(at=5 * DAY, points=65),
        ScoreTo(at=6 * DAY, points=12.5),
        PauseFor(at=2 * DAY, until=4 * DAY),
        PauseFor(at=7 * DAY, until=None),
        ResumeNow(at=8 * DAY),
        StopNow(at=9 * DAY),
        SkipStep(at=HOUR, step="csm_outreach"),
        CompleteStep(at=25 * HOUR, step="phone_call"),
        ReassignTo(at=2 * DAY, to="omar@example.com"),
        SeeOffer(at=73 * HOUR),
        AcceptOffer(at=75 * HOUR, option=OfferKind.BILLING_PAUSE, months=2),
        AcceptOffer(at=3 * DAY, option=OfferKind.PLAN_DOWNGRADE, plan="Basic"),
        AcceptOffer(at=3 * DAY, option=OfferKind.DEDICATED_SUPPORT),
        DeclineOffer(at=80 * HOUR),
        Upgrade(at=4 * DAY),
        Upgrade(at=5 * DAY, plan="Business"),
    )


@pytest.mark.parametrize(
    ("typed", "place", "words"),
    [
        (Typed(score=["5d"]), "--score", "WHEN=WHAT"),
        (Typed(score=["5d=high"]), "--score", "no score"),
        (Typed(score=["5d=101"]), "--score", "no score"),
        (Typed(score=["5d=nan"]), "--score", "no score"),
        (Typed(score=["x=5"]), "--score", "no length of time"),
        (Typed(pause=["2d"]), "--pause", "'..'"),
        (Typed(pause=["4d..2d"]), "--pause", "ends before"),
        (Typed(skip=["csm_outreach"]), "--skip", "WHEN=WHAT"),
        (Typed(complete=["1h="]), "--complete", "WHEN=WHAT"),
        (Typed(complete=["1h=" + "x" * 201]), "--complete", "too long"),
        (Typed(reassign=["omar"]), "--reassign", "WHEN=WHAT"),
        (Typed(stop=["never"]), "--stop", "no length of time"),
        (Typed(accept=["75h"]), "--accept", "WHEN=WHAT"),
        (Typed(accept=["75h=free_beer"]), "--accept", "nothing that is offered"),
        (Typed(accept=["75h=billing_pause"]), "--accept", "for how many months"),
        (Typed(accept=["75h=billing_pause:4"]), "--accept", "for how many months"),
        (Typed(accept=["75h=upgrade:" + "x" * 101]), "--accept", "too long"),
        (Typed(seen=["soon"]), "--seen", "no length of time"),
        (Typed(decline=["=4d"]), "--decline", "no length of time"),
        (Typed(upgrade=["Business"]), "--upgrade", "no length of time"),
    ],
)
def test_a_wrong_option_is_named_with_what_would_be_right(typed: Typed, place: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        reactions_of(typed)
    assert refused.value.place == place
    assert refused.value.hint


def test_the_csm_acknowledges_after_half_an_hour_unless_told_otherwise() -> None:
    assert acknowledge_of(Typed()) == timedelta(minutes=30)
    assert acknowledge_of(Typed(acknowledge="3h")) == 3 * HOUR
    assert acknowledge_of(Typed(silent=True)) is None
    with pytest.raises(InputError, match="silent"):
        acknowledge_of(Typed(acknowledge="3h", silent=True))


def test_points_are_from_0_to_100() -> None:
    assert parse_points("0", "--from-score") == 0
    for text in ("-1", "inf", ""):
        with pytest.raises(InputError):
            parse_points(text, "--from-score")


def test_a_script_says_what_it_assumes() -> None:
    script = Script(reactions=(ScoreTo(at=5 * DAY, points=65), Reply(at=30 * HOUR)))
    assert [one.at for one in script.in_order] == [30 * HOUR, 5 * DAY]
    assert script.words(acknowledgeable=True) == (
        "the CSM acknowledges it after 30 min",
        "1 d 6 h: the customer answers",
        "5 d: the score becomes 65",
    )
    silent = Script(acknowledge=None)
    assert silent.words(acknowledgeable=True) == (
        "the CSM is silent: nobody acknowledges it",
        "the customer does not answer",
    )
    assert silent.words(acknowledgeable=False) == ("the customer does not answer",)


def test_who_accepts_declines_or_upgrades_has_answered() -> None:
    for reaction in (
        AcceptOffer(at=3 * DAY, option=OfferKind.BILLING_PAUSE, months=2),
        DeclineOffer(at=3 * DAY),
        Upgrade(at=3 * DAY, plan="Business"),
    ):
        assert "the customer does not answer" not in Script(reactions=(reaction,)).words(
            acknowledgeable=False
        )
    words = Script(reactions=(SeeOffer(at=3 * DAY),)).words(acknowledgeable=False)
    assert words == ("3 d: the customer sees the offer", "the customer does not answer")


def test_offsets_in_words() -> None:
    assert [offset_words(one) for one in (timedelta(), HOUR, 3 * DAY, 30 * HOUR)] == [
        "at once",
        "+1 h",
        "day 3",
        "+1 d 6 h",
    ]
