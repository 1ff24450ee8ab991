"""What a rehearsal is asked for as data, checked before anything is played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field
from sqlmodel import Session

from keepwell.contracts.base import Strict
from keepwell.contracts.ingestion import At
from keepwell.contracts.offers import LONGEST_PAUSE_MONTHS, OfferKind
from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories.views import find_customer, find_person
from keepwell.db.tables import Customer
from keepwell.errors import InputError, NotFoundError, RefusedError
from keepwell.playbooks import PlaybookRegistry
from keepwell.rehearsal.begin import check_start, check_steps
from keepwell.rehearsal.choose import choose
from keepwell.rehearsal.lines import reaction_of
from keepwell.rehearsal.reactions import (
    ACKNOWLEDGED_AFTER,
    STORABLE,
    AcceptOffer,
    CompleteStep,
    Offset,
    PauseFor,
    Points,
    Reaction,
    ReassignTo,
    Script,
    SkipStep,
)
from keepwell.spans import span_words

MOST = 50
"""Reactions of one rehearsal; each takes about a second."""
LONGEST_LINE = 200

Line = Annotated[str, Field(min_length=1, max_length=LONGEST_LINE, pattern=STORABLE)]
Label = Annotated[str, Field(min_length=1, max_length=60, pattern=STORABLE)]


class Asked(Strict):
    """What a rehearsal is to be.

    `customer` is an id (ours or yours) or a name; `playbook` a name, for the version in force, or a label
    such as critical@2; `compare` another of these to be played beside it. `start` (unset: now) and
    `from_score` (unset: the customer's own, or the middle of the level) say how it begins. `acknowledge` is
    how long the CSM takes to acknowledge; null is one who never does. `reactions` say what people do, counted
    from the beginning, and `typed` says the same as lines: "reply 30h", "score 5d=65", "pause 2d..4d".
    """

    customer: Line
    playbook: Label
    compare: Label | None = None
    start: At | None = None
    from_score: Points | None = None
    acknowledge: Offset | None = ACKNOWLEDGED_AFTER
    reactions: Annotated[tuple[Reaction, ...], Field(max_length=MOST)] = ()
    typed: Annotated[tuple[Line, ...], Field(max_length=MOST)] = ()


class Checked(Strict):
    """A rehearsal that can be tried: who and what was meant, and the script."""

    customer: str
    customer_name: str
    playbooks: tuple[Playbook, ...]
    script: Script


def check(
    session: Session, organisation: str, registry: PlaybookRegistry, asked: Asked, now: datetime
) -> Checked:
    """Find what is meant, and refuse what no play can do.

    Raises:
        NotFoundError: the organisation has no such customer.
        InputError: something is wrong; `place` names the field, as in `reactions[2].step`.
        RefusedError: nothing begins for this customer.
    """
    with _at("customer"):
        customer = find_customer(session, organisation, asked.customer)
    row = session.get_one(Customer, customer)
    if not row.active:
        raise RefusedError(
            f"{row.name} is not active: no playbook begins for it.", hint="Make it active first."
        )
    playbooks = _playbooks(session, organisation, registry, asked)
    with _at("start"):
        check_start(asked.start, now)
        start = asked.start.astimezone(UTC) if asked.start is not None else None
    script = Script(
        reactions=_reactions(session, organisation, registry, asked, playbooks),
        acknowledge=asked.acknowledge,
        from_score=asked.from_score,
        start=start,
    )
    return Checked(customer=customer, customer_name=row.name, playbooks=playbooks, script=script)


def _playbooks(
    session: Session, organisation: str, registry: PlaybookRegistry, asked: Asked
) -> tuple[Playbook, ...]:
    """What is rehearsed, and what it is compared with."""
    found = []
    for place, name in (("playbook", asked.playbook), ("compare", asked.compare)):
        if name is None:
            continue
        try:
            found.append(choose(registry, session, organisation, name))
        except NotFoundError as error:
            known = ", ".join(sorted(registry.versions))
            raise InputError(error.message, place=place, hint=f"There are: {known}.") from error
    return tuple(found)


def _reactions(
    session: Session,
    organisation: str,
    registry: PlaybookRegistry,
    asked: Asked,
    playbooks: Sequence[Playbook],
) -> tuple[Reaction, ...]:
    placed = [(f"reactions[{number}]", one) for number, one in enumerate(asked.reactions)]
    for number, line in enumerate(asked.typed):
        place = f"typed[{number}]"
        placed.append((place, reaction_of(line, place=place)))
    if len(placed) > MOST:
        raise InputError(
            f"{len(placed)} reactions are too many.", place="reactions", hint=f"At most {MOST} in all."
        )
    for place, reaction in placed:
        _check_one(session, organisation, registry, playbooks, place, reaction)
    return tuple(reaction for _, reaction in placed)


def _check_one(
    session: Session,
    organisation: str,
    registry: PlaybookRegistry,
    playbooks: Sequence[Playbook],
    place: str,
    reaction: Reaction,
) -> None:
    """Refuse a reaction that no intervention could be told."""
    match reaction:
        case PauseFor(at=at, until=until) if until is not None and until <= at:
            raise InputError(
                "this pause ends before it begins.",
                place=f"{place}.until",
                hint=f"Name a time after {span_words(at)}, or none.",
            )
        case AcceptOffer(option=OfferKind.BILLING_PAUSE, months=None):
            raise InputError(
                "a billing pause lasts some months.",
                place=f"{place}.months",
                hint=f"Say for how many: 1 to {LONGEST_PAUSE_MONTHS}.",
            )
        case SkipStep() | CompleteStep():
            with _at(f"{place}.step"):
                check_steps(Script(reactions=(reaction,)), list(playbooks), registry)
        case ReassignTo(to=to):
            with _at(f"{place}.to"):
                try:
                    find_person(session, organisation, to)
                except NotFoundError as error:
                    raise InputError(error.message, hint=error.hint) from error
        case _:
            pass


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Name the field in an error that names none, or the command line's option."""
    try:
        yield
    except InputError as error:
        raise InputError(error.message, place=place, hint=error.hint) from error
