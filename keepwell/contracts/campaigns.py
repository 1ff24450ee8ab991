"""From open opportunities to campaigns: what the store knows of them, and how they were handed over."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field

from keepwell.contracts.base import Frozen
from keepwell.contracts.intervention import RECOVERED
from keepwell.contracts.playbook import Playbook
from scoring.levels import Level
from scoring.signal import Signal, Urgency

REST = timedelta(days=14)
"""How long a customer hears of no other campaign after the last one has ended."""


def held_words(risk_playbook: str, level: Level | None) -> str:
    """Why a campaign waits: the risk playbook that runs, by its label (empty for none), and the level.

    A risk playbook may still run for a moment when the level is a good one again, or is not known.
    """
    why = "the customer was at risk" if level is None or level in RECOVERED else f"the level is {level.value}"
    return f"{risk_playbook} runs: {why}" if risk_playbook else f"No playbook runs, but {why}"


class OpenOpportunity(Frozen):
    """An opportunity that no campaign has claimed yet. `reason` is why, as the store has it.

    `upgraded` says in words that the customer has upgraded since the signal was seen, empty if not.
    """

    id: str
    signal: Signal
    urgency: Urgency
    value: float | None
    currency: str
    words: str
    at: datetime
    reason: str
    upgraded: str = ""


class LastCampaign(Frozen):
    """The campaign that the customer heard of last, and when it ended."""

    playbook: str
    ended: datetime

    def rests(self, now: datetime) -> str:
        """Why the next campaign has to wait, in words; empty when the rest is over."""
        free = self.ended + REST
        if free <= now:
            return ""
        return f"{self.playbook} ended on {_day(self.ended)}: the next campaign may begin on {_day(free)}"


class WaitingCustomer(Frozen):
    """A customer with open opportunities, the best first: by urgency, then by value, then the oldest.

    `level` and `score` are the customer's now. `risk`, `expansion` and `event` name an open playbook of each
    family, empty for none. `ended` says when expansion playbooks ended for this customer, by name; `last` is
    the one of them that the customer heard of last, also where it failed. `off` are playbooks that are
    switched off, by name, with the words that say so.
    """

    organisation: str
    customer: str
    customer_name: str
    active: bool
    level: Level | None
    score: float | None
    risk: str = ""
    expansion: str = ""
    event: str = ""
    ended: dict[str, datetime] = Field(default_factory=dict)
    last: LastCampaign | None = None
    off: dict[str, str] = Field(default_factory=dict)
    opportunities: tuple[OpenOpportunity, ...]

    def blocked(self, now: datetime) -> str:
        """Why no campaign at all may begin for the customer now; empty if one may."""
        if not self.active:
            return "The customer is not active"
        if self.level is None or self.score is None:
            return "The customer has no level yet"
        if self.level not in RECOVERED:
            return f"The level is {self.level.value}: a campaign waits until it is HEALTHY"
        if self.risk:
            return held_words(self.risk, self.level)
        if self.expansion:
            return f"{self.expansion} runs already: one campaign at a time"
        if self.event:
            return f"{self.event} runs: a campaign waits until that is over"
        return self.last.rests(now) if self.last is not None else ""

    def waits(self, one: OpenOpportunity, playbook: Playbook | None, now: datetime) -> str:
        """Why the playbook (None where there is none) may not begin for this opportunity now; empty if so."""
        if blocked := self.blocked(now):
            return blocked
        if one.upgraded:
            return f"The customer has upgraded: {one.upgraded}; the next scoring looks again"
        if playbook is None:
            return f"There is no playbook for {one.signal.value}"
        if playbook.name in self.off:
            return self.off[playbook.name]
        ended = self.ended.get(playbook.name)
        if ended is None or ended + playbook.cooldown <= now:
            return ""
        free = ended + playbook.cooldown
        return f"{playbook.name} ended on {_day(ended)} and may begin again on {_day(free)}"


class BaselineCandidate(Frozen):
    """An opportunity that `enrol` would open, or the reason why not.

    `value` is what it may bring in a year, None where nobody knows.
    """

    opportunity: str
    customer: str
    external_id: str
    name: str
    signal: Signal
    urgency: Urgency
    value: float | None
    currency: str
    words: str
    since: datetime
    refusal: str = ""


class UpgradeSeen(Frozen):
    """A customer who has upgraded while its campaign runs; `note` says what shows it."""

    organisation: str
    customer: str
    opportunity: str
    intervention: str
    plan: str
    note: str


class CampaignCall(Frozen):
    """Start campaigns for the organisation's open opportunities, and tell running ones what is new."""

    organisation: str
    now: datetime


class CampaignsHanded(Frozen):
    """How many campaigns were started, told of an upgrade, and let go on; and how often it failed."""

    started: int = 0
    upgraded: int = 0
    released: int = 0
    failed: int = 0


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"
