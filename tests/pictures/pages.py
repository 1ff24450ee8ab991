"""The pages behind the links of an email, served by Keepwell itself for made-up contacts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page as Window
from pydantic import SecretStr

from keepwell.api.door import Door
from keepwell.contracts.offers import OfferKind, Terms
from keepwell.contracts.people import Purpose
from keepwell.db.repositories.offer_words import AFTERWARDS
from keepwell.db.tables import Intervention, Offer
from keepwell.links import Links, Use, preferences_url, unsubscribe_url
from keepwell.rehearsal.scratch import scratch_store
from keepwell.settings import Settings
from tests.browser.conftest import Site
from tests.ports import KeptPort
from tests.unit.db.world import World
from workflows.critical import CRITICAL, OPTIONS

DAY = timedelta(days=1)


def _nothing(_: Window) -> None:
    """The page as it opens."""


@dataclass(frozen=True)
class Shown:
    """A page: its picture's name, what it is, where, and what its reader does before the picture."""

    key: str
    what: str
    url: str
    do: Callable[[Window], None] = _nothing


WHAT = {
    "offer": "An offer, with one of its options opened",
    "offer-accepted": "After it is accepted",
    "offer-ended": "After its end",
    "unsubscribe": "“Unsubscribe” in an email with an offer",
    "preferences": "“Choose your messages”",
    "preferences-saved": "After a choice is saved",
    "gone": "A link that is not whole",
}
"""Each page by its picture's name."""


@contextmanager
def served(customer: str = "Harbour Foods", person: str = "Lena Hoffmann") -> Iterator[list[Shown]]:
    """The pages, as long as the block lasts."""
    with scratch_store() as store, TemporaryDirectory() as home:
        port = KeptPort()
        settings = Settings(home=Path(home), public_url=f"http://127.0.0.1:{port.number}")
        door = Door(settings=settings, store=store, links=Links(SecretStr("k" * 40), settings.public_url))
        _fill(World(store), customer, person)
        site = Site(door, port.number)
        try:
            site.start()
            yield _shown(door.links)
        finally:
            site.stop()
            port.give_back()


def _fill(world: World, customer: str, person: str) -> None:
    world.can_send()
    world.staff("priya", name="Priya Raman")
    world.customer("harbour", name=customer, owner_id="priya")
    world.contact(
        "lena",
        "harbour",
        name=person,
        first_name=person.partition(" ")[0],
        email="lena@harbourfoods.example",
        time_zone="Europe/Berlin",
    )
    world.score("harbour", 12, world.began - 5 * DAY)
    taken = Terms(kind=OfferKind.BILLING_PAUSE, months=2).model_dump(mode="json")
    stands: dict[str, dict[str, Any]] = {
        "offer": {"state": "offered", "valid_until": world.began + 3 * DAY},
        "offer-accepted": {"state": "accepted", "valid_until": world.began + 3 * DAY, "terms": taken},
        "offer-ended": {"state": "expired", "valid_until": world.began - DAY},
    }
    for key, values in stands.items():
        # Each in an intervention of its own: an answer is not one to the others.
        world.intervention(key, "harbour", owner_id="priya", started_at=world.began - 4 * DAY)
        world.change(Intervention, key, definition=CRITICAL.model_dump(mode="json"))
        row: dict[str, Any] = {
            "organisation_id": world.organisation,
            "customer_id": "harbour",
            "intervention_id": key,
            "step": "retention_offer",
            "options": {option.kind.value: option.model_dump(mode="json") for option in OPTIONS},
            "valid_for": 4 * DAY,
            "offered_at": world.began - DAY,
        }
        world.add(Offer(**{"id": key, **row, **values}))


def _shown(links: Links) -> list[Shown]:
    urls = {key: _offer(links, key) for key in WHAT if key.startswith("offer")}
    urls["preferences"] = urls["preferences-saved"] = preferences_url(links, "lena")
    urls["unsubscribe"] = unsubscribe_url(links, "lena", Purpose.OFFERS)
    urls["gone"] = f"{urls['preferences']}x"
    done = {"offer": _open_first, "preferences-saved": _save}
    return [Shown(key, what, urls[key], done.get(key, _nothing)) for key, what in WHAT.items()]


def _offer(links: Links, key: str) -> str:
    data = {"offer": key, "contact": "lena"}
    return links.url("offers", links.token(Use.OFFER, data, until=datetime.now(UTC) + AFTERWARDS))


def _open_first(window: Window) -> None:
    window.locator("summary").first.click()


def _save(window: Window) -> None:
    """All first, then one less: so each time something changes, which can be undone."""
    start = window.url
    for wanted in (True, False):
        window.goto(start)
        window.locator("#tips").set_checked(wanted)
        window.get_by_role("button", name="Save").click()
        # A click does not wait for the page that follows: what comes next would meet half of it, or undo it.
        window.get_by_role("status").wait_for()
