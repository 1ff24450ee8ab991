"""Rehearsals in the console: what to ask, how far it is, and what came of it. The API plays them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from keepwell.api.rehearsing import AtRehearsals
from keepwell.console.choices import staff_of
from keepwell.console.playbooks import in_force, playbook_named, versions
from keepwell.console.reaction_kinds import kinds_for, options_for
from keepwell.console.rehearsed import framed, shown
from keepwell.console.view import HEADERS, AtConsole, View
from keepwell.contracts.base import Frozen
from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories.views_search import search
from keepwell.db.tables import Customer
from keepwell.errors import NotFoundError
from keepwell.playbook_picture import playbook_picture, step_words
from keepwell.rehearsal.lines import typed_span
from keepwell.rehearsal.page import page_of
from keepwell.rehearsal.picture import NARROW, WIDE, lanes_of
from keepwell.rehearsal.reactions import ACKNOWLEDGED_AFTER, STORABLE
from keepwell.rehearsal.told import Rehearsal, RehearsalState
from keepwell.spans import offset_words

router = APIRouter(include_in_schema=False)

PATH = "/console/playbooks/rehearse"
NEVER = "never"
HABIT = typed_span(ACKNOWLEDGED_AFTER)
_ALONE = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; "
    "form-action 'none'; "
)
FRAMED = HEADERS | {
    "Content-Security-Policy": f"{_ALONE}frame-ancestors 'self'; sandbox",
    "X-Frame-Options": "SAMEORIGIN",
}
"""A message in a frame: it runs nothing, loads nothing, leads nowhere, and only our pages may show it."""
ALONE = HEADERS | {
    "Content-Security-Policy": f"{_ALONE}frame-ancestors 'none'",
    "Content-Disposition": "inline; filename=rehearsal.html",
}
"""A page to send round: with its styles in it, and without scripts."""

Word = Annotated[str, Query(max_length=200, pattern=STORABLE)]
Lines = Annotated[list[Annotated[str, Query(max_length=200)]], Query(max_length=50)]


class Form(Frozen):
    """What stands in the form, as text; also what an address says that is passed on."""

    playbook: str
    customer: str = ""
    compare: str = ""
    start: str = ""
    from_score: str = ""
    acknowledge: str = HABIT
    typed: tuple[str, ...] = ()

    @property
    def link(self) -> str:
        """The address that asks for the same."""
        said = {name: value for name, value in self.model_dump(exclude={"typed"}).items() if value}
        return f"{PATH}?{urlencode([*said.items(), *(('typed', line) for line in self.typed)])}"


@router.get(PATH)
def rehearse_page(
    view: AtConsole,
    desk: AtRehearsals,
    playbook: Word = "",
    customer: Word = "",
    compare: Word = "",
    start: Word = "",
    from_score: Word = "",
    acknowledge: Word = HABIT,
    typed: Lines = [],  # noqa: B006  (FastAPI copies it)
) -> HTMLResponse:
    """The form, filled in as the address says: it may be passed on."""
    form = Form(
        playbook=playbook or next(iter(in_force(view))),
        customer=customer,
        compare=compare,
        start=start,
        from_score=from_score,
        acknowledge=acknowledge,
        typed=tuple(typed),
    )
    return view.page(
        "rehearsal.html.j2",
        {**_form(view, form), **_nothing(), "recent": desk.recent(view.who.organisation_id)},
    )


@router.get(f"{PATH}/customers")
def customer_options(view: AtConsole, customer: Word = "") -> HTMLResponse:
    """The customers that what is typed may mean, for the list below the field."""
    with view.door.store.read() as session:
        found = search(session, view.organisation.id, customer).customers
    return view.page("_rehearsal_customers.html.j2", {"found": found})


@router.get(f"{PATH}/{{rehearsal_id}}")
def rehearsal_page(view: AtConsole, desk: AtRehearsals, rehearsal_id: str) -> HTMLResponse:
    """A rehearsal: the form with what was asked, how far it is, and what came of it."""
    found = desk.look(view.who.organisation_id, rehearsal_id)
    values = {**_form(view, _asked(found)), **_result(found), "recent": desk.recent(view.who.organisation_id)}
    return view.page("rehearsal.html.j2", values)


@router.get(f"{PATH}/{{rehearsal_id}}/page")
def page_to_send(view: AtConsole, desk: AtRehearsals, rehearsal_id: str) -> HTMLResponse:
    """What came of it as one page that needs nothing else, to be kept or sent round."""
    found = desk.look(view.who.organisation_id, rehearsal_id)
    rehearsed = found.comparison or found.timeline
    if rehearsed is None:
        raise NotFoundError("This rehearsal has come to nothing yet.", hint="Wait until it is over.")
    return HTMLResponse(page_of(rehearsed), headers=ALONE)


@router.get(f"{PATH}/{{rehearsal_id}}/messages/{{number}}")
def rehearsed_message(view: AtConsole, desk: AtRehearsals, rehearsal_id: str, number: int) -> HTMLResponse:
    """A message of it as its reader would see it, for a frame."""
    html = framed(desk.look(view.who.organisation_id, rehearsal_id), number)
    if html is None:
        raise NotFoundError("This rehearsal has no such message.")
    return HTMLResponse(html, headers=FRAMED)


def _form(view: View, form: Form) -> dict[str, Any]:
    """What the form needs: the playbook's timeline to place things on, and what can be chosen."""
    playbook = _playbook(view, form)
    picture = playbook_picture(playbook)
    with view.door.store.read() as session:
        people = staff_of(session, view.organisation.id)
        chosen = session.get(Customer, form.customer) if form.customer else None
    current = {one.label: name for name, one in in_force(view).items()}
    return {
        "form": form,
        "playbook": playbook,
        "picture": picture,
        "moments": [round(one.offset.total_seconds()) for one in picture.moments],
        "kinds": kinds_for(playbook),
        "options": options_for(playbook),
        "people": people,
        "chosen": chosen if chosen is not None and chosen.organisation_id == view.organisation.id else None,
        "labels": versions(view),
        "current": current,
        "step_words": step_words,
        "path": PATH,
        "never": NEVER,
    }


def _playbook(view: View, form: Form) -> Playbook:
    """The playbook of the form; of one that only ran before, its version in force stands for the timeline."""
    try:
        return playbook_named(view, form.playbook)
    except NotFoundError:
        return playbook_named(view, form.playbook.partition("@")[0])


def _nothing() -> dict[str, Any]:
    return {"rehearsal": None, "over": False, "sides": (), "pictures": {}, "offset": offset_words}


def _result(found: Rehearsal) -> dict[str, Any]:
    pictures = {}
    if found.timeline is not None:
        pictures = {"wide": lanes_of(found.timeline, WIDE), "narrow": lanes_of(found.timeline, NARROW)}
    over = found.state in (RehearsalState.DONE, RehearsalState.FAILED)
    return {
        "rehearsal": found,
        "over": over,
        "sides": shown(found),
        "pictures": pictures,
        "offset": offset_words,
    }


def _asked(found: Rehearsal) -> Form:
    """What was asked for, to ask it again."""
    return Form(
        playbook=found.playbooks[0],
        customer=found.customer_id,
        compare=found.playbooks[1] if len(found.playbooks) > 1 else "",
        start=found.start.isoformat() if found.start else "",
        from_score=f"{found.from_score:g}" if found.from_score is not None else "",
        acknowledge=NEVER if found.acknowledge is None else typed_span(found.acknowledge),
        typed=found.typed,
    )
