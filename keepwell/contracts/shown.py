"""What customers are shown of their own figures, and of what others like them do."""

from __future__ import annotations

from datetime import date

from keepwell.contracts.base import Facts


class Point(Facts):
    """A metric's value on a day, written out with its unit."""

    day: date
    value: float
    text: str


class ShownFigure(Facts):
    """A metric as its customer reads it: `label` is the scorecard's phrase for customers, without a capital.

    Values are written out with units. `change` is the change over 30 days in words, "" where there is none,
    no earlier value, and for a trend. `good` says that the value stands well. `history` is at most 13 values
    of the last 90 days, oldest first.
    """

    name: str
    label: str
    value: str
    before: str
    change: str
    good: bool
    history: tuple[Point, ...] = ()


class ShownStep(Facts):
    """What we offer a customer to do together: `step` and `goal` are sentences that say "you".

    `area` is what lies unused where the figure is low, a noun phrase, "" where the metric counts no such
    thing. `owner` is who begins, until `due`.
    """

    figure: ShownFigure
    step: str
    goal: str
    area: str
    owner: str
    due: date


class ShownFigures(Facts):
    """What a customer may read about itself: of the metrics that the scorecard has words for customers for.

    Each has at most three entries, the most telling first, and may be empty. `steps` are for what stands
    worst, `strengths` stand well and are not falling, `improved` rose over 30 days, `unused` have an area and
    stand badly, `used` are others that count a use.
    """

    steps: tuple[ShownStep, ...] = ()
    strengths: tuple[ShownFigure, ...] = ()
    improved: tuple[ShownFigure, ...] = ()
    unused: tuple[ShownStep, ...] = ()
    used: tuple[ShownFigure, ...] = ()


class Benchmark(Facts):
    """A metric beside that of similar customers, values written out with units; `metric` is its name."""

    metric: str
    label: str
    yours: str
    median: str
    best_quarter: str
    better: bool


class PeerStory(Facts):
    """What a similar customer reached, without naming it: the figure that rose most on its way up.

    `step` is what we offer to do about that figure, "" where the scorecard says nothing.
    """

    likeness: str
    label: str
    value_from: str
    value_to: str
    days: int
    step: str


class PeerUse(Facts):
    """Similar customers who use well what this one leaves unused.

    `metric` is the metric's name, `count` how many they are, `value` their metric, the one in the middle.
    """

    metric: str
    count: int
    value: str


class Peers(Facts):
    """Similar customers: how many, what makes them similar, the comparison and one story.

    All of it is of metrics that customers may read about. `users` has an entry for each of the customer's
    unused metrics that enough of them use well.
    """

    count: int
    likeness: str
    benchmarks: tuple[Benchmark, ...]
    story: PeerStory | None
    users: tuple[PeerUse, ...] = ()
