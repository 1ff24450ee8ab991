"""What lists and figures of all customers read: one short row a customer, and counts by day."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import moment_or_none


class Portfolio(SQLModel, table=True):
    """A customer as lists filter, sort and count it, in one short row: nothing has to be joined for that.

    It follows from other tables. Triggers on `customer` keep its columns (the first group), whoever writes
    there. The second group is written with each score: `score` and `level` are the last known, `insufficient`
    says that the last scoring found too little (None: never scored), `change_7` and `change_30` are points,
    from the first score of the last 7 or 30 days to the last. The third is the newest churn prediction
    (0 to 1) and its moment.

    `here_since` is the day a customer began, or else that on which it was first known here. `held` is
    `level`, or "" for none; a trigger keeps it.

    The primary key begins with what figures are counted by: SQLite, which keeps rows in its order, counts a
    hundred thousand of them in one go, where it would sort them first.
    """

    __tablename__ = "portfolio"
    # Of what a score changes only the level is in an index, by `held`, which the trigger writes only then;
    # PostgreSQL's pages keep room for new versions of their rows. So writing scores costs a run little.
    __table_args__ = (
        PrimaryKeyConstraint("organisation_id", "held", "active", "segment", "currency", "customer_id"),
        UniqueConstraint("organisation_id", "customer_id"),
        # The organisation comes last, or SQLite would take it for reading all of one, too.
        Index("ix_portfolio_owner", "owner_id", "organisation_id"),
        # Which segments and plans there are: from one to the next, past all who have the same. And how many
        # there are: what is short is counted in less time.
        Index("ix_portfolio_kinds", "organisation_id", "segment", "plan", "active"),
        {"sqlite_with_rowid": False, "postgresql_with": {"fillfactor": 70}},
    )
    __mapper_args__ = {"primary_key": ["organisation_id", "customer_id"]}
    organisation_id: str = Field(foreign_key="organisation.id", max_length=40)
    customer_id: str = Field(max_length=40)
    held: str = Field(max_length=20)
    name: str
    external_id: str = Field(max_length=200)
    active: bool
    plan: str
    segment: str
    currency: str
    owner_id: str | None = Field(default=None, max_length=40)
    monthly_revenue: float | None = None
    here_since: date
    renews_on: date | None = None
    left_on: date | None = None
    score: float | None = None
    level: str | None = Field(default=None, max_length=20)
    since: datetime | None = moment_or_none()
    scored_at: datetime | None = moment_or_none()
    insufficient: bool | None = None
    trend: str | None = Field(default=None, max_length=20)
    change_7: float | None = None
    change_30: float | None = None
    churn: float | None = None
    churn_at: datetime | None = moment_or_none()


class PortfolioDay(SQLModel, table=True):
    """How many customers stood where at the end of a day's run: a row for each segment, currency and level.

    `level` is "" for those who have none. `customers` were scored by the run or found to have too little
    data, `scored` of them have a score, `score_sum` is the sum of those. `revenue` is the monthly revenue of
    all together as known that day; None for days before it was kept. `currency` is the customers' own.
    """

    __tablename__ = "portfolio_day"
    organisation_id: str = Field(foreign_key="organisation.id", primary_key=True, max_length=40)
    day: date = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    level: str = Field(primary_key=True, max_length=20)
    customers: int
    scored: int
    score_sum: float
    revenue: float | None = None


class PortfolioMetricDay(SQLModel, table=True):
    """The newest values of a metric at the end of a day's run, over the active customers of a segment.

    `customers` is how many have one, `total` their sum.
    """

    __tablename__ = "portfolio_metric_day"
    organisation_id: str = Field(foreign_key="organisation.id", primary_key=True, max_length=40)
    name: str = Field(primary_key=True, max_length=60)
    day: date = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    customers: int
    total: float
