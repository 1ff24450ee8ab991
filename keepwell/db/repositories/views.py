"""Read models, shared part: who is who, and finding a row by what a person would type.

The read models are what the command line and pages show: frozen values, moments in UTC. Each function
reads in the caller's session and writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, case, exists, false, func, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from keepwell.contracts.base import Frozen
from keepwell.db.tables import Customer, Intervention, InterventionStep, Staff
from keepwell.errors import InputError, NotFoundError

T = TypeVar("T")
SHOWN_CANDIDATES = 10
NAMES_COMPARED = 5_000
SHORTEST_PART = 4
"""Fewer letters of an id would fit by accident."""


class Person(Frozen):
    """A member of staff, by our id and by name."""

    id: str
    name: str


class OpenBeside(Frozen):
    """Another open intervention of the same customer, by our id and its playbook's label."""

    id: str
    playbook: str


class CustomerName(Frozen):
    """A customer, by our id, by their own id and by name."""

    id: str
    external_id: str
    name: str


def staff_names(session: Session, ids: Collection[str | None]) -> dict[str, str]:
    """Names of staff by id."""
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    query = select(Staff.id, Staff.name).where(col(Staff.id).in_(wanted))
    return dict(session.exec(query).all())


def customer_names(session: Session, ids: Collection[str | None]) -> dict[str, CustomerName]:
    """Customers by our id."""
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    query = select(Customer.id, Customer.external_id, Customer.name).where(col(Customer.id).in_(wanted))
    return {
        own: CustomerName(id=own, external_id=theirs, name=name)
        for own, theirs, name in session.exec(query).all()
    }


def find_person(session: Session, organisation: str, text: str, *, left: bool = False) -> Person:
    """The active member of staff meant by an id of ours or theirs, an email address, or a name's beginning.

    With `left`, one who is not active any more may be meant, too. Raises NotFoundError for nobody, InputError
    for several.
    """
    text = text.strip()
    ours = select(Staff.id, Staff.name, Staff.email).where(Staff.organisation_id == organisation)
    if not left:
        ours = ours.where(col(Staff.active))
    tries: tuple[ColumnElement[bool], ...] = (
        or_(col(Staff.id) == text, col(Staff.external_id) == text, _same(Staff.email, text)),
        _same(Staff.name, text),
        col(Staff.name).istartswith(text, autoescape=True),
    )
    for condition in tries if text else ():
        found = session.exec(ours.where(condition).order_by(col(Staff.name)).limit(SHOWN_CANDIDATES)).all()
        if len(found) > 1:
            raise _several(text, "members of staff", [f"{name} <{email}>" for _, name, email in found])
        if found:
            return Person(id=found[0][0], name=found[0][1])
    everybody = session.exec(ours.order_by(col(Staff.name)).limit(NAMES_COMPARED)).all()
    hint = "Known are: " + ", ".join(name for _, name, _ in everybody[:SHOWN_CANDIDATES]) + "."
    raise NotFoundError(
        f"There is no active member of staff {text!r}"
        f"{did_you_mean(text, [name for _, name, _ in everybody])}.",
        hint=hint if everybody else "No staff yet. Import some.",
        command="" if everybody else "keepwell import staff FILE",
    )


def find_customer(session: Session, organisation: str, text: str) -> str:
    """Our id of the customer meant by an id (ours or theirs), a name or the beginning of one.

    Raises NotFoundError for nobody, InputError for several.
    """
    text = text.strip()
    ours = select(Customer.id, Customer.external_id, Customer.name).where(
        Customer.organisation_id == organisation
    )
    tries: list[ColumnElement[bool]] = [
        or_(col(Customer.id) == text, col(Customer.external_id) == text),
        _same(Customer.name, text),
        col(Customer.name).istartswith(text, autoescape=True),
        *_parts_of_id(Customer.id, text),
    ]
    for condition in tries if text else ():
        found = session.exec(
            ours.where(condition).order_by(col(Customer.name)).limit(SHOWN_CANDIDATES + 1)
        ).all()
        if len(found) > 1:
            raise _several(text, "customers", [f"{name} ({theirs})" for _, theirs, name in found])
        if found:
            return found[0][0]
    raise _no_customer(session, organisation, text)


def find_intervention(session: Session, organisation: str, text: str, step: str = "") -> str:
    """Our id of the intervention meant by its id, the beginning or end of it, or its customer.

    For a customer it is one that is open: one with the step, where a step is meant, then that of the risk
    playbook, then the campaign, then the newest because of an event. Where none is open it is what ended
    last. Raises NotFoundError for none, InputError for several.
    """
    text = text.strip().lstrip("…")
    found = intervention_by_id(session, organisation, text)
    if found is not None:
        return found
    try:
        customer = find_customer(session, organisation, text)
    except NotFoundError as error:
        raise NotFoundError(
            f"There is no intervention {text!r}, and no customer of that id or name either.",
            hint="See them.",
            command="keepwell interventions",
        ) from error
    meant = session.exec(
        select(Intervention.id)
        .where(Intervention.organisation_id == organisation, Intervention.customer_id == customer)
        .order_by(*_meant_first(step))
        .limit(1)
    ).first()
    if meant is None:
        name = customer_names(session, [customer])[customer].name
        raise NotFoundError(
            f"{name} has had no intervention yet.",
            hint="See the customer.",
            command=f"keepwell customer {text!r}",
        )
    return meant


def _meant_first(step: str) -> list[ColumnElement[Any]]:
    """The order in which a customer's interventions are meant by its name."""
    ended, family = col(Intervention.outcome).is_not(None), col(Intervention.family)
    has_step = exists().where(
        col(InterventionStep.intervention_id) == col(Intervention.id), col(InterventionStep.name) == step
    )
    return [
        ended,
        *([case((has_step, 0), else_=1)] if step else []),
        case((ended, 0), else_=case({"risk": 0, "expansion": 1}, value=family, else_=2)),
        # What a fall began ends at very different times: the longest of it is the story.
        func.coalesce(col(Intervention.ended_at), col(Intervention.started_at)).desc(),
        col(Intervention.id).desc(),
    ]


def open_beside(session: Session, intervention: str) -> tuple[OpenBeside, ...]:
    """What else is open for the customer of an intervention, in the order in which it is meant by name."""
    customer = select(Intervention.customer_id).where(Intervention.id == intervention).scalar_subquery()
    query = select(Intervention.id, Intervention.playbook, Intervention.version).where(
        Intervention.customer_id == customer,
        Intervention.id != intervention,
        col(Intervention.outcome).is_(None),
    )
    return tuple(
        OpenBeside(id=one, playbook=f"{playbook}@{version}")
        for one, playbook, version in session.exec(query.order_by(*_meant_first(""))).all()
    )


def intervention_by_id(session: Session, organisation: str, text: str) -> str | None:
    """Our id of the intervention meant by its id, the beginning or end of it; None for none.

    Raises InputError for several.
    """
    text = text.strip().lstrip("…")
    ours = select(Intervention.id).where(Intervention.organisation_id == organisation)
    for condition in [col(Intervention.id) == text, *_parts_of_id(Intervention.id, text)] if text else ():
        found = session.exec(ours.where(condition).limit(SHOWN_CANDIDATES + 1)).all()
        if len(found) > 1:
            raise _several(text, "interventions", found)
        if found:
            return found[0]
    return None


def by_part(session: Session, ours: SelectOfScalar[T], column: Any, text: str, what: str, list_: str) -> T:
    """The one of our rows whose id is that text, or else begins or ends with it, whatever the case.

    `what` names the kind of thing for messages, `list_` the command line that shows all of them.

    Raises:
        NotFoundError: there is none.
        InputError: there are several.
    """
    text = text.strip().lstrip("…")
    for condition in (col(column) == text, or_(*_parts_of_id(column, text), false())):
        found = session.exec(ours.where(condition).limit(2)).all()
        if len(found) > 1:
            raise InputError(f"{text!r} fits several {what}s.", hint="Give more of the id.", command=list_)
        if found:
            return found[0]
    raise NotFoundError(f"There is no {what} {text!r}.", hint="See what there is.", command=list_)


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """' (did you mean X?)', or nothing where no known name is near. Case does not count."""
    by_fold = {name.casefold(): name for name in known}
    near = get_close_matches(text.casefold(), by_fold, n=1, cutoff=0.6)
    return f" (did you mean {by_fold[near[0]]!r}?)" if near else ""


def _same(column: str, text: str) -> ColumnElement[bool]:
    # The database folds the case of both sides, so that they compare however it does that.
    return col(column).ilike(_escaped(text), escape="/")


def _escaped(text: str) -> str:
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def _parts_of_id(column: str, text: str) -> list[ColumnElement[bool]]:
    """An id may be shortened to its beginning or its end."""
    if len(text) < SHORTEST_PART:
        return []
    return [col(column).istartswith(text, autoescape=True), col(column).iendswith(text, autoescape=True)]


def _several(text: str, what: str, found: Sequence[str]) -> InputError:
    listed = "\n  ".join(found[:SHOWN_CANDIDATES])
    more = "\n  …" if len(found) > SHOWN_CANDIDATES else ""
    return InputError(f"{text!r} fits several {what}:\n  {listed}{more}", hint="Name one of them in full.")


def _no_customer(session: Session, organisation: str, text: str) -> NotFoundError:
    query = select(Customer.name, Customer.external_id).where(Customer.organisation_id == organisation)
    known = session.exec(query.order_by(col(Customer.name)).limit(NAMES_COMPARED)).all()
    if not known:
        return NotFoundError(
            f"There is no customer {text!r}: there are none yet.",
            hint="Import some.",
            command="keepwell import customers FILE",
        )
    names = [part for pair in known for part in pair]
    return NotFoundError(
        f"There is no customer {text!r}{did_you_mean(text, names)}.",
        hint="Look for it among the customers.",
        command="keepwell customers --search TEXT",
    )
