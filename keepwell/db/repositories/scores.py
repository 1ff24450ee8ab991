"""Scores in the store: the daily run in partitions, and one customer at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Integer, Select, case, cast, func, select, update
from sqlmodel import Session

from keepwell.contracts.scoring import (
    CustomerScored,
    Partition,
    PartitionCall,
    PartitionResult,
    ScorePlan,
    ScoreRequest,
    ScoreSummary,
)
from keepwell.db.collecting import seldom_collected
from keepwell.db.engine import Store
from keepwell.db.repositories.live import forget_old
from keepwell.db.repositories.lookup import found, insert_if_absent, organisation_of, table
from keepwell.db.repositories.metrics_latest import put_together
from keepwell.db.repositories.portfolio_write import day_rows, write_day
from keepwell.db.repositories.scorecards import scorecard_by_hash, scorecard_in_force
from keepwell.db.repositories.scorecards_beside import beside_of
from keepwell.db.repositories.scores_batch import Call
from keepwell.db.repositories.scores_prepared import Prepared, prepared, write_prepared
from keepwell.db.repositories.scores_write import Written
from keepwell.db.repositories.zones import organisation_day
from keepwell.db.tables import Customer, Organisation, ScorePartition, ScoreRun
from keepwell.errors import InputError, NotFoundError, RefusedError
from keepwell.keys import new_id, score_run_id
from scoring.levels import Level

LONGEST_AGAIN = 40


class ScoreRepository:
    """Implements the port `Scores`.

    A run is covered by ranges of ids that are derived anew from the customers active when `begin_run` is
    called; no list is stored. What makes the repetition safe is in `score_partition`: it scores those
    customers of its range whom the run has not scored yet and adds them to the partition's row. So when
    ranges have shifted in between (a customer came, left or was erased), every customer active at the
    repetition is still scored, once, and the partitions' counts add up to the customers scored.
    """

    def __init__(self, store: Store, partition_size: int = 10_000) -> None:
        if partition_size < 1:
            raise InputError(f"A partition holds at least 1 customer, not {partition_size}.")
        self._store = store
        self._size = partition_size

    def begin_run(self, request: ScoreRequest, now: datetime) -> ScorePlan:
        """The run for this request, made where it is missing, and its partitions.

        `request.organisation` may be an id or a key; the plan names the id, and `plan.run` is the run's
        id. A run that is there already keeps the moment it scores as of.

        Raises:
            NotFoundError: organisation or scorecard is unknown.
        """
        if len(request.again) > LONGEST_AGAIN:
            raise InputError(f"The name of a repeated run has at most {LONGEST_AGAIN} characters.")
        with self._store.write() as session:
            organisation = organisation_of(session, request.organisation)
            fingerprint, _ = scorecard_in_force(session, organisation, request.scorecard, now)
            as_of = request.as_of or now
            day = organisation_day(as_of, organisation.time_zone, organisation.key)
            key = score_run_id(day, fingerprint[:12]) + (f"-{request.again}" if request.again else "")
            insert_if_absent(
                session,
                "score_run",
                {
                    "id": new_id(),
                    "organisation_id": organisation.id,
                    "key": key,
                    "scorecard": fingerprint,
                    "as_of": as_of,
                    "day": day,
                    "started_at": now,
                    "beside": beside_of(session, organisation, fingerprint, now),
                },
            )
            run = table("score_run").c
            query = select(run.id, run.as_of).where(run.organisation_id == organisation.id, run.key == key)
            identity, as_of = session.connection().execute(query).one()
            partitions = _partitions(session, organisation.id, identity, self._size)
        return ScorePlan(
            organisation=organisation.id,
            run=identity,
            scorecard=fingerprint,
            as_of=as_of,
            partitions=partitions,
            campaigns=True,
        )

    def score_partition(self, call: PartitionCall) -> PartitionResult:
        """Score those of the range whom the run has not scored yet, in one transaction.

        Returns the counts of the partition as a whole, whenever and in how many attempts it was scored.
        """
        put_together(self._store, call.organisation, call.partition.first, call.partition.last)
        with seldom_collected():
            with self._store.read() as session:
                run = found(session, ScoreRun, call.run, "run")
                scored = _read(session, call, run)
            with self._store.write() as session:
                return _add_up(session, call, write_prepared(session, scored))

    def score_customer(self, organisation: str, customer: str, now: datetime) -> CustomerScored:
        """Score one customer as of now; called again with the same `now`, it gives the same answer.

        Raises:
            NotFoundError: organisation or customer is unknown.
            RefusedError: the customer is not active.
        """
        with self._store.write() as session:
            owner = organisation_of(session, organisation)
            row = found(session, Customer, customer, "customer")
            if row.organisation_id != owner.id:
                raise NotFoundError(f"Organisation {owner.key} has no customer {customer!r}.")
            if not row.active:
                raise RefusedError(
                    f"Customer {row.name} is not active, so it is not scored.", hint="Make it active first."
                )
            write_prepared(session, _one(session, owner, customer, now))
            return _scored(session, customer, now)

    def finish_run(self, plan: ScorePlan, now: datetime) -> ScoreSummary:
        """Mark a run as finished (the first finish stays) and add it up from the rows it wrote.

        The day's figures of the portfolio are kept with it; those of a later run of the day take their place.
        """
        run = table("score_run")
        unfinished = (run.c.id == plan.run) & run.c.finished_at.is_(None)
        with self._store.read() as session:
            days, metrics = day_rows(session, plan)
        with self._store.write() as session:
            write_day(session, days, metrics)
            forget_old(session)
            session.connection().execute(update(run).where(unfinished).values(finished_at=now))
            return _summary(session, plan)


def _partitions(session: Session, organisation: str, run: str, size: int) -> tuple[Partition, ...]:
    """Ranges of at most `size` active customers each, and an empty range for every row beyond them.

    The database sorts and cuts: its order of texts need not be Python's.
    """
    customer, done = table("customer"), table("score_partition")
    place = (func.row_number().over(order_by=customer.c.id) - 1) // size
    numbered = (
        select(customer.c.id, cast(place, Integer).label("number"))
        .where(customer.c.organisation_id == organisation, customer.c.active)
        .subquery()
    )
    ranges = (
        select(numbered.c.number, func.min(numbered.c.id), func.max(numbered.c.id))
        .group_by(numbered.c.number)
        .order_by(numbered.c.number)
    )
    connection = session.connection()
    found_ranges = [
        Partition(number=number, first=first, last=last) for number, first, last in connection.execute(ranges)
    ]
    beyond = select(done.c.number).where(done.c.run_id == run, done.c.number >= len(found_ranges))
    rest = sorted(connection.execute(beyond).scalars())
    return (*found_ranges, *(Partition(number=number, first="", last="") for number in rest))


def _unscored(call: PartitionCall) -> Select[str]:
    """The ids of those of a range whom the run has not scored yet."""
    customer, score = table("customer"), table("score")
    scored = (
        select(score.c.id).where(score.c.run_id == call.run, score.c.customer_id == customer.c.id).exists()
    )
    query: Select[str] = (
        select(customer.c.id)
        .where(customer.c.organisation_id == call.organisation, customer.c.active)
        .where(customer.c.id.between(call.partition.first, call.partition.last), ~scored)
        .order_by(customer.c.id)
    )
    return query


def _read(session: Session, call: PartitionCall, run: ScoreRun) -> Prepared:
    """Read and score the part of a range that the run has not scored yet, and look for signals in it."""
    card = scorecard_by_hash(session, call.scorecard)
    in_force = Call(call.organisation, card, call.scorecard, call.as_of, run.day, run.id)
    beside = [
        replace(in_force, card=scorecard_by_hash(session, other), fingerprint=other)
        for other in run.beside or ()
        if other != call.scorecard
    ]
    return prepared(session, _unscored(call), in_force, beside)


def _one(session: Session, organisation: Organisation, customer: str, now: datetime) -> Prepared:
    fingerprint, card = scorecard_in_force(session, organisation, None, now)
    query: Select[str] = select(table("customer").c.id).where(table("customer").c.id == customer)
    day = organisation_day(now, organisation.time_zone, organisation.key)
    return prepared(session, query, Call(organisation.id, card, fingerprint, now, day, None))


def _add_up(session: Session, call: PartitionCall, written: Written) -> PartitionResult:
    """Add what was written to the partition's row, made where it is missing."""
    row = session.get(ScorePartition, (call.run, call.partition.number))
    if row is None:
        row = ScorePartition(
            run_id=call.run,
            number=call.partition.number,
            scored=0,
            insufficient=0,
            rejected=0,
            transitions=0,
            done_at=call.as_of,
        )
        session.add(row)
    row.scored += written.counts["scored"]
    row.insufficient += written.counts["insufficient"]
    row.rejected += written.counts["rejected"]
    row.transitions += written.transitions
    session.flush()
    return PartitionResult(
        number=row.number,
        scored=row.scored,
        insufficient=row.insufficient,
        rejected=row.rejected,
        transitions=row.transitions,
    )


def _summary(session: Session, plan: ScorePlan) -> ScoreSummary:
    part, transition = table("score_partition"), table("transition")
    connection = session.connection()
    names = ("scored", "insufficient", "rejected")
    sums = connection.execute(
        select(*(func.coalesce(func.sum(part.c[name]), 0) for name in names)).where(part.c.run_id == plan.run)
    ).one()
    counts = {name: int(number) for name, number in zip(names, sums, strict=True)}
    handed = dict.fromkeys(("started", "signalled", "refused"), 0)
    rows = connection.execute(
        select(transition.c.handed, func.count())
        .where(transition.c.run_id == plan.run)
        .group_by(transition.c.handed)
    ).all()
    handed.update({name: number for name, number in rows if name})
    waiting = sum(number for name, number in rows if not name)
    opportunity = table("opportunity").c
    baseline = func.coalesce(func.sum(case((opportunity.state == "baseline", 1), else_=0)), 0)
    seen = select(func.count(), baseline).where(
        opportunity.organisation_id == plan.organisation, opportunity.detected_at == plan.as_of
    )
    seen_all, seen_first = connection.execute(seen).one()
    return ScoreSummary(
        run=plan.run,
        as_of=plan.as_of,
        customers=sum(counts.values()),
        transitions=sum(number for _, number in rows),
        waiting=waiting,
        opportunities=seen_all,
        baseline=seen_first,
        **counts,
        **handed,
    )


def _scored(session: Session, customer: str, now: datetime) -> CustomerScored:
    """The answer for one customer, from the rows that stand there now."""
    score, transition = table("score"), table("transition")
    query = select(score).where(
        score.c.customer_id == customer, score.c.run_id.is_(None), score.c.scored_at == now
    )
    connection = session.connection()
    row = connection.execute(query).one()
    change = connection.execute(
        select(transition.c.id, transition.c.previous).where(transition.c.score_id == row.id)
    ).first()
    level = Level(row.level) if row.level else None
    return CustomerScored(
        customer=customer,
        score=row.score,
        level=level,
        previous=Level(change.previous) if change else (None if row.baseline else level),
        coverage=row.coverage,
        baseline=row.baseline,
        transition=change.id if change else None,
    )
