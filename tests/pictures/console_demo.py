"""A running demo whose pages are photographed: the one that `make demo` starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from sqlmodel import Session, col, select

from keepwell.db.engine import Store
from keepwell.db.tables import Customer, Document, Intervention, OutboxMessage
from tests.e2e.demo_user import an_environment, console_in, running_demo

CRITICAL, ANSWERED = "Aspen Foods", "Millstone Pantry"
"""Both are customers of whoever enters as a success manager."""
NOTE = "They want a call on Thursday, with their new manager"
DATABASE = Path("home", ".keepwell", "demo", "keepwell.sqlite3")


@dataclass(frozen=True)
class Demo:
    """Where its console is, and what the paths of pages are filled in with."""

    url: str
    facts: Mapping[str, str]


@contextmanager
def demo() -> Iterator[Demo]:
    """A demo of its own, as long as the block lasts; one of its customers has answered."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with running_demo(an_environment(folder), folder, "--port", "0") as running:
            url = console_in(running.until("Ctrl-C ends it"))
            store = Store(f"sqlite:///{folder / DATABASE}")
            try:
                with store.read() as session:
                    found = facts(session)
            finally:
                store.dispose()
            _answer(url, found["run"])
            yield Demo(url, found)


def facts(session: Session) -> dict[str, str]:
    """Ids of what pages show, by the names in their paths."""

    def customer(name: str) -> str:
        return session.exec(select(Customer.id).where(Customer.name == name)).one()

    critical, answered = customer(CRITICAL), customer(ANSWERED)
    run = session.exec(
        select(Intervention.id).where(Intervention.customer_id == answered, Intervention.family == "risk")
    ).one()
    message = session.exec(
        select(OutboxMessage.id)
        .where(OutboxMessage.customer_id == critical, OutboxMessage.channel == "email")
        .order_by(col(OutboxMessage.id))
    ).first()
    document = session.exec(select(Document).order_by(col(Document.id))).first()
    return {
        "critical": critical,
        "answered": answered,
        "run": run,
        "message": message or "",
        "document": f"{document.intervention_id}/{document.step}" if document else "",
    }


def _answer(url: str, run: str) -> None:
    """Log an answer as the success manager does."""
    with httpx2.Client(base_url=url, headers={"Origin": url}, timeout=60, trust_env=False) as browser:
        entered = browser.post("/sign-in/demo", data={"role": "csm"})
        assert entered.status_code == 303, entered.text
        page = browser.get("/console", headers={"Accept": "text/html"}).text
        csrf = page.partition('name="csrf" content="')[2].partition('"')[0]
        said = browser.post(
            f"/api/v1/interventions/{run}/respond", json={"note": NOTE}, headers={"X-CSRF-Token": csrf}
        )
        said.raise_for_status()
        browser.post("/sign-out", data={"csrf": csrf})
