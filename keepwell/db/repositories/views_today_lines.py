"""What the list "what needs me today" consists of."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from keepwell.contracts.base import Frozen
from scoring.levels import Level


class NeedKind(StrEnum):
    """What needs a person."""

    ESCALATION = "escalation"
    TASK = "task"
    DRAFT = "draft"
    ALERT = "alert"
    REPLY = "reply"
    DELIVERY = "delivery"
    OFFER = "offer"


class NeedCustomer(Frozen):
    """The customer that something is about; no currency means that no revenue is known."""

    id: str
    name: str
    level: Level | None
    score: float | None
    monthly_revenue: float | None
    currency: str


class Need(Frozen):
    """Something that needs a person. `id` is "kind:ref"; `ref` is the id of the task, draft, alert or offer,
    of an escalation that of its intervention, of a delivery its key in the send ledger.

    `due_at` is when it should be done, None where it has no deadline; `overdue` that it is past. An
    escalation comes at `escalates_at` and reaches `escalates_to`. `owner` has it now, `meant_for` is for whom
    they stand in. `why` says in a sentence why it matters, `because` why it stands where it stands; `cost` is
    what waiting costs (see `views_today_cost.Weigher`). `state` is the kind of a task, the severity of an
    alert, else the state of the row.

    `actions` are what can be done from here: acknowledge, respond, pause, stop (the intervention); complete,
    skip (its `step`); close, snooze, due, give, comment (the `task`); approve, edit, reject (the draft);
    acknowledge_alert; accept, decline (the offer); open (look at it).
    """

    id: str
    ref: str
    kind: NeedKind
    title: str
    detail: str = ""
    why: str
    customer: NeedCustomer
    due_at: datetime | None
    overdue: bool
    escalates_at: datetime | None = None
    escalates_to: str = ""
    owner_id: str | None
    owner: str
    meant_for: str = ""
    intervention: str | None = None
    playbook: str = ""
    step: str = ""
    workflow_id: str = ""
    state: str = ""
    task: str | None = None
    letter: str | None = None
    since: datetime
    actions: tuple[str, ...]
    cost: float
    because: str


class Today(Frozen):
    """What needs somebody, what costs most by waiting first.

    `counts` are of all there is, by kind (0 where there is none), `overdue` of how many the deadline is past.
    `next` is the offset of the next page, None at the end.
    """

    needs: tuple[Need, ...]
    counts: dict[NeedKind, int]
    total: int
    overdue: int
    covers: tuple[str, ...] = ()
    next: int | None = None
