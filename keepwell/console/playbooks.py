"""The playbooks: each as a picture of its timeline, who is in it, how it goes, and what came of it."""

from __future__ import annotations

from functools import lru_cache

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from keepwell.console.picture import drawing_of, kind_words
from keepwell.console.view import AtConsole, View
from keepwell.contracts.drafts import Mode
from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories.views_interventions import InterventionState, interventions
from keepwell.db.repositories.views_playbooks import (
    PlaybookStanding,
    playbook_standings,
    retired_playbooks,
)
from keepwell.errors import NotFoundError
from keepwell.playbook_picture import playbook_picture, step_words
from keepwell.playbooks import BUILT_IN, PlaybookRegistry, playbooks_in_force

router = APIRouter(include_in_schema=False)

RUNS = 20
"""Open interventions, and ended ones, on a playbook's page."""
MODES: dict[Mode, tuple[str, str]] = {
    Mode.AUTOMATIC: ("Automatic", "Its messages go out by themselves."),
    Mode.DRAFT: ("With drafts", "Each of its messages to a contact waits for somebody's approval."),
    Mode.OFF: ("Off", "It does not begin any more; what runs goes on as before."),
}
"""How a playbook goes, and what that means."""
FAMILIES = {
    "risk": "When the score falls",
    "expansion": "When they could use more",
    "event": "When something happens",
}
"""The headings under which playbooks stand."""


@router.get("/console/playbooks")
def playbooks_page(view: AtConsole) -> HTMLResponse:
    """All of them, by what they begin from."""
    known = in_force(view)
    found = _standings(view, known)
    with view.door.store.read() as session:
        retired = retired_playbooks(session, view.organisation.id, known)
    groups = {words: [one for one in found if one.family == family] for family, words in FAMILIES.items()}
    return view.page(
        "playbooks.html.j2",
        {
            "groups": {words: group for words, group in groups.items() if group},
            "retired": retired,
            "modes": MODES,
            "step_words": step_words,
            "stopped_all": _stopped_all(found),
        },
    )


@router.get("/console/playbooks/{name}")
def playbook_page(view: AtConsole, name: str) -> HTMLResponse:
    """One of them: its picture, how it goes, and its runs. `name@version` shows a version that is kept."""
    playbook = playbook_named(view, name)
    (standing,) = _standings(view, {playbook.name: playbook})
    with view.door.store.read() as session:
        runs = {
            state: interventions(
                session, view.organisation.id, view.now, playbook=playbook.name, state=state, limit=RUNS
            )
            for state in (InterventionState.OPEN, InterventionState.PAUSED, InterventionState.ENDED)
        }
    picture = playbook_picture(playbook)
    return view.page(
        "playbook.html.j2",
        {
            "one": standing,
            "picture": picture,
            "drawn": drawing_of(picture),
            "kind_words": kind_words,
            "step_words": step_words,
            "runs": [*runs[InterventionState.OPEN], *runs[InterventionState.PAUSED]],
            "ended": runs[InterventionState.ENDED],
            "modes": MODES,
            "versions": [one for one in versions(view) if one.partition("@")[0] == playbook.name],
            "in_force": in_force(view)[playbook.name].label,
            "stopped_all": _stopped_all([standing]),
        },
    )


def in_force(view: View) -> dict[str, Playbook]:
    """The playbooks in force by name."""
    return _in_force(view.door.settings.playbooks)


def versions(view: View) -> tuple[str, ...]:
    """The labels of all versions that modules have, the newest of each playbook first."""
    return tuple(_versions(view.door.settings.playbooks))


def playbook_named(view: View, name: str) -> Playbook:
    """The playbook of a name, or of name@version. Raises NotFoundError for none."""
    known = in_force(view)
    found = known.get(name) or _versions(view.door.settings.playbooks).get(name)
    if found is None or found.name not in known:
        raise NotFoundError(f"There is no playbook {name!r}.", hint=f"There are: {', '.join(known)}.")
    return found


@lru_cache(maxsize=4)
def _in_force(own: tuple[str, ...]) -> dict[str, Playbook]:
    return playbooks_in_force(own)


@lru_cache(maxsize=4)
def _versions(own: tuple[str, ...]) -> dict[str, Playbook]:
    found = PlaybookRegistry((*BUILT_IN, *own)).versions
    order = list(_in_force(own))
    return dict(sorted(found.items(), key=lambda item: (order.index(item[1].name), -item[1].version)))


def _standings(view: View, playbooks: dict[str, Playbook]) -> tuple[PlaybookStanding, ...]:
    with view.door.store.read() as session:
        return playbook_standings(session, view.organisation.id, playbooks, view.now)


def _stopped_all(found: tuple[PlaybookStanding, ...] | list[PlaybookStanding]) -> str:
    """Who has stopped sending of everything, and why; empty where nobody has."""
    stops = [stop for one in found[:1] for stop in one.stops if stop.scope == "all"]
    return "; ".join(f"{stop.by}{f': {stop.reason}' if stop.reason else ''}" for stop in stops)
