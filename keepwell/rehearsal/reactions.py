"""What happens to a rehearsed intervention from outside: answers, scores, pauses, by whom and when.

Times count from the moment when the intervention begins.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, WithJsonSchema

from keepwell.contracts.base import Strict
from keepwell.contracts.offers import LONGEST_PAUSE_MONTHS, OfferKind, Terms
from keepwell.spans import LONGEST, read_span, span_words

ACKNOWLEDGED_AFTER = timedelta(minutes=30)
"""What a CSM who is there needs; a rehearsal of silence asks for it by name."""

TAKES = 'A time takes numbers with m, h, d or w: "30h", "2d", "1d12h", "45m".'


def _as_typed(value: object) -> object:
    """A length of time as people type it, beside ISO 8601 ("P1DT6H"). A bare number has no unit."""
    if isinstance(value, str) and not value.startswith("P"):
        value = read_span(value)
    if not isinstance(value, str | timedelta):
        raise ValueError(TAKES)
    return value


STORABLE = r"^[^\x00]*$"
"""What a text must fit that a database is asked for."""
Word = Annotated[str, Field(max_length=200, pattern=STORABLE)]
Points = Annotated[float, Field(ge=0, le=100, strict=True)]
Offset = Annotated[
    timedelta,
    Field(ge=timedelta(), le=LONGEST),
    BeforeValidator(_as_typed),
    WithJsonSchema({"type": "string", "format": "duration", "examples": ["PT30H", "30h"]}),
]


class ReactionBase(Strict):
    """What all reactions have: when, and what happens, in a `text` that may name fields."""

    text: ClassVar[str]
    at: Offset

    @property
    def words(self) -> str:
        """What happens, in words."""
        return self.text.format(self)


class Reply(ReactionBase):
    """The customer answers, and the CSM logs it."""

    text: ClassVar[str] = "the customer answers"
    kind: Literal["reply"] = "reply"
    note: Annotated[str, Field(max_length=500, pattern=STORABLE)] = ""


class ScoreTo(ReactionBase):
    """New figures arrive that give this score."""

    text: ClassVar[str] = "the score becomes {0.points:g}"
    kind: Literal["score"] = "score"
    points: Points


class PauseFor(ReactionBase):
    """The CSM pauses it, until a time or until somebody resumes it."""

    kind: Literal["pause"] = "pause"
    until: Offset | None = None

    @property
    def words(self) -> str:
        """What happens, in words."""
        end = f"until {span_words(self.until)}" if self.until is not None else "until somebody resumes it"
        return f"the CSM pauses it {end}"


class ResumeNow(ReactionBase):
    """The CSM resumes it."""

    text: ClassVar[str] = "the CSM resumes it"
    kind: Literal["resume"] = "resume"


class StopNow(ReactionBase):
    """The CSM stops it."""

    text: ClassVar[str] = "the CSM stops it"
    kind: Literal["stop"] = "stop"


class SkipStep(ReactionBase):
    """The CSM leaves out a step that has not run."""

    text: ClassVar[str] = "the CSM skips {0.step}"
    kind: Literal["skip"] = "skip"
    step: Word


class CompleteStep(ReactionBase):
    """The CSM has done a step, or its task, by hand."""

    text: ClassVar[str] = "the CSM completes {0.step}"
    kind: Literal["complete"] = "complete"
    step: Word


class ReassignTo(ReactionBase):
    """The customer goes to somebody else: an id, an external id or an email address of the staff."""

    text: ClassVar[str] = "the customer goes to {0.to}"
    kind: Literal["reassign"] = "reassign"
    to: Word


class SeeOffer(ReactionBase):
    """The customer sees the offer."""

    text: ClassVar[str] = "the customer sees the offer"
    kind: Literal["seen"] = "seen"


class AcceptOffer(ReactionBase):
    """The customer accepts an option: `months` of a billing pause, `plan` of a change of plan."""

    kind: Literal["accept"] = "accept"
    option: OfferKind
    months: Annotated[int, Field(ge=1, le=LONGEST_PAUSE_MONTHS, strict=True)] | None = None
    plan: Annotated[str, Field(max_length=100, pattern=STORABLE)] = ""

    @property
    def words(self) -> str:
        """What happens, in words."""
        terms = Terms(kind=self.option, months=self.months, plan=self.plan)
        return f"the customer accepts: {terms.words}"


class DeclineOffer(ReactionBase):
    """The customer declines the offer."""

    text: ClassVar[str] = "the customer declines the offer"
    kind: Literal["decline"] = "decline"


class Upgrade(ReactionBase):
    """The customer upgrades, which is what a campaign is for."""

    kind: Literal["upgrade"] = "upgrade"
    plan: Annotated[str, Field(max_length=100, pattern=STORABLE)] = ""

    @property
    def words(self) -> str:
        """What happens, in words."""
        return "the customer upgrades" + (f" to {self.plan}" if self.plan else "")


class CauseGone(ReactionBase):
    """What raised the alert is over: the customer is back, or has paid."""

    text: ClassVar[str] = "what raised the alert is over"
    kind: Literal["over"] = "over"


AboutOffers = SeeOffer | AcceptOffer | DeclineOffer
Told = Reply | PauseFor | ResumeNow | StopNow | SkipStep | CompleteStep | ReassignTo | AboutOffers | Upgrade
"""Reactions that an intervention is told; new figures and events are not among them."""

Reaction = Annotated[Told | ScoreTo | CauseGone, Field(discriminator="kind")]
ANSWERS = (Reply, AcceptOffer, DeclineOffer, Upgrade)
"""Those by which the customer has answered."""


class Script(Strict):
    """All that a rehearsal is told beforehand.

    `acknowledge` is how long after the beginning of each intervention its CSM acknowledges it, where the
    playbook cares; None is a CSM who never does. `from_score` is the score it begins with (None: the
    customer's own where its level fits, else the middle of the level). `start` is None for now.
    """

    reactions: tuple[Reaction, ...] = ()
    acknowledge: Offset | None = ACKNOWLEDGED_AFTER
    from_score: Points | None = None
    start: AwareDatetime | None = None

    @property
    def in_order(self) -> tuple[Reaction, ...]:
        """The reactions in the order of time; of those at the same time, as they were given."""
        return tuple(sorted(self.reactions, key=lambda one: one.at))

    @property
    def steps_named(self) -> tuple[str, ...]:
        """The steps that reactions name."""
        return tuple(one.step for one in self.reactions if isinstance(one, SkipStep | CompleteStep))

    def words(self, *, acknowledgeable: bool) -> tuple[str, ...]:
        """The script as lines for people; `acknowledgeable` where the playbook waits for the CSM."""
        lines = [f"{span_words(one.at)}: {one.words}" for one in self.in_order]
        if acknowledgeable and self.acknowledge is None:
            lines.insert(0, "the CSM is silent: nobody acknowledges it")
        elif acknowledgeable and self.acknowledge is not None:
            lines.insert(0, f"the CSM acknowledges it after {span_words(self.acknowledge)}")
        if not any(isinstance(one, ANSWERS) for one in self.reactions):
            lines.append("the customer does not answer")
        return tuple(lines)
