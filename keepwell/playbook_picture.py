"""A playbook as a picture of its timeline: moments from left to right, lanes from top to bottom."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Literal

from keepwell.contracts.base import Frozen
from keepwell.contracts.playbook import (
    CONTACTS,
    Assign,
    Document,
    Escalate,
    Offer,
    Playbook,
    Send,
    Step,
    Task,
)
from keepwell.spans import offset_words, span_words

Lane = Literal["customer", "team", "escalation"]
LANES: dict[Lane, str] = {
    "customer": "To the customer",
    "team": "For the team",
    "escalation": "If nobody takes it",
}
"""The lanes from top to bottom; one without steps is left out of a picture."""


class PictureStep(Frozen):
    """A step. `moment` is its column; `offset` counts from the start, of a follow-up from the acceptance.

    `what` says in words what it does and for whom, `within` how long it may take, empty where nothing is
    said; `unless` is what makes it needless.
    """

    name: str
    title: str
    kind: str
    lane: Lane
    moment: int
    offset: timedelta
    when: str
    within: str
    what: str
    channel: str
    to: str
    unless: str
    urgent: bool
    template: str
    why: str


class Moment(Frozen):
    """A column: when it is, and in words how long nothing comes before it."""

    offset: timedelta
    words: str
    wait: str


class FollowUpPicture(Frozen):
    """What follows when the customer takes an option of the offer."""

    on: str
    steps: tuple[PictureStep, ...]


class Picture(Frozen):
    """A playbook's timeline. The last moment is its close, where it has waited for an answer in vain."""

    label: str
    title: str
    purpose: str
    lanes: dict[Lane, str]
    moments: tuple[Moment, ...]
    steps: tuple[PictureStep, ...]
    follow_ups: tuple[FollowUpPicture, ...]
    closes_at: timedelta
    closes: str
    again: str

    @property
    def words(self) -> str:
        """All of it in one sentence, for who cannot see the picture."""
        steps = "; ".join(
            f"{one.when}, {one.what}{f' unless {one.unless}' if one.unless else ''}" for one in self.steps
        )
        return f"{self.label}, {len(self.steps)} steps. {steps}. {self.closes}."


def playbook_picture(playbook: Playbook) -> Picture:
    """The picture of a playbook."""
    offsets = sorted({*(step.at for step in playbook.steps), playbook.closes_at})
    steps = tuple(_step(step, offsets.index(step.at)) for step in playbook.steps)
    waits = ["", *(span_words(after - before) for before, after in pairwise(offsets))]
    used = {step.lane for step in steps}
    end = offset_words(playbook.closes_at)
    return Picture(
        label=playbook.label,
        title=playbook.title,
        purpose=playbook.purpose,
        lanes={lane: words for lane, words in LANES.items() if lane in used},
        moments=tuple(
            Moment(offset=offset, words=offset_words(offset), wait=wait)
            for offset, wait in zip(offsets, waits, strict=True)
        ),
        steps=steps,
        follow_ups=tuple(
            FollowUpPicture(
                on=follow_up.on.words,
                steps=tuple(_step(step, number) for number, step in enumerate(follow_up.steps)),
            )
            for follow_up in playbook.follow_ups
        ),
        closes_at=playbook.closes_at,
        closes=f"Closes {end} unless an answer ends it before"
        if playbook.closes_at
        else "Ends when all is done",
        again=span_words(playbook.cooldown),
    )


def step_words(name: str) -> str:
    """A step's name as people write it: "csm_outreach" is "CSM outreach"."""
    words = name.replace("_", " ").split(" ")
    said = " ".join("CSM" if word == "csm" else word for word in words)
    return said[:1].upper() + said[1:]


def what_words(step: Step) -> str:
    """What a step does and for whom: "email to primary contact, from executive"."""
    match step:
        case Send():
            to = step.to.value.replace("_", " ")
            attached = f", with {step.attach.replace('_', ' ')}" if step.attach else ""
            return f"{step.channel.value.replace('_', '-')} to {to}, from {step.sender.value}{attached}"
        case Assign():
            return "assign a CSM"
        case Task():
            return f"task for {step.to.value}, due {span_words(step.due)} later"
        case Document():
            return "write a document"
        case Escalate():
            to = "the owner's cover" if step.to == "cover" else "the lead"
            return f"escalate to {to}, due {span_words(step.due)} later"
        case Offer():
            kinds = ", ".join(option.kind.words for option in step.options)
            return f"offer {kinds}, for {span_words(step.valid_for)}"


def _step(step: Step, moment: int) -> PictureStep:
    return PictureStep(
        name=step.name,
        title=step_words(step.name),
        kind=step.kind,
        lane=_lane(step),
        moment=moment,
        offset=step.at,
        when=offset_words(step.at),
        within=span_words(step.within) if step.within else "",
        what=what_words(step),
        channel=step.channel.value if isinstance(step, Send) else "",
        to=_to(step),
        unless=step.unless or "",
        urgent=isinstance(step, Send | Escalate) and step.urgent,
        template="" if isinstance(step, Assign | Offer) else step.template,
        why=step.why,
    )


def _lane(step: Step) -> Lane:
    match step:
        case Escalate():
            return "escalation"
        case Offer():
            return "customer"
        case Send(to=to) if to in CONTACTS:
            return "customer"
        case _:
            return "team"


def _to(step: Step) -> str:
    match step:
        case Send(to=to) | Task(to=to):
            return to.value
        case Escalate():
            return step.audience.value
        case Offer():
            return "primary_contact"
        case _:
            return ""
