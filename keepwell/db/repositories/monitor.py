"""The monitor's passes over the store: who has fallen silent, and which alerts are over by themselves.

A pass is cheap where nothing is due: what is watched has the moment at which to look at it next, under an
index, and most of a million silent customers have none. Each page is a transaction of its own; a pass that
dies in between is simply made again. What is much is done for a while and told to be unfinished, so that
the caller can see to what is urgent in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from time import monotonic

from sqlmodel import Session, col, select

from keepwell.contracts.alerts import MonitorCall, MonitorFigures, MonitorLook
from keepwell.db.engine import Store
from keepwell.db.repositories.alert_rules import Rules, load_rules
from keepwell.db.repositories.alerts_churn import judge_predictions, predictions_since
from keepwell.db.repositories.alerts_fading import close_faded
from keepwell.db.repositories.alerts_pending import PAGE as HANDED_AT_ONCE
from keepwell.db.repositories.alerts_pending import is_one_over, put_off, undecided, undecided_of
from keepwell.db.repositories.apart import Apart
from keepwell.db.repositories.deadlines import look_at_deadlines
from keepwell.db.repositories.engagement import ACTIVITY
from keepwell.db.repositories.handing_on import hand_on_tasks
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.momentum import momentum_card, write_day
from keepwell.db.repositories.monitor_silence import look_for_silence, silence_held
from keepwell.db.repositories.notices_plan import something_to_tell
from keepwell.db.repositories.pending import due as due_commands
from keepwell.db.repositories.zones import local_midnight, organisation_day
from keepwell.db.tables import Customer, MonitorState, Organisation, Watch
from scoring.scorecard import Scorecard

PREDICTED = 500
"""Customers whose predictions are judged in one transaction."""

FIGURES = 500
"""Customers whose momentum figures are one transaction: a part of a second."""

AT_A_TIME = 20.0
"""Seconds after which a look, or the writing of figures, is told to be unfinished."""


class MonitorRepository:
    """Implements the port `Monitor`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def look(self, call: MonitorCall) -> MonitorLook:
        """Look at what is due; the same moment again finds nothing more, unless `more` is true.

        What fails of one customer, or as one part, keeps nothing else from being done.
        """
        apart = Apart(self._store, call.organisation, call.as_of)
        counts, held, more = Counter[str](), "", False
        # Where that cannot be told, the hand-over itself finds whether there is something to do.
        figures_due, pending, commands = False, True, True
        to_tell = False
        with apart.part("rules"):
            with self._store.read() as session:
                rules = load_rules(session, call.organisation)
            with apart.part("silence"):
                with self._store.write() as session:
                    held = silence_held(session, call, _state(session, call.organisation))
                if not held:
                    silent, more = look_for_silence(self._store, call, rules, apart, _for_a_while())
                    counts.update(silent)
            with apart.part("deadlines"):
                missed, left = look_at_deadlines(self._store, call, rules, apart, _for_a_while())
                counts.update(missed)
                more = more or left
            with apart.part("alerts that are over"):
                counts["closed"] += close_faded(self._store, call, rules, apart)
            with apart.part("predictions"):
                counts.update(self._predictions(call, rules, apart))
        with apart.part("absences"):
            hand_on_tasks(self._store, call)
        with apart.part("figures"), self._store.write() as session:
            figures_due = self._day_of_figures(session, call) is not None
        with apart.part("alert channels"), self._store.read() as session:
            to_tell = something_to_tell(session, call)
        with apart.part("commands"), self._store.read() as session:
            commands = bool(due_commands(session, call.as_of, 1))
        with apart.part("hand-over"), self._store.read() as session:
            pending = bool(undecided(session, call, 1)) or is_one_over(session, call.organisation)
        return MonitorLook(
            raised=counts["raised"],
            escalated=counts["escalated"],
            closed=counts["closed"],
            failed=apart.failed,
            held=held,
            figures_due=figures_due,
            pending=pending,
            more=more,
            commands=commands,
            to_tell=to_tell,
        )

    def write_figures(self, call: MonitorCall) -> MonitorFigures:
        """Write momentum figures of the day that has begun, as of its midnight, for a while.

        The next call goes on where this one stopped. A customer whose figures fail is told, and passed over.
        """
        with self._store.write() as session:
            due = self._day_of_figures(session, call)
            if due is None:
                return MonitorFigures()
            day, card, zone = due
            state = _state(session, call.organisation)
            if state.figures_begun != day:
                state.figures_begun, state.figures_after = day, ""
            after = state.figures_after
        as_of, goes_on = local_midnight(day, zone), _for_a_while()
        apart = Apart(self._store, call.organisation, call.as_of)

        def work(session: Session, customers: Sequence[str]) -> Counter[str]:
            return Counter(written=write_day(session, card, customers, as_of, zone, call.as_of))

        written = 0
        while customers := self._watched(call.organisation, after):
            written += apart.each("figures", customers, work)["written"]
            after = customers[-1]
            with self._store.write() as session:
                _state(session, call.organisation).figures_after = after
            if not goes_on():
                return MonitorFigures(written=written, failed=apart.failed, more=True)
        with self._store.write() as session:
            _state(session, call.organisation).figures_day = day
        return MonitorFigures(written=written, failed=apart.failed)

    def undecided(self, call: MonitorCall, after: str = "") -> tuple[str, ...]:
        """A page of alerts that nobody has decided upon, the gravest and first due first; their ids.

        `after` is the last id of the page before. An alert that has been decided meanwhile keeps its place.
        """
        with self._store.read() as session:
            return undecided(session, call, HANDED_AT_ONCE, after)

    def undecided_of(self, customer: str) -> tuple[str, ...]:
        """The same of one customer."""
        with self._store.read() as session:
            return undecided_of(session, customer)

    def put_off(self, call: MonitorCall, failed: Mapping[str, str]) -> None:
        """Let alerts rest whose hand-over has failed (id: why)."""
        with self._store.write() as session:
            put_off(session, failed, call.as_of)

    def _predictions(self, call: MonitorCall, rules: Rules, apart: Apart) -> Counter[str]:
        """Look at the predictions since the last whole pass, page by page: what is done once stays done."""
        with self._store.read() as session:
            state = session.get(MonitorState, call.organisation)
            newest = predictions_since(session, call, state.passed_at if state else None)

        def work(session: Session, page: Sequence[str]) -> Counter[str]:
            return judge_predictions(session, call, rules, {customer: newest[customer] for customer in page})

        customers, counts = sorted(newest), Counter[str]()
        for start in range(0, len(customers), PREDICTED):
            counts.update(apart.each("predictions", customers[start : start + PREDICTED], work))
        with self._store.write() as session:
            _state(session, call.organisation).passed_at = call.as_of
        return counts

    def _day_of_figures(self, session: Session, call: MonitorCall) -> tuple[date, Scorecard, str] | None:
        """The day that has begun, its scorecard and zone; None where its figures are written or not taken."""
        organisation = found(session, Organisation, call.organisation, "organisation")
        day = organisation_day(call.as_of, organisation.time_zone, organisation.key)
        state = session.get(MonitorState, call.organisation)
        if state is not None and state.figures_day is not None and state.figures_day >= day:
            return None
        card = momentum_card(session, organisation.id, call.as_of)
        return (day, card, organisation.time_zone) if card is not None else None

    def _watched(self, organisation: str, after: str) -> Sequence[str]:
        query = (
            select(Watch.customer_id)
            .join(Customer, col(Customer.id) == col(Watch.customer_id))
            .where(Watch.organisation_id == organisation, Watch.what == ACTIVITY, col(Customer.active))
            .where(col(Watch.customer_id) > after)
            .order_by(col(Watch.customer_id))
        )
        with self._store.read() as session:
            return session.exec(query.limit(FIGURES)).all()


def _for_a_while() -> Callable[[], bool]:
    """Whether the time that one call may take is not over yet."""
    end = monotonic() + AT_A_TIME
    return lambda: monotonic() < end


def _state(session: Session, organisation: str) -> MonitorState:
    """How far the monitor has come; a new row for one that has not begun."""
    state = session.get(MonitorState, organisation)
    if state is None:
        state = MonitorState(organisation_id=organisation)
        session.add(state)
    return state
