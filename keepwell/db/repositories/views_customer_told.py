"""Lines of a customer's timeline with the message, task or offer that they are about, as it stands now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlmodel import Session, col, select

from keepwell.contracts.offers import OfferOption, OfferState, Terms
from keepwell.db.repositories.views_customer_kinds import doer_of, kind_of
from keepwell.db.repositories.views_customer_lines import (
    ActivityOfDay,
    HistoryLine,
    LineKind,
    OfferTold,
    ScoreMove,
)
from keepwell.db.repositories.views_customer_sources import DayActivity, Moved, Place
from keepwell.db.repositories.views_outlines import outlines_of
from keepwell.db.repositories.views_timeline import DeliveryLine, StepTask, delivery_lines, task_lines
from keepwell.db.tables import Delivery, Event, Intervention, Offer, Task, Transition
from scoring.levels import Level

Told = Event | Moved | DayActivity


class Teller:
    """Tells the lines of a page; what they are about is read by a few statements for all of them."""

    def __init__(self, session: Session, customer: str, told: Sequence[Told]) -> None:
        events = [one for one in told if isinstance(one, Event)]
        own = {one.intervention_id for one in events if one.intervention_id}
        self._runs = outlines_of(session, own)
        self._messages = _messages(session, _named(events, "delivery"))
        self._tasks = _tasks(session, events)
        self._offers = offers_of(session, {one.intervention_id for one in events if _is_of_offer(one)})
        self._transitions = _transitions(session, customer, _named(events, "transition"))

    def line(self, place: Place, told: Told) -> HistoryLine:
        """The line of something that happened."""
        match told:
            case Event():
                return self._of_event(told)
            case Moved():
                return _of_score(told)
            case DayActivity():
                return _of_day(place, told)

    def _of_event(self, event: Event) -> HistoryLine:
        run = self._runs.get(event.intervention_id or "")
        step = str(event.data.get("step", ""))
        task = self._task_of(event, step)
        message = self._messages.get(str(event.data.get("delivery", "")))
        about = _about(run)
        return HistoryLine(
            id=event.id,
            at=event.at,
            kind=kind_of(event.kind),
            event=event.kind,
            title=event.text,
            why=event.why,
            by=event.by,
            doer=doer_of(event),
            step=step,
            state=message.state if message else task.state if task else "",
            message=message,
            task=task,
            offer=self._offers.get(event.intervention_id or "") if _is_of_offer(event) else None,
            score=self._transitions.get(str(event.data.get("transition", ""))),
            draft=_id(event, "draft"),
            alert=_id(event, "alert"),
            letter=_id(event, "letter"),
            document=step if event.kind == "step.document" else None,
            **about,
        )

    def _task_of(self, event: Event, step: str) -> StepTask | None:
        named = self._tasks.get(str(event.data.get("task", "")))
        if named is not None or not event.kind.startswith("task."):
            return named
        return self._tasks.get(f"{event.intervention_id}/{step}/{event.kind.removeprefix('task.')}")


def offers_of(session: Session, runs: Collection[str | None]) -> dict[str, OfferTold]:
    """The offers of these interventions, by intervention: each makes one at most."""
    wanted = [one for one in runs if one]
    query = select(Offer).where(col(Offer.intervention_id).in_(wanted))
    rows = session.exec(query).all() if wanted else []
    return {row.intervention_id: offer_told(row) for row in rows}


def offer_told(row: Offer) -> OfferTold:
    """An offer as it stands now."""
    options = (OfferOption.model_validate(option) for option in row.options.values())
    return OfferTold(
        id=row.id,
        state=OfferState(row.state),
        options=tuple(option.words for option in options),
        valid_until=row.valid_until,
        agreed=Terms.model_validate(row.terms).words if row.terms else "",
    )


def _about(run: Intervention | None) -> dict[str, str | None]:
    if run is None:
        return {}
    label = f"{run.playbook}@{run.version}"
    return {"intervention": run.id, "playbook": label, "workflow_id": run.workflow_id}


def _is_of_offer(event: Event) -> bool:
    return event.kind.startswith("offer.") or event.kind in (
        "command.accept",
        "command.decline",
        "command.seen",
    )


def _named(events: Iterable[Event], name: str) -> set[str]:
    return {str(one.data[name]) for one in events if one.data.get(name)}


def _id(event: Event, name: str) -> str | None:
    return str(event.data[name]) if event.data.get(name) else None


def _messages(session: Session, keys: Collection[str]) -> dict[str, DeliveryLine]:
    rows = session.exec(select(Delivery).where(col(Delivery.key).in_(keys))).all() if keys else []
    return {line.key: line for line in delivery_lines(session, rows)}


def _tasks(session: Session, events: Sequence[Event]) -> dict[str, StepTask]:
    """Tasks by id, and those of steps by intervention, step and kind."""
    told = [one for one in events if one.kind.startswith("task.")]
    runs = {one.intervention_id for one in told if one.intervention_id and not one.data.get("task")}
    named = _named(told, "task")
    wanted = col(Task.id).in_(named) | col(Task.intervention_id).in_(runs)
    rows = session.exec(select(Task).where(wanted)).all() if named or runs else []
    found: dict[str, StepTask] = {}
    for row, line in zip(rows, task_lines(session, rows), strict=True):
        found[row.id] = line
        if row.intervention_id:
            found[f"{row.intervention_id}/{row.step}/{row.kind}"] = line
    return found


def _transitions(session: Session, customer: str, ids: Collection[str]) -> dict[str, ScoreMove]:
    query = select(Transition).where(Transition.customer_id == customer, col(Transition.id).in_(ids))
    rows = session.exec(query).all() if ids else []
    return {
        row.id: ScoreMove(
            score=row.score,
            before=None,
            level=Level(row.level),
            previous=Level(row.previous) if row.previous else None,
        )
        for row in rows
    }


def _of_score(moved: Moved) -> HistoryLine:
    now = f"{moved.score:.1f}"
    if moved.scorecard_changed:
        title, why = f"Score {now}, by another scorecard than before", "the scorecard in force was changed"
    elif moved.before is None:
        title, why = f"First score: {now}", "the first one is a baseline"
    else:
        verb = "rose" if moved.score > moved.before else "fell"
        title = f"Score {verb} from {moved.before:.1f} to {now}"
        why = f"{abs(moved.score - moved.before):.1f} points from one score to the next"
    return HistoryLine(
        id=f"score:{moved.id}",
        at=moved.at,
        kind=LineKind.SCORE,
        event="score",
        title=title,
        why=why,
        score=ScoreMove(
            score=moved.score,
            before=moved.before,
            level=Level(moved.level) if moved.level else None,
            previous=Level(moved.previous) if moved.previous else None,
        ),
    )


def _of_day(place: Place, told: DayActivity) -> HistoryLine:
    total = sum(told.kinds.values())
    words = ", ".join(f"{number} × {kind.replace('_', ' ')}" for kind, number in told.kinds.items())
    return HistoryLine(
        id=f"activity:{told.day.isoformat()}",
        at=place.at,
        kind=LineKind.ENGAGEMENT,
        event="activity",
        title=words,
        why=f"{total} event{'' if total == 1 else 's'} of the customer on this day",
        doer="customer",
        activity=ActivityOfDay(
            day=told.day, total=total, kinds=told.kinds, first_at=told.first_at, last_at=told.last_at
        ),
    )
