"""What commands about an offer may do, and the steps that accepting it adds. Plain values, plain rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from keepwell.contracts.commands import Accept, Decline, Seen
from keepwell.contracts.intervention import Added
from keepwell.contracts.offers import OPEN_OFFER, OfferChange, OfferKind, OfferState, Terms
from keepwell.contracts.playbook import Offer, Playbook, Step
from keepwell.moments import minute_words

ABOUT_OFFERS = Accept | Decline | Seen


@dataclass
class OfferRecord:
    """The offer of one intervention as its run knows it; `state` is None until it was made.

    `names_plan`: who takes a smaller plan has to say which. `zone` is that of what people read.
    """

    playbook: Playbook
    names_plan: bool = False
    zone: str = "UTC"
    state: OfferState | None = None
    until: datetime | None = None
    terms: Terms | None = None

    @property
    def step(self) -> Offer | None:
        """The step that makes it."""
        return self.playbook.offer

    def refusal(self, command: ABOUT_OFFERS, now: datetime) -> str | None:
        """Why a command about the offer cannot be carried out; None if it can."""
        step = self.step
        if step is None:
            return f"{self.playbook.label} makes no offer."
        if self.state is None and not isinstance(command, Accept):
            return f"The offer has not been made yet: step {step.name} makes it."
        if self.state is not None and self.state not in OPEN_OFFER:
            return f"The offer is {self.state.value} already."
        if self.until is not None and now >= self.until:
            return f"The offer ended on {minute_words(self.until, self.zone)}."
        return self._terms_refusal(step, command) if isinstance(command, Accept) else None

    def _terms_refusal(self, step: Offer, command: Accept) -> str | None:
        """Why what was agreed is not what is offered; None if it is."""
        option = step.option(command.option)
        if option is None:
            kinds = ", ".join(option.kind.value for option in step.options)
            return f"{command.option.value!r} is not offered; {self.playbook.label} offers {kinds}."
        if option.months is None and command.months is not None:
            return f"{option.kind.value!r} has no months; leave them out."
        if option.months is not None and command.months is None:
            return f"Say for how many months: 1 to {option.months}."
        if option.months is not None and (command.months or 0) > option.months:
            return f"At most {option.months} months are offered, not {command.months}."
        if self.names_plan and option.kind is OfferKind.PLAN_DOWNGRADE and not command.plan.strip():
            return f"Say onto which plan they go: {option.kind.value!r} needs it."
        return None

    def change(self, command: ABOUT_OFFERS) -> OfferChange:
        """Carry a checked command out, and give what the store has to write."""
        assert self.step is not None  # noqa: S101  (refusal() has checked it)
        match command:
            case Accept():
                self.state = OfferState.ACCEPTED
                self.terms = Terms(
                    kind=command.option, months=command.months, plan=command.plan, note=command.note
                )
            case Decline():
                self.state = OfferState.DECLINED
            case Seen():
                self.state = OfferState.SEEN
        return OfferChange(
            step=self.step.name,
            state=self.state,
            terms=self.terms,
            valid_for=self.step.valid_for,
            options=self.step.options,
        )

    def follow_up(self, kind: OfferKind, elapsed: timedelta) -> tuple[Step, ...]:
        """The steps that accepting adds, on the playbook's clock."""
        for follow_up in self.playbook.follow_ups:
            if follow_up.on is kind:
                return tuple(step.model_copy(update={"at": elapsed + step.at}) for step in follow_up.steps)
        return ()


def added(steps: tuple[Step, ...]) -> tuple[Added, ...]:
    """The steps, as the store writes them."""
    return tuple(Added(name=step.name, kind=step.kind, at=step.at, why=step.why) for step in steps)
