"""Reactions as they are typed: `--reply 30h`, `--score 5d=65`, `--pause 2d..4d`, `--skip 1h=csm_outreach`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from keepwell.contracts.offers import LONGEST_PAUSE_MONTHS, OfferKind
from keepwell.errors import InputError
from keepwell.rehearsal.reactions import (
    ACKNOWLEDGED_AFTER,
    TAKES,
    AcceptOffer,
    CauseGone,
    CompleteStep,
    DeclineOffer,
    PauseFor,
    Reaction,
    ReassignTo,
    Reply,
    ResumeNow,
    ScoreTo,
    SeeOffer,
    SkipStep,
    StopNow,
    Upgrade,
)
from keepwell.spans import LONGEST, read_span

LONGEST_PLAN, LONGEST_NAME = 100, 200


@dataclass(frozen=True)
class Typed:
    """The options of a rehearsal as they were typed, each as often as it was given."""

    reply: Sequence[str] = ()
    score: Sequence[str] = ()
    pause: Sequence[str] = ()
    resume: Sequence[str] = ()
    stop: Sequence[str] = ()
    skip: Sequence[str] = ()
    complete: Sequence[str] = ()
    reassign: Sequence[str] = ()
    seen: Sequence[str] = ()
    accept: Sequence[str] = ()
    decline: Sequence[str] = ()
    upgrade: Sequence[str] = ()
    over: Sequence[str] = ()
    acknowledge: str | None = None
    silent: bool = False


def reactions_of(typed: Typed) -> tuple[Reaction, ...]:
    """The reactions. Raises InputError that names the option, what is wrong, and what would be right."""
    found: list[Reaction] = [Reply(at=parse_span(text, place="--reply")) for text in typed.reply]
    found += [_score(text, "--score") for text in typed.score]
    found += [_pause(text, "--pause") for text in typed.pause]
    found += [ResumeNow(at=parse_span(text, place="--resume")) for text in typed.resume]
    found += [StopNow(at=parse_span(text, place="--stop")) for text in typed.stop]
    for text in typed.skip:
        at, step = _pair(text, "--skip", "1h=csm_outreach")
        found.append(SkipStep(at=at, step=step))
    for text in typed.complete:
        at, step = _pair(text, "--complete", "25h=phone_call")
        found.append(CompleteStep(at=at, step=step))
    for text in typed.reassign:
        at, whom = _pair(text, "--reassign", "2d=omar@example.com")
        found.append(ReassignTo(at=at, to=whom))
    found += [SeeOffer(at=parse_span(text, place="--seen")) for text in typed.seen]
    found += [_accept(text, "--accept") for text in typed.accept]
    found += [DeclineOffer(at=parse_span(text, place="--decline")) for text in typed.decline]
    found += [_upgrade(text, "--upgrade") for text in typed.upgrade]
    found += [CauseGone(at=parse_span(text, place="--over")) for text in typed.over]
    return tuple(found)


def acknowledge_of(typed: Typed) -> timedelta | None:
    """How long the CSM takes to acknowledge; None for one who never does."""
    if typed.silent and typed.acknowledge is not None:
        raise InputError(
            "a silent CSM acknowledges nothing.",
            place="--acknowledge",
            hint="Leave out --acknowledge or --silent-csm.",
        )
    if typed.silent:
        return None
    if typed.acknowledge is None:
        return ACKNOWLEDGED_AFTER
    return parse_span(typed.acknowledge, place="--acknowledge")


def parse_span(text: str, *, place: str) -> timedelta:
    """A length of time. Raises InputError, with `place` for the option, for anything else or above a year."""
    span = read_span(text)
    if span is None:
        raise InputError(f"{text!r} is no length of time.", place=place, hint=TAKES)
    if span > LONGEST:
        raise InputError(f"{text!r} is more than a year.", place=place, hint="Name a time within a year.")
    return span


def _pair(text: str, place: str, example: str) -> tuple[timedelta, str]:
    when, separator, what = text.partition("=")
    if not separator or not what.strip():
        raise InputError(f"{text!r} lacks its WHAT: it is WHEN=WHAT.", place=place, hint=f"Like {example}")
    if len(what.strip()) > LONGEST_NAME:
        raise InputError("this is too long.", place=place, hint=f"At most {LONGEST_NAME} letters.")
    return parse_span(when, place=place), what.strip()


def _score(text: str, place: str) -> ScoreTo:
    at, given = _pair(text, place, "5d=65")
    points = parse_points(given, place)
    return ScoreTo(at=at, points=points)


def parse_points(text: str, place: str) -> float:
    """A score from 0 to 100."""
    try:
        points = float(text)
    except ValueError:
        points = float("nan")
    if not 0 <= points <= 100:
        raise InputError(f"{text!r} is no score.", place=place, hint="A score is a number from 0 to 100.")
    return points


def _pause(text: str, place: str) -> PauseFor:
    begin, separator, end = text.partition("..")
    if not separator:
        raise InputError(
            f"{text!r} has no '..'.",
            place=place,
            hint='It takes FROM..TO ("2d..4d"), or FROM.. until resumed.',
        )
    at = parse_span(begin, place=place)
    until = parse_span(end, place=place) if end.strip() else None
    if until is not None and until <= at:
        raise InputError(f"{text!r} ends before it begins.", place=place, hint="Like 2d..4d")
    return PauseFor(at=at, until=until)


def _accept(text: str, place: str) -> AcceptOffer:
    """`75h=billing_pause:2` (months) or `75h=plan_downgrade:Basic` (the plan); the terms may be missing."""
    at, given = _pair(text, place, "75h=billing_pause:2")
    name, _, terms = (part.strip() for part in given.partition(":"))
    try:
        option = OfferKind(name.lower().replace(" ", "_").replace("-", "_"))
    except ValueError:
        known = ", ".join(kind.value for kind in OfferKind)
        raise InputError(
            f"{name!r} is nothing that is offered.", place=place, hint=f"An offer may hold: {known}."
        ) from None
    if option is not OfferKind.BILLING_PAUSE:
        return AcceptOffer(at=at, option=option, plan=_plan(terms, place))
    if not terms.isdecimal() or not 1 <= int(terms) <= LONGEST_PAUSE_MONTHS:
        raise InputError(
            f"{text!r} does not say for how many months.",
            place=place,
            hint=f"A billing pause takes 1 to {LONGEST_PAUSE_MONTHS} of them: 75h=billing_pause:2",
        )
    return AcceptOffer(at=at, option=option, months=int(terms))


def _upgrade(text: str, place: str) -> Upgrade:
    when, _, plan = text.partition("=")
    return Upgrade(at=parse_span(when, place=place), plan=_plan(plan.strip(), place))


def _plan(text: str, place: str) -> str:
    if len(text) > LONGEST_PLAN:
        raise InputError("the plan's name is too long.", place=place, hint=f"At most {LONGEST_PLAN} letters.")
    return text
