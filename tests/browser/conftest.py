"""A real browser, and the application on a real port."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pydantic import SecretStr

from keepwell.api.door import Door
from keepwell.contracts.access import COOKIE, Role
from keepwell.db.engine import Store
from keepwell.db.repositories.keys_and_sessions import begin_session
from keepwell.db.tables import Account
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.browser.engine import Engine, running
from tests.ports import KeptPort
from tests.real_server import RealServer
from tests.workflows.patience import have_patience

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

# What a page shows is waited for as long as a click is. Playwright's own five seconds are little beside other
# tests, a Temporal server and a PostgreSQL.
expect.set_options(timeout=30_000)

LONGEST = 600
"""Seconds for one test: some go through all pages, and each is read by a checker."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder their time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(LONGEST))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium, headless; skips the test where there is none.

    It ends with the file: while it lives, Playwright holds an event loop, and no other test may run one.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser: install one of {', '.join(PROGRAMS)}")
    with sync_playwright() as playwright:
        # Within a container it runs as root, and there is no sandbox for root.
        start = playwright.chromium.launch
        opened = start(executable_path=program, args=["--no-sandbox"], timeout=120_000)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of 1000 by 800 in English; what fails on the page fails the test."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1000, "height": 800})
    window = context.new_page()
    errors: list[str] = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    yield window
    context.close()
    assert errors == []


@pytest.fixture
def browser_without_scripts(browser: Browser) -> Iterator[Page]:
    """A window in which no script runs."""
    context = browser.new_context(locale="en-GB", java_script_enabled=False)
    yield context.new_page()
    context.close()


@dataclass
class Site:
    """Keepwell on a port of its own, which keeps its port when it is stopped and started again."""

    door: Door
    port: int
    _server: RealServer | None = None

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """What `keepwell serve` does."""
        listening = socket.create_server(("127.0.0.1", self.port))
        self._server = RealServer(create_app(self.door), listening)
        self._server.start()

    def stop(self) -> None:
        """Ends it, with all its connections; nothing where it is stopped already."""
        if self._server is not None:
            self._server.stop()
            self._server = None


@pytest.fixture
def site(sqlite_store: Store, tmp_path: Path) -> Iterator[Site]:
    """Keepwell with a store of its own, reached by the pages of http://localhost:HOST_PORT, too."""
    port, host_port = KeptPort(), KeptPort()
    settings = Settings(
        home=tmp_path,
        public_url=f"http://127.0.0.1:{port.number}",
        widget_origins=(f"http://localhost:{host_port.number}",),
    )
    links = Links(SecretStr("k" * 40), settings.public_url)
    site = Site(Door(settings=settings, store=sqlite_store, links=links), port.number)
    try:
        site.start()
        yield site
    finally:
        site.stop()
        port.give_back()
        host_port.give_back()


@pytest.fixture
def engine(site: Site, temporal_address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A worker beside the site; the site's commands reach its runs, however long the worker takes."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    have_patience(monkeypatch)
    with running(site.door.store, temporal_address) as found:
        yield found


SignedIn = Callable[..., Page]
"""`(organisation, role=Role.CSM, *, staff=None, name=..., customer=None)`: the window, signed in."""


@pytest.fixture
def console_page(site: Site, page: Page) -> SignedIn:
    """Signs a window in as a new account of an organisation; pages are at `site.url`."""

    def sign_in(
        organisation: str,
        role: Role = Role.CSM,
        *,
        staff: str | None = None,
        name: str = "Robin Clarke",
        customer: str | None = None,
    ) -> Page:
        now = datetime.now(UTC)
        with site.door.store.write() as session:
            account = Account(
                organisation_id=organisation,
                email=f"{name.lower().replace(' ', '.')}@example.com",
                name=name,
                role=role.value,
                staff_id=staff,
                customer_id=customer,
                created_at=now,
            )
            session.add(account)
            session.flush()
            token = begin_session(session, account, now)
        page.context.add_cookies([{"name": COOKIE, "value": token, "url": site.url}])
        return page

    return sign_in
