"""A customer: where it stands and why, what is being done, and all that has happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session, select

from keepwell.console import doing
from keepwell.console.charted import score_chart
from keepwell.console.choices import TASK_OUTCOMES, snoozes, staff_of
from keepwell.console.run_commands import Commands, commands_of, of_step
from keepwell.console.view import AtConsole, View
from keepwell.console.words import span_words
from keepwell.contracts.people import PURPOSE_WORDS
from keepwell.db.repositories.reopening import closed_for_good
from keepwell.db.repositories.switches import stop_of, stopped_by, thrown
from keepwell.db.repositories.views_customer import CustomerDetail, comparison_of, detail_of, standing_of
from keepwell.db.repositories.views_customer_lines import CustomerTimeline, LineKind, PlanOfOne
from keepwell.db.repositories.views_customer_metrics import metrics_of
from keepwell.db.repositories.views_customer_timeline import customer_timeline
from keepwell.db.repositories.views_health import score_points
from keepwell.db.repositories.views_health_lines import ScorePoint
from keepwell.db.repositories.views_offers import offers
from keepwell.db.repositories.views_stats_lines import Period
from keepwell.db.repositories.views_work import TaskLine, closed_lately
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Customer, Intervention, KillSwitch, Organisation, Task
from keepwell.errors import NotFoundError
from keepwell.temporal.run_links import links_to_runs

router = APIRouter(include_in_schema=False)

Kinds = Annotated[list[LineKind] | None, Query()]
KIND_WORDS: dict[LineKind, str] = {
    LineKind.MESSAGE: "Messages",
    LineKind.TASK: "Tasks",
    LineKind.ANSWER: "Answers",
    LineKind.COMMAND: "Commands",
    LineKind.SCORE: "Scores",
    LineKind.ALERT: "Alerts",
    LineKind.OFFER: "Offers",
    LineKind.DRAFT: "Drafts",
    LineKind.INTERVENTION: "Playbooks",
    LineKind.GROWTH: "Growth",
    LineKind.ENGAGEMENT: "Activity",
    LineKind.OTHER: "Other",
}
"""The kinds of lines by which a timeline can be narrowed, in this order."""


CLOSED = 5
"""Tasks that were closed last, below the open ones."""


@dataclass(frozen=True)
class OpenRun:
    """An open intervention with what lies ahead of it, its commands, and what stops it from sending."""

    plan: PlanOfOne
    commands: Commands
    stopped: str


@router.get("/console/customers/{customer}")
def customer_page(view: AtConsole, customer: str, kind: Kinds = None) -> Response:
    """One customer, by our id; by their own id it leads there."""
    # What several parts of the page are about is read once.
    with view.door.store.look(), view.door.store.read() as session:
        own = own_id(session, view, customer)
        if own != customer:
            return RedirectResponse(doing.page_of(own), status_code=303)
        row, house = session.get_one(Customer, own), session.get_one(Organisation, view.organisation.id)
        standing, stops = standing_of(session, house, row), thrown(session, house.id)
        detail = detail_of(session, house, row, standing, view.now, compared=False)
        timeline = customer_timeline(session, view.organisation.id, own, view.now, kinds=kind or ())
        last = standing[1] if standing else None
        history = score_points(session, house, last, now=view.now, period=Period.QUARTER)
        return view.page(
            "customer.html.j2",
            {
                "detail": detail,
                "one": detail.customer,
                "categories": metrics_of(standing),
                "history": history,
                "chart": _chart(history),
                "runs": _runs(session, view, timeline, stops),
                "offers": offers(session, view.organisation.id, customer=own),
                "closed_tasks": _closed(session, view, own),
                "stop": stop_of(stops, own),
                "renews_in": _renews_in(view, detail),
                "purposes": PURPOSE_WORDS,
                "staff": staff_of(session, view.organisation.id),
                "snoozes": snoozes(view.now, view.zone),
                "outcomes": TASK_OUTCOMES,
                **_lines(view, timeline, own, kind),
            },
        )


@router.get("/console/customers/{customer}/timeline")
def more_of_it(
    view: AtConsole, customer: str, before: Annotated[str, Query(max_length=300)], kind: Kinds = None
) -> HTMLResponse:
    """The next lines of a customer's timeline, as a part of its page."""
    with view.door.store.read() as session:
        own = own_id(session, view, customer)
        found = customer_timeline(
            session, view.organisation.id, own, view.now, before=before, kinds=kind or ()
        )
        return view.page("_customer_timeline.html.j2", _lines(view, found, own, kind))


@router.get("/console/customers/{customer}/similar")
def among_similar(view: AtConsole, customer: str) -> HTMLResponse:
    """Where a customer stands among similar ones: it takes longer than the rest of its page."""
    with view.door.store.read() as session:
        found = comparison_of(session, view.organisation.id, own_id(session, view, customer))
    return view.page("_customer_similar.html.j2", {"comparison": found})


def own_id(session: Session, view: View, text: str) -> str:
    """Our id of a customer of the organisation, by it or by their own.

    Raises:
        NotFoundError: the organisation has none of that id.
    """
    row = session.get(Customer, text)
    if row is not None and row.organisation_id == view.organisation.id:
        return row.id
    theirs = select(Customer.id).where(
        Customer.organisation_id == view.organisation.id, Customer.external_id == text
    )
    found = session.exec(theirs).first()
    if found is None:
        raise NotFoundError("There is no such customer.", hint="Search for it by its name.")
    return found


def _lines(view: View, timeline: CustomerTimeline, own: str, kind: list[LineKind] | None) -> dict[str, Any]:
    """What the lines of a timeline need."""
    return {
        "timeline": timeline,
        "customer_id": own,
        "kinds": kind or [],
        "kind_words": KIND_WORDS,
        "run_link": links_to_runs(view.door.settings),
        "of_step": of_step,
        "doing": doing,
    }


def _runs(
    session: Session, view: View, timeline: CustomerTimeline, stops: Sequence[KillSwitch]
) -> tuple[OpenRun, ...]:
    found = []
    for plan in timeline.plan.interventions if timeline.plan else ():
        line = plan.intervention
        taken = line.acknowledged_at
        when = f"for {span_words(view.now - taken)}" if taken else ""
        row = session.get_one(Intervention, line.id)
        found.append(OpenRun(plan, commands_of(line, plan.lines, when), stopped_by(stops, row)))
    return tuple(found)


def _closed(session: Session, view: View, own: str) -> tuple[tuple[TaskLine, str], ...]:
    """The tasks that were closed last, each with why it can't be opened again; "" where it can."""
    lines = closed_lately(session, view.organisation.id, own, view.now, CLOSED)
    return tuple((one, closed_for_good(session, session.get_one(Task, one.id))) for one in lines)


def _chart(points: Sequence[ScorePoint]) -> dict[str, object]:
    """What `static/charts.js` draws."""
    return score_chart("Score", [(point.day, point.score) for point in points])


def _renews_in(view: View, detail: CustomerDetail) -> int | None:
    """Days until the contract ends, on the organisation's calendar."""
    if detail.renews_on is None:
        return None
    return (detail.renews_on - local_day(view.now, view.zone.key)) // timedelta(days=1)
