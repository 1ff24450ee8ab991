"""Work on many customers in which what is wrong with one keeps nobody else waiting, and is told."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlmodel import Session

from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.errors import StoreError, reason_of

TOLD = 20
"""Customers of one part who get a line of their own in the journal: where all fail, it is not their data."""

Work = Callable[[Session, Sequence[str]], Counter[str]]
OnFailure = Callable[[Session, str], None]

log = logging.getLogger(__name__)


class Apart:
    """The parts of one pass over an organisation, each of which may fail alone.

    `failed` counts parts and customers. Each is told once a day, by a line of kind `monitor.failed` in the
    journal and in the log. Only a database that does not answer fails the whole: the pass is then made again.
    """

    def __init__(self, store: Store, organisation: str, as_of: datetime) -> None:
        self._store, self._organisation, self._as_of = store, organisation, as_of
        self._told = Counter[str]()
        self.failed = 0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """A part of the pass. `name` says what it does: "silence"."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            self._tell(name, None, error)

    def each(
        self, name: str, customers: Sequence[str], work: Work, on_failure: OnFailure | None = None
    ) -> Counter[str]:
        """Do `work` for customers in one transaction; where it fails, for the halves of them, down to each.

        on_failure: called in a transaction of its own with a customer whose work has failed.
        """
        try:
            with self._store.write() as session:
                return work(session, customers)
        except StoreError:
            raise
        except Exception as error:
            if len(customers) < 2:
                for customer in customers:
                    self._tell(name, customer, error)
                    if on_failure is not None:
                        with self._store.write() as session:
                            on_failure(session, customer)
                return Counter()
        middle = len(customers) // 2
        halves = (customers[:middle], customers[middle:])
        counts = Counter[str]()
        for half in halves:
            counts.update(self.each(name, half, work, on_failure))
        return counts

    def _tell(self, name: str, customer: str | None, error: Exception) -> None:
        self.failed += 1
        self._told[name] += 1
        log.error("A part of the monitor failed", extra={"part": name, "customer": customer}, exc_info=error)
        if customer is not None and self._told[name] > TOLD:
            return
        whose = "this customer" if customer is not None else "the organisation"
        with self._store.write() as session:
            journal.write(
                session,
                key=f"monitor/{name}/{customer or self._organisation}/{self._as_of:%Y-%m-%d}",
                organisation=self._organisation,
                customer=customer,
                kind="monitor.failed",
                text=f"The monitor's look at the {name} of {whose} failed",
                why=reason_of(error),
                at=self._as_of,
            )
