"""What templates may use: every variable of every template, with its meaning and unit."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from keepwell.contracts.base import Frozen
from scoring.levels import Level


class Organisation(Frozen):
    """The company that writes; URLs are empty when it has none."""

    name: str
    product: str
    sender_name: str
    sender_address: str
    postal_address: str
    booking_url: str
    app_url: str
    demo: bool


class Person(Frozen):
    """A member of staff or a contact."""

    name: str
    first_name: str
    email: str = ""
    phone: str = ""
    title: str = ""


class CustomerFacts(Frozen):
    """The customer. `monthly_revenue` is written out with its currency, "" where unknown."""

    name: str
    plan: str
    industry: str
    segment: str
    months_with_us: int | None
    monthly_revenue: str
    renews_on: date | None
    facts: dict[str, str] = Field(default_factory=dict)


class Point(Frozen):
    """A metric's value on a day, written out with its unit."""

    day: date
    value: float
    text: str


class MetricFigure(Frozen):
    """A metric of the customer: values written out with units; `points` of 100, `lost` of the score.

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


class Advice(Frozen):
    """What to do about a metric that costs points: who, until when, and what success would be."""

    metric: MetricFigure
    action: str
    owner: str
    due: date
    success: str


class CategoryFigure(Frozen):
    """A category's score, 0 to 100, and its weight in percent; None where nothing was measured."""

    title: str
    score: float | None
    weight: float


class HealthFigures(Frozen):
    """The score and what makes it. `before` is the score 30 days earlier, None where there is none."""

    score: float
    level: Level
    before: float | None
    coverage: float
    categories: tuple[CategoryFigure, ...]
    costly: tuple[Advice, ...]
    strengths: tuple[MetricFigure, ...]
    improved: tuple[MetricFigure, ...]
    unused: tuple[Advice, ...]


class Benchmark(Frozen):
    """A metric beside that of similar customers, values written out with units."""

    title: str
    yours: str
    median: str
    best_quarter: str
    better: bool


class PeerStory(Frozen):
    """What a similar customer did, without naming it: the metric that rose most on its way up."""

    likeness: str
    metric: str
    metric_from: str
    metric_to: str
    score_from: float
    score_to: float
    days: int
    action: str


class Peers(Frozen):
    """Similar customers: how many, what makes them similar, the comparison and one story."""

    count: int
    likeness: str
    benchmarks: tuple[Benchmark, ...]
    story: PeerStory | None


class InterventionFacts(Frozen):
    """The intervention that writes; `day` counts from 1 on the day it began."""

    id: str
    playbook: str
    version: int
    title: str
    started_at: datetime
    day: int
    acknowledged_by: str
    last_message: str


class Notice(Frozen):
    """What a person must look at or do by hand: the step, what it was to do, why it did not happen."""

    step: str
    what: str
    reason: str


class Context(Frozen):
    """All a template may use. `today` is the day on the intervention's clock in the recipient's zone.

    `notice` is for the fallback task alone, None elsewhere.
    """

    organisation: Organisation
    customer: CustomerFacts
    recipient: Person
    sender: Person
    owner: Person | None
    contact: Person | None
    health: HealthFigures
    peers: Peers
    intervention: InterventionFacts
    why: str
    now: datetime
    today: date
    notice: Notice | None = None


class Rendered(Frozen):
    """A template's output. Only emails and documents have HTML; actions are for in-app messages."""

    subject: str
    text: str
    html: str = ""
    action_label: str = ""
    action_url: str = ""
