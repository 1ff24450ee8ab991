"""What is sent to tell an intervention something: a body for each kind of command."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, model_validator

from keepwell.api.v1.asked import MOST, GivenId, Moment, Note, OwnId, Reason, StaffText, Text
from keepwell.contracts.base import Strict
from keepwell.contracts.offers import LONGEST_PAUSE_MONTHS, OfferKind

STEP = "The step's name, as the timeline shows it."
PLAN = "The plan that they go onto."


class Said(Strict):
    """What all have."""

    id: GivenId | None = Field(
        default=None,
        description="Yours: the same id once more counts once, and is answered the same. "
        "The header Idempotency-Key says it as well.",
    )


class AcknowledgeBody(Said):
    """Somebody has it in hand: nobody escalates it any more."""

    kind: Literal["acknowledge"] = "acknowledge"
    note: Note = ""


class PauseBody(Said):
    """The playbook's clock stands still; the remaining delays are kept."""

    kind: Literal["pause"] = "pause"
    until: Moment | None = Field(
        default=None, description="Unset: until somebody resumes it. At most a year."
    )
    reason: Reason


class ResumeBody(Said):
    """The playbook's clock goes on."""

    kind: Literal["resume"] = "resume"


class RespondBody(Said):
    """The customer answered: nothing waits for an answer any more."""

    kind: Literal["respond"] = "respond"
    note: Note = ""


class CompleteBody(Said):
    """A step, or its task, is done."""

    kind: Literal["complete"] = "complete"
    step: OwnId = Field(description=STEP)
    note: Note = ""


class SkipBody(Said):
    """A step is left out."""

    kind: Literal["skip"] = "skip"
    step: OwnId = Field(description=STEP)
    reason: Note = ""


class ReassignBody(Said):
    """Somebody else owns the customer and its open tasks from now on."""

    kind: Literal["reassign"] = "reassign"
    to: StaffText = Field(description="The new owner: an id, or an email address.")


class StopBody(Said):
    """It ends: what is planned is cancelled, open tasks are withdrawn."""

    kind: Literal["stop"] = "stop"
    reason: Reason


class SeenBody(Said):
    """The customer has seen the offer."""

    kind: Literal["seen"] = "seen"


class AcceptBody(Said):
    """The customer accepts an option of the offer: what was promised follows, the playbook ends."""

    kind: Literal["accept"] = "accept"
    option: OfferKind = Field(description="What of the offer they take.")
    months: StrictInt | None = Field(
        default=None, ge=1, le=LONGEST_PAUSE_MONTHS, description="How long a billing pause lasts."
    )
    plan: Annotated[Text, Field(max_length=100, description=f"{PLAN} A downgrade needs it.")] = ""
    note: Note = ""

    @model_validator(mode="after")
    def _downgrade_needs_a_plan(self) -> Self:
        if self.option is OfferKind.PLAN_DOWNGRADE and not self.plan.strip():
            raise ValueError("a downgrade needs the plan that they go onto")
        return self


class DeclineBody(Said):
    """The customer declines the offer: an answer like any other."""

    kind: Literal["decline"] = "decline"
    note: Note = ""


class UpgradedBody(Said):
    """The customer has upgraded: the campaign ends as converted."""

    kind: Literal["upgraded"] = "upgraded"
    plan: Annotated[Text, Field(max_length=100, description=PLAN)] = ""
    note: Note = ""


OfMany = (
    AcknowledgeBody | PauseBody | ResumeBody | RespondBody | CompleteBody | SkipBody | ReassignBody | StopBody
)
Body = OfMany | SeenBody | AcceptBody | DeclineBody | UpgradedBody


class BulkBody(Strict):
    """The same command to many interventions."""

    ids: tuple[OwnId, ...] = Field(min_length=1, max_length=MOST, description="The interventions.")
    command: OfMany = Field(discriminator="kind", description="What each is told; `kind` says what it is.")
