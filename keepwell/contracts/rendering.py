"""What templates may use: every variable of every template, with its meaning and unit.

`STAFF_ONLY` of a contract names the fields that no message to a customer may read: the renderer refuses
them, so that a score, a cost in points or an instruction to staff cannot get into a letter by accident.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from pydantic import Field

from keepwell.contracts.alerts import AlertSeverity, Trigger
from keepwell.contracts.base import Facts, Frozen
from keepwell.contracts.shown import Peers, Point, ShownFigures
from scoring.levels import Level
from scoring.signal import Signal


class Organisation(Facts):
    """The company that writes; URLs are empty when it has none."""

    name: str
    product: str
    sender_name: str
    sender_address: str
    postal_address: str
    booking_url: str
    app_url: str
    demo: bool


class Person(Facts):
    """A member of staff or a contact.

    `away` says that a member of staff is away ("away until 3 December"), `stands_in` for whom they stand in
    ("for Dana Reyes, who is away until 3 December"); both are empty where nobody is.
    """

    name: str
    first_name: str
    email: str = ""
    phone: str = ""
    title: str = ""
    away: str = ""
    stands_in: str = ""


class CustomerFacts(Facts):
    """The customer. `monthly_revenue` is written out with its currency, "" where unknown."""

    name: str
    plan: str
    industry: str
    segment: str
    months_with_us: int | None
    monthly_revenue: str
    renews_on: date | None
    facts: dict[str, str] = Field(default_factory=dict)


class MetricFigure(Facts):
    """A metric as staff read it: values written out with units; `points` of 100, `lost` of the score.

    `words` says it in a sentence. `history` is at most 13 values of the last 90 days, oldest first.
    `change` is the change over 30 days in words, "" where there is no earlier value.
    """

    name: str
    title: str
    category: str
    value: str
    before: str
    change: str
    points: float
    lost: float
    words: str
    low: str
    history: tuple[Point, ...] = ()


class Advice(Facts):
    """What staff do about a metric that costs points: who, until when, and what success would be.

    The sentences name the customer; for the customer's own eyes there is `ShownStep`.
    """

    metric: MetricFigure
    action: str
    owner: str
    due: date
    success: str


class CategoryFigure(Facts):
    """A category's score, 0 to 100, and its weight in percent; None where nothing was measured."""

    title: str
    score: float | None
    weight: float


class HealthFigures(Facts):
    """The score and what makes it, for staff; no level and no score for who was never scored.

    `before` is the score 30 days earlier, None without one.
    """

    score: float | None
    level: Level | None
    before: float | None = None
    coverage: float = 0.0
    categories: tuple[CategoryFigure, ...] = ()
    costly: tuple[Advice, ...] = ()
    strengths: tuple[MetricFigure, ...] = ()
    improved: tuple[MetricFigure, ...] = ()


class ValueLine(Facts):
    """A number of the value in money or time: what it is, written out, and where it comes from."""

    title: str
    value: str
    source: str


class ValueFigures(Facts):
    """What the customer gets out of it in a month, beside what it pays. Nothing in it is estimated.

    `value` and `paid` are money written out, `hours` is time; each is "" where unknown. `ratio` is value
    over paid, `difference` by how much they differ (written out, without a sign); None and "" unless both
    are known. `lines` say where each number comes from. `missing` names the facts that would complete it,
    `unusable` says which stored ones cannot be read; both are for staff.
    """

    STAFF_ONLY: ClassVar[frozenset[str]] = frozenset({"missing", "unusable"})

    value: str = ""
    paid: str = ""
    hours: str = ""
    ratio: float | None = None
    difference: str = ""
    lines: tuple[ValueLine, ...] = ()
    missing: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()


class OptionFigure(Facts):
    """Something a customer may choose. `title` says it with its limit; `kind` is that of the option."""

    kind: str
    title: str
    words: str


class OfferFigures(Facts):
    """The offer that stands, or what came of it.

    `options` are what may still be chosen: none once something is `agreed`, which says what in words, with
    a `note` of whoever wrote it down. `ends` is the end in the recipient's zone, written out, and
    `hours_left` the time until then; "" and None before the offer is made. `url` is the page where the
    recipient answers, "" before the offer is made and for anybody who is no contact.
    """

    options: tuple[OptionFigure, ...] = ()
    ends: str = ""
    hours_left: int | None = None
    url: str = ""
    agreed: str = ""
    agreed_kind: str = ""
    note: str = ""


class OpportunityFigures(Facts):
    """The signal that opened the campaign, and its figures; "" and None where unknown. Money is written out.

    `words` and `value` (what it may bring in a year) are for staff. `usage` is the part of the plan in use,
    `limit_day` when the plan is used up if the usage goes on rising as it does. `next_price` is what the
    next plan costs a month, `step_up` how much more that is than now, `saved` by how much the monthly
    `overage` exceeds it. `growth` is API use as a multiple of before. `upgraded` is how many others took
    the step after this signal in the last year, 0 for fewer than 3; `doing_well` of them score 60 or more.
    """

    STAFF_ONLY: ClassVar[frozenset[str]] = frozenset({"words", "value"})

    signal: Signal
    words: str
    value: str = ""
    usage: str = ""
    limit_day: date | None = None
    next_price: str = ""
    step_up: str = ""
    overage: str = ""
    overage_year: str = ""
    overage_months: int | None = None
    saved: str = ""
    users: int | None = None
    team: int | None = None
    requests: int | None = None
    growth: str = ""
    upgraded: int = 0
    doing_well: int = 0


class AlertFigures(Facts):
    """The alert that opened an event playbook, and its figures; "" and None where unknown.

    `words`, `severity` and `reason` (why a payment failed, as the bank puts it) are for staff. `before` and
    `now` are what fell, written out with its unit: `figure` says what it is, `fell` by how much. `days` is
    how long nothing was heard, or the `feature` or `task` of the customer's lay untouched, `since` the last
    day before. `amount` and `invoice` are of a payment that failed on the day `since`. `risk` names the risk
    playbook that runs, "" for none.
    """

    STAFF_ONLY: ClassVar[frozenset[str]] = frozenset({"words", "severity", "risk", "reason"})

    trigger: Trigger
    severity: AlertSeverity
    words: str
    figure: str = ""
    before: str = ""
    now: str = ""
    fell: str = ""
    days: int | None = None
    since: date | None = None
    feature: str = ""
    task: str = ""
    amount: str = ""
    invoice: str = ""
    reason: str = ""
    risk: str = ""


class InterventionFacts(Facts):
    """The intervention that writes; `day` counts from 1 on the day it began."""

    id: str
    playbook: str
    version: int
    title: str
    started_at: datetime
    day: int
    acknowledged_by: str
    last_message: str


class Notice(Facts):
    """What a person must look at or do by hand: the step, what it was to do, why it did not happen."""

    step: str
    what: str
    reason: str


class ToldAlert(Facts):
    """An alert as a notice to the staff tells it; `customer` is empty where it is about Keepwell itself.

    With a `task` it tells of that piece of work, until `due`, and has no alert's id.
    """

    id: str
    customer: str
    words: str
    severity: AlertSeverity
    due: datetime | None = None
    task: str = ""


class PersonalLinks(Facts):
    """Pages of ours for this reader alone: to end messages of this kind, and to choose among all of them.

    Both are empty for staff, and where nobody in particular reads it.
    """

    unsubscribe: str = ""
    preferences: str = ""


class CallFigures(Facts):
    """What a person needs who is to call a customer.

    `hours` are the contact's next working hours, with what the caller's clock says then. `usual` is when they
    open emails, "" where that is not known. `others` are other contacts with a number, `sent` the last
    messages and whether they were opened, `offers` what the playbook may offer, with its terms.
    """

    hours: str
    usual: str = ""
    others: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()


class Context(Facts):
    """All a template may use. `today` is the day on the intervention's clock in the recipient's zone.

    `notice` is for the fallback task alone, None elsewhere. `offer` is None where the playbook makes none,
    or none stands any more; `opportunity` where no signal opened the intervention, `alert` where no alert
    did. `health` is what staff read about the customer, `shown` what the customer may read about itself.
    `talk` is for whoever calls, None where no template asks for it.
    `alerts` and how many there are beyond them (`more_alerts`) are for the notices of alerts alone.
    """

    STAFF_ONLY: ClassVar[frozenset[str]] = frozenset(
        {"health", "intervention", "why", "notice", "alerts", "more_alerts", "talk"}
    )

    organisation: Organisation
    customer: CustomerFacts
    recipient: Person
    sender: Person
    owner: Person | None
    contact: Person | None
    health: HealthFigures
    shown: ShownFigures
    peers: Peers
    intervention: InterventionFacts
    why: str
    now: datetime
    today: date
    notice: Notice | None = None
    value: ValueFigures = ValueFigures()
    offer: OfferFigures | None = None
    opportunity: OpportunityFigures | None = None
    alert: AlertFigures | None = None
    talk: CallFigures | None = None
    links: PersonalLinks = PersonalLinks()
    alerts: tuple[ToldAlert, ...] = ()
    more_alerts: int = 0


class Rendered(Frozen):
    """A template's output. Only emails and documents have HTML; actions are for in-app messages."""

    subject: str
    text: str
    html: str = ""
    action_label: str = ""
    action_url: str = ""
