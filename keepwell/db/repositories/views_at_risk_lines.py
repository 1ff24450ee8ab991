"""What the list of customers at risk answers."""

from __future__ import annotations

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.views_portfolio_lines import PortfolioLine
from scoring.priority import InterventionPriority
from scoring.recommend import Recommendation


class RiskReason(Frozen):
    """A metric that costs the customer's last score most: `lost` of the 100 points, `points` of its own."""

    metric: str
    title: str
    category: str
    category_title: str
    points: float
    lost: float
    words: str


class CategoryPoints(Frozen):
    """A category of the last score: its points, 0 to 100."""

    name: str
    title: str
    points: float


class AtRiskLine(Frozen):
    """A customer at risk: where it stands, why, how urgent it is and what to do.

    `reasons` are the costliest metrics of the last score, `categories` the weakest first. `priority` goes by
    the score and, where it counts still, the prediction.
    """

    customer: PortfolioLine
    priority: InterventionPriority | None
    reasons: tuple[RiskReason, ...]
    categories: tuple[CategoryPoints, ...]
    recommendations: tuple[Recommendation, ...]


class AtRiskPage(Frozen):
    """A page of them, the most urgent first; `total` and `next` as in the portfolio's page."""

    lines: tuple[AtRiskLine, ...]
    total: int
    next: str | None
