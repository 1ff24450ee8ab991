"""The commands that the demo prints to be tried: each works as it stands, also after all the others."""

from __future__ import annotations

from keepwell.db.repositories.views_interventions import InterventionLine, InterventionState
from keepwell.demo.happened import Happened
from scoring.levels import Level

Tried = tuple[str, list[str]]
"""What a command does, in words, and its arguments."""

ENROLLED = 5


def commands_to_try(happened: Happened) -> list[Tried]:
    """Reading commands first, then what people do, on customers that fit; those there is somebody for."""
    worst = next(iter(happened.open), None)
    if worst is None:
        return [
            ("The portfolio, the worst first", ["customers"]),
            ("What the outbox holds", ["outbox"]),
            ("What has happened of late", ["events"]),
        ]
    read = ["outbox", "show", happened.newest.id] if happened.newest is not None else ["outbox"]
    about = f" to {happened.newest.recipient}" if happened.newest is not None else ""
    return [
        (f"The timeline of {worst.customer}: done, and ahead", ["intervention", worst.customer]),
        (f"The message{about}, as it would arrive", read),
        (
            "Take it in hand as its owner, so that nobody escalates it",
            ["acknowledge", worst.customer, *_by(worst), "--note", "I am on it"],
        ),
        *_on_others(happened),
        *_take_the_offer(happened),
        *_enrol(happened.before),
    ]


def _on_others(happened: Happened) -> list[Tried]:
    """Commands on customers beside the worst, one each, so that none gets into another's way."""
    running = [one for one in happened.open[1:] if one.state is InterventionState.OPEN]
    found: list[Tried] = []
    for one, make in zip(running, (_pause, _respond), strict=False):
        found.append(make(one))
    if len(running) > len(found):
        found.append(_rehearse(running[len(found)]))
    return found


def _pause(one: InterventionLine) -> Tried:
    what = f"Stop the clock of {one.customer} for two days: every delay moves by as much"
    return what, ["pause", one.customer, "--until", "2d", "--reason", "Their office is closed", *_by(one)]


def _respond(one: InterventionLine) -> Tried:
    what = f"{one.customer} has answered: nothing waits for an answer any more"
    return what, ["respond", one.customer, *_by(one), "--note", "They want a call"]


def _rehearse(one: InterventionLine) -> Tried:
    name = one.playbook.partition("@")[0]
    what = f"What {one.playbook} would do for {one.customer} with an answer on day 2; nothing is sent"
    return what, ["rehearse", name, "--customer", one.customer, "--reply", "2d", "--brief"]


def _take_the_offer(happened: Happened) -> list[Tried]:
    """The first open offer, accepted: what a campaign is for."""
    for one in happened.growing:
        if one.offer is not None:
            kind, customer = one.offer.options[0].kind, one.line.customer
            return [
                (
                    f"{customer} takes the {kind.words}: what was promised becomes a task",
                    ["offer", "accept", customer, kind.value, *_by(one.line)],
                )
            ]
    return []


def _enrol(before: dict[Level, int]) -> list[Tried]:
    if not before:
        return []
    what = f"Begin playbooks for those who were {next(iter(before)).value} before the demo began"
    return [(what, [*enrolment(before), "--yes", "--by", "demo"])]


def enrolment(before: dict[Level, int]) -> list[str]:
    """The command that begins playbooks for those whose level is older than the demo, the worst first."""
    return ["enrol", "--level", next(iter(before)).value, "--limit", str(ENROLLED)]


def _by(one: InterventionLine) -> list[str]:
    return ["--by", one.owner or "demo"]
