"""What the made-up customers get out of the product in a month, for value reports and campaigns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.arrays import FloatArray

LATELY = 30
"""Days of the score that say how much comes back: what is used little brings little."""

DEAR = ("US", "CA", "GB", "DE", "FR", "JP", "AU")
"""Countries where an hour of work costs the more of the two ranges."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a customer has told us, all for a month; None for what nobody has counted.

    hours_saved: hours of work. hourly_cost: money for one of them. value_delivered: money in all.
    """

    hours_saved: int | None = None
    hourly_cost: float | None = None
    value_delivered: float | None = None

    @property
    def facts(self) -> dict[str, str]:
        """The figures that are known as facts of a customer; as from a CSV file, they are text."""
        named = {
            "hours_saved": self.hours_saved,
            "hourly_cost": self.hourly_cost,
            "value_delivered": self.value_delivered,
        }
        return {name: f"{value:g}" for name, value in named.items() if value is not None}

    @property
    def counted(self) -> bool:
        """Whether hours and their cost are known, so that the value can be reckoned before one's eyes."""
        return self.hours_saved is not None and self.hourly_cost is not None


def worth_of(seed: tuple[int, int], scores: FloatArray, price: float, country: str) -> Worth:
    """The figures of one customer, the same for the same seed.

    scores: (90,) the score on each day, oldest first; price: paid in a month. Most have counted hours and
    their cost, some the money in all, some nothing: a report must look well with each of them. A score
    of 40 gives back about what is paid.
    """
    # A generator of its own: nothing else of the portfolio changes with it.
    rng = np.random.default_rng(seed)
    share = 0.3 + float(scores[-LATELY:].mean()) / 57 * rng.uniform(0.85, 1.15)
    low, high = (34.0, 62.0) if country in DEAR else (14.0, 30.0)
    cost = round(rng.uniform(low, high) * 2) / 2
    hours = max(1, round(price * share / cost))
    chance = rng.random()
    if chance < 0.72:
        return Worth(hours_saved=hours, hourly_cost=cost)
    if chance < 0.87:
        return Worth(value_delivered=float(max(10, round(price * share, -1))))
    return Worth()
