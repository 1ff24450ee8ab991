"""The actions that a page offers: what a button says, which key it has, and what it calls.

Where an action needs words, its button opens the dialog of its name (`pages/_dialogs.html.j2`), which calls
the API with what was filled in. There is one implementation of each action: the API's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from keepwell.console.code_words import playbook_words
from keepwell.contracts.tasks import TaskOutcome
from keepwell.db.repositories.views_today_lines import Need, NeedKind

API = "/api/v1"


@dataclass(frozen=True)
class Doing:
    """One action. It calls `act` at once, opens the dialog `opens` filled with `given`, loads the page's part
    `panel` into the side panel, or leads to `href`. `key` is its shortcut."""

    label: str
    key: str = ""
    act: str = ""
    opens: str = ""
    panel: str = ""
    href: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)
    """What `act` is called with."""
    danger: bool = False
    stays: bool = False
    """What it is about goes on needing somebody afterwards."""


def command(intervention: str, kind: str) -> str:
    """The call that gives an intervention a command."""
    return f"POST {API}/interventions/{quote(intervention, safe='')}/{kind}"


def page_of(customer: str) -> str:
    """The page of a customer."""
    return f"/console/customers/{quote(customer, safe='')}"


def message_panel(message: str) -> str:
    """The part of a page that shows a message, by its key or id."""
    return f"/console/message-panel/{quote(message, safe='/')}"


def draft_panel(draft: str) -> str:
    """The part of a page on which a draft is read, changed and decided."""
    return f"/console/draft-panel/{quote(draft, safe='')}"


def letter_panel(letter: str) -> str:
    """The part of a page that shows a letter that came in."""
    return f"/console/letter-panel/{quote(letter, safe='')}"


def doings(need: Need) -> tuple[Doing, ...]:
    """What can be done about something that needs a person, the likeliest first."""
    found = [_READ[need.kind](need)] if need.kind in _READ and _readable(need) else []
    found += [
        _MADE[one](need) for one in need.actions if one in _MADE and (need.intervention or one not in _RUNS)
    ]
    return tuple(found)


def _given(need: Need, ref: str) -> dict[str, str]:
    return {"ref": ref, "about": need.customer.name, "title": need.title}


def _of_run(need: Need) -> dict[str, str]:
    """A command is said to a playbook, not to what its row tells."""
    title = f"Playbook {playbook_words(need.playbook)}" if need.playbook else need.title
    return {**_given(need, need.intervention or ""), "title": title, "step": need.step}


def _dialog(label: str, key: str, opens: str, *, danger: bool = False) -> Callable[[Need], Doing]:
    """A command to the intervention that needs words."""
    return lambda need: Doing(label, key, opens=opens, given=_of_run(need), danger=danger)


def _of_task(label: str, key: str, opens: str, *, stays: bool = False) -> Callable[[Need], Doing]:
    return lambda need: Doing(label, key, opens=opens, given=_given(need, need.task or need.ref), stays=stays)


def _close(need: Need) -> Doing:
    """A letter is handled when its task is closed: nothing more is to be said of it."""
    if need.kind is not NeedKind.REPLY:
        return _of_task("Close", "c", "close-task")(need)
    path = f"POST {API}/tasks/{quote(need.task or need.ref, safe='')}/close"
    return Doing("Handled", "c", act=path, body={"outcome": TaskOutcome.DONE.value})


def _readable(need: Need) -> bool:
    return need.kind is not NeedKind.REPLY or need.letter is not None


_RUNS = frozenset({"acknowledge", "pause", "respond", "stop", "complete", "skip"})
"""Actions that are commands to a run, and so need one."""

_READ: Mapping[NeedKind, Callable[[Need], Doing]] = {
    NeedKind.DRAFT: lambda need: Doing("Read", "e", panel=draft_panel(need.ref)),
    NeedKind.REPLY: lambda need: Doing("Read", "e", panel=letter_panel(need.letter or "")),
}

_MADE: Mapping[str, Callable[[Need], Doing]] = {
    "acknowledge": lambda need: Doing(
        "Acknowledge", "a", act=command(need.intervention or "", "acknowledge")
    ),
    "respond": _dialog("They answered", "r", "respond"),
    "pause": _dialog("Pause", "p", "pause"),
    "complete": _dialog("Done by hand", "c", "complete"),
    "skip": _dialog("Skip", "i", "skip"),
    "stop": _dialog("Stop", "x", "stop", danger=True),
    "close": _close,
    "snooze": _of_task("Snooze", "s", "snooze"),
    "due": _of_task("Due date", "d", "due", stays=True),
    "give": _of_task("Hand on", "g", "give"),
    "comment": _of_task("Comment", "n", "comment", stays=True),
    "approve": lambda need: Doing(
        "Approve", "a", act=f"POST {API}/drafts/{quote(need.ref, safe='')}/approve"
    ),
    "reject": lambda need: Doing("Reject", "x", opens="reject", given=_given(need, need.ref), danger=True),
    "acknowledge_alert": lambda need: Doing(
        "Acknowledge", "a", act=f"POST {API}/alerts/{quote(need.ref, safe='')}/acknowledge"
    ),
    "accept": lambda need: Doing(
        "They accept", "y", panel=f"/console/offer-panel/{quote(need.ref, safe='')}"
    ),
    "decline": lambda need: Doing("They decline", "x", opens="decline", given=_given(need, need.ref)),
}
