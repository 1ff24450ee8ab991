"""A store of its own for one rehearsal: filled from the real one, which is only read, and thrown away."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock

from keepwell.db.engine import Store
from keepwell.db.migrate import upgrade
from keepwell.db.repositories.excerpt import Excerpt, Plain, excerpt_of
from keepwell.db.repositories.lookup import table
from scoring.signal import Signal

BATCH = 20_000
_making = Lock()
_made: list[bytes] = []


@contextmanager
def scratch_store() -> Iterator[Store]:
    """An empty store, migrated like a production one, in a folder only we may read. Nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="keepwell-rehearsal-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "rehearsal.sqlite3"
        path.write_bytes(_migrated())
        store = Store(f"sqlite:///{path}")
        try:
            yield store
        finally:
            store.dispose()


def _migrated() -> bytes:
    """The file of an empty store. The migrations run once in a process, and never twice at once."""
    with _making:
        if not _made:
            with tempfile.TemporaryDirectory(
                prefix="keepwell-rehearsal-", ignore_cleanup_errors=True
            ) as folder:
                path = Path(folder) / "empty.sqlite3"
                store = Store(f"sqlite:///{path}")
                try:
                    upgrade(store)
                finally:
                    store.dispose()
                _made.append(path.read_bytes())
        return _made[0]


def read_excerpt(
    real: Store,
    customer: str,
    now: datetime,
    templates: Mapping[str, str],
    signal: Signal | None = None,
) -> Excerpt:
    """What a rehearsal of the customer needs of the real store.

    `templates` are a playbook's pinned ones, `signal` the one it is for, if it is for one.

    Raises:
        NotFoundError: the customer is unknown.
    """
    with real.read() as session:
        return excerpt_of(session, customer, now, tuple(templates.values()), signal)


def fill(scratch: Store, excerpt: Excerpt) -> None:
    """Put the excerpt into the scratch store."""
    with scratch.write() as session:
        connection = session.connection()
        # Staff refer to their managers, whichever comes first.
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for name, rows in excerpt.items():
            for batch in _batches(rows):
                connection.execute(table(name).insert(), batch)


def _batches(rows: list[Plain]) -> Iterator[list[Plain]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
