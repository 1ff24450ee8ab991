"""A story that was played on the virtual clock, as it is told: a dated timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from keepwell.contracts.base import Frozen
from keepwell.contracts.intervention import StepState
from keepwell.contracts.playbook import Assign, Playbook
from keepwell.db.engine import Store
from keepwell.db.repositories.views_timeline import TimelineLine, intervention_detail
from keepwell.db.tables import Intervention

MomentKind = Literal["begin", "step", "person", "end"]
_KINDS: dict[str, MomentKind] = {"intervention.began": "begin"}


class Moment(Frozen):
    """A line of a story's timeline: what happened when, to whom, and why."""

    at: datetime
    kind: MomentKind
    what: str
    to: str = ""
    subject: str = ""
    why: str = ""


class Story(Frozen):
    """A story that was played. `customer` and everything in it is made up."""

    demo: bool = True
    title: str
    plot: str
    customer: str
    playbook: str
    level: str
    score: float
    owner: str
    started_at: datetime
    outcome: str
    why: str
    moments: tuple[Moment, ...]


def tell(store: Store, intervention: str, now: datetime, title: str, plot: str) -> Story:
    """The story of an intervention that has ended, from the store."""
    with store.read() as session:
        detail = intervention_detail(session, intervention, now)
        playbook = Playbook.model_validate(session.get_one(Intervention, intervention).definition)
    line = detail.intervention
    done = [one for one in detail.timeline if not one.planned and one.state != "cancelled"]
    return Story(
        title=title,
        plot=plot,
        customer=line.customer,
        playbook=line.playbook,
        level=line.level.value,
        score=line.score,
        owner=line.owner,
        started_at=line.started_at,
        outcome=line.outcome or "",
        why=line.outcome_why,
        moments=tuple(_moment(one, playbook) for one in done if one.kind != "transition.started"),
    )


def _moment(line: TimelineLine, playbook: Playbook) -> Moment:
    """One line of the timeline: a step with its message or task, or something that somebody did."""
    step = playbook.step(line.step)
    if line.source != "step" or step is None:
        kind = _KINDS.get(line.kind, "end" if line.kind.startswith("intervention.") else "person")
        what = f"{line.by}: {line.title}" if kind == "person" else line.title
        return Moment(at=line.at, kind=kind, what=what, why=line.why)
    what, to, subject = f"{line.step}: {line.title}", "", line.document or ""
    why = step.why if line.state == StepState.DONE else f"{step.why} ({line.state}: {line.why})"
    if isinstance(step, Assign):
        what = f"{line.step}: {line.why}"
    for delivery in line.deliveries:
        what = f"{line.step}: {delivery.channel.replace('_', '-')}"
        to, subject = _address(delivery.recipient, delivery.address), delivery.subject
    for task in line.tasks:
        what = f"{line.step}: task, due {task.due_at:%d %b %H:%M}"
        to, subject = task.owner, task.title
    return Moment(at=line.at, kind="step", what=what, to=to, subject=subject, why=why)


def _address(name: str, address: str) -> str:
    return f"{name} <{address}>" if address else name
