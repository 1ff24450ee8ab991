"""The playbook schema: a playbook is data, its vocabulary is closed.

A playbook reads as a list: send this, wait, send that, unless answered ask a person. Times are of
two kinds: `at` is not before this long after the start (on the playbook's own clock, which a pause
stops); `within` is the time from `at` by which the step must be done: a miss is an alert, and a
person gets a task to do it by hand.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from keepwell.contracts.alerts import Trigger
from keepwell.contracts.base import Strict
from keepwell.contracts.offers import OfferKind, OfferOption
from scoring.levels import Level
from scoring.signal import Signal

Family = Literal["risk", "expansion", "event"]
StepName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
ZERO = timedelta()

FALLBACK = "task/fallback/fallback"
"""The task a person gets for a step that was not done."""

REVIEW = "task/review/review"
"""The task the owner gets when a playbook is over and the customer is still at risk."""


class Channel(StrEnum):
    """The ways a message travels."""

    EMAIL = "email"
    SLACK = "slack"
    IN_APP = "in_app"


class Audience(StrEnum):
    """Who a message or task is for, found when the step runs."""

    PRIMARY_CONTACT = "primary_contact"
    ALTERNATE_CONTACT = "alternate_contact"
    BILLING_CONTACT = "billing_contact"
    OWNER = "owner"
    COVER = "cover"
    LEAD = "lead"
    SUPPORT = "support"
    EXECUTIVE = "executive"


CONTACTS = (Audience.PRIMARY_CONTACT, Audience.ALTERNATE_CONTACT, Audience.BILLING_CONTACT)
"""The audiences at the customer's; the others are staff."""


class Sender(StrEnum):
    """In whose name a message goes out."""

    EXECUTIVE = "executive"
    OWNER = "owner"
    COMPANY = "company"


class StepBase(Strict):
    """What all steps have: a name, a time, the answers that make them needless, and a reason."""

    name: StepName
    at: timedelta = Field(default=ZERO, ge=ZERO)
    within: timedelta | None = Field(default=None, gt=ZERO)
    unless: Literal["answered", "acknowledged"] | None = None
    why: str = Field(min_length=1, max_length=200)


class Send(StepBase):
    """One message to one recipient through one channel.

    `urgent`: to staff it goes at any hour of any day. To a contact it waits for a decent hour all the same.
    """

    kind: Literal["send"] = "send"
    channel: Channel
    template: str
    to: Audience = Audience.PRIMARY_CONTACT
    sender: Sender = Sender.COMPANY
    attach: StepName | None = None
    if_unknown: Literal["hold", "resend"] = "hold"
    urgent: bool = False


class Assign(StepBase):
    """Makes sure that a CSM owns the customer; who has none gets the least loaded one."""

    kind: Literal["assign"] = "assign"


class Task(StepBase):
    """Work for a person, with a due time after the step's start."""

    kind: Literal["task"] = "task"
    template: str
    to: Audience = Audience.OWNER
    due: timedelta = Field(gt=ZERO)


class Document(StepBase):
    """A document written from the customer's own figures and kept; a later step may attach it."""

    kind: Literal["document"] = "document"
    template: str


class Escalate(StepBase):
    """Tells the owner's cover, or their manager (or the team's lead), that nobody has taken this in hand.

    `urgent`: the message goes at any hour of any day; the task is there at once in any case.
    """

    kind: Literal["escalate"] = "escalate"
    template: str
    to: Literal["cover", "manager"] = "manager"
    due: timedelta = Field(gt=ZERO)
    urgent: bool = False

    @property
    def audience(self) -> Audience:
        """Whom it reaches."""
        return Audience.COVER if self.to == "cover" else Audience.LEAD


class Offer(StepBase):
    """Makes an offer that the customer may accept with terms, until `valid_for` has passed."""

    kind: Literal["offer"] = "offer"
    options: tuple[OfferOption, ...] = Field(min_length=1)
    valid_for: timedelta = Field(gt=ZERO)

    def option(self, kind: OfferKind) -> OfferOption | None:
        """The option of that kind, if it is offered."""
        return next((option for option in self.options if option.kind is kind), None)


Step = Annotated[Send | Assign | Task | Document | Escalate | Offer, Field(discriminator="kind")]


class FollowUp(Strict):
    """What follows when an option is accepted: `at` of its steps counts from the acceptance.

    The playbook's own steps that wait for an answer are cancelled then; when these are done, it ends.
    """

    on: OfferKind
    steps: tuple[Step, ...] = Field(min_length=1)


class Playbook(Strict):
    """A version of a playbook.

    A risk playbook names the `level` it is for, an expansion playbook the `signal`, an event playbook the
    `triggers` of alerts. `closes_at` is when it stops waiting for an answer. `follow_ups` are what accepting
    an offer leads to.

    Two things are for event playbooks alone. `when_due`: its clock begins when the alert is due, not when it
    is raised. `beside_risk`: it may run beside a risk playbook, because it is for the staff; what it would
    write to the customer meanwhile is left to people. One without it gives way to a risk playbook.

    `templates` pins each template by content hash; it is empty in the source and filled when an
    intervention begins, so that editing a file does not change a running one.
    """

    name: StepName
    version: int = Field(ge=1)
    title: str
    purpose: str
    level: Level | None = None
    signal: Signal | None = None
    triggers: tuple[Trigger, ...] = ()
    when_due: bool = False
    beside_risk: bool = False
    workflow: str = Field(pattern=r"^[A-Z][A-Za-z]+Playbook$")
    steps: tuple[Step, ...] = Field(min_length=1)
    closes_at: timedelta
    cooldown: timedelta = Field(default=timedelta(days=30), ge=ZERO)
    follow_ups: tuple[FollowUp, ...] = ()
    templates: dict[str, str] = Field(default_factory=dict)

    @property
    def family(self) -> Family:
        """Which of a customer's chains it belongs to.

        At most one risk and one expansion playbook run at a time; event playbooks have a chain each.
        """
        if self.triggers:
            return "event"
        return "risk" if self.level is not None else "expansion"

    @property
    def speaks(self) -> bool:
        """Whether it is an event playbook that is there to write to the customer: one of them at a time."""
        return self.family == "event" and not self.beside_risk

    def delayed(self, by: timedelta) -> Playbook:
        """The same playbook with everything in it that much later: its steps, and when it closes."""
        steps = tuple(step.model_copy(update={"at": step.at + by}) for step in self.steps)
        return self.model_copy(update={"steps": steps, "closes_at": self.closes_at + by})

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Its own steps, and those that accepting an offer may add."""
        return (*self.steps, *(step for follow_up in self.follow_ups for step in follow_up.steps))

    @property
    def offer(self) -> Offer | None:
        """The step that makes its offer, if it has one."""
        return next((step for step in self.steps if isinstance(step, Offer)), None)

    @property
    def label(self) -> str:
        """`name@version`, as people and search attributes write it."""
        return f"{self.name}@{self.version}"

    @property
    def template_names(self) -> tuple[str, ...]:
        """Every template an intervention may need, each once."""
        named = (step.template for step in self.all_steps if not isinstance(step, Assign | Offer))
        return tuple(dict.fromkeys((*named, FALLBACK, REVIEW)))

    def step(self, name: str) -> Step | None:
        """The step of that name, or None."""
        return next((step for step in self.all_steps if step.name == name), None)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if sum((self.level is not None, self.signal is not None, bool(self.triggers))) != 1:
            raise ValueError(f"{self.label}: name either the level it is for, or the signal, or the triggers")
        if (self.when_due or self.beside_risk) and self.family != "event":
            raise ValueError(f"{self.label}: when_due and beside_risk are for playbooks with triggers")
        twice = [name for name, count in Counter(step.name for step in self.all_steps).items() if count > 1]
        if twice:
            raise ValueError(f"{self.label}: step {twice[0]!r} appears twice; give each step its own name")
        for steps in (self.steps, *(follow_up.steps for follow_up in self.follow_ups)):
            self._check_order(steps)
        if self.closes_at < self.steps[-1].at:
            raise ValueError(f"{self.label}: closes_at {self.closes_at} is before its last step")
        self._check_offer()
        self._check_attachments()
        return self

    def _check_order(self, steps: tuple[Step, ...]) -> None:
        for before, after in pairwise(steps):
            if after.at < before.at:
                raise ValueError(
                    f"{self.label}: step {after.name!r} at {after.at} stands after {before.name!r} at "
                    f"{before.at}; order the steps by their time"
                )

    def _check_offer(self) -> None:
        offers = [step for step in self.all_steps if isinstance(step, Offer)]
        if len(offers) > 1 or (offers and self.offer is None):
            raise ValueError(f"{self.label}: make one offer at most, in the playbook's own steps")
        offered = {option.kind for step in offers for option in step.options}
        if sum(len(step.options) for step in offers) > len(offered):
            raise ValueError(f"{self.label}: step {offers[0].name!r} offers the same twice")
        followed = [follow_up.on for follow_up in self.follow_ups]
        unoffered = [on for on in followed if on not in offered]
        if unoffered or len(set(followed)) < len(followed):
            named = (unoffered or followed)[0].value
            raise ValueError(f"{self.label}: follow_ups name {named!r}, once each, and only what is offered")

    def _check_attachments(self) -> None:
        written: set[str] = set()
        for step in self.all_steps:
            match step:
                case Document():
                    written.add(step.name)
                case Send(attach=str() as attach) if attach not in written:
                    raise ValueError(
                        f"{self.label}: step {step.name!r} attaches {attach!r}, which no earlier "
                        "document step writes"
                    )
                case _:
                    pass
