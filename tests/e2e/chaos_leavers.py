"""Contacts who want no more messages, in the chaos test: by every way there is, at any moment.

Whoever does not get an answer says it again. What counts is the moment at which the answer came: from then
on Keepwell has promised something.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from sqlalchemy import select
from sqlmodel import col

from keepwell.contracts.people import Consent, Purpose, SuppressionReason
from keepwell.db.engine import Store
from keepwell.db.repositories import suppressing, wishes
from keepwell.db.tables import Contact, Delivery
from keepwell.errors import StoreError
from keepwell.links import Links, preferences_url, unsubscribe_url
from tests.e2e.chaos_post import Letter, Post
from tests.e2e.chaos_stories import POINTS
from tests.e2e.chaos_web import Web, run
from tests.unit.api.test_preferences import ONE_CLICK, form

LEAVE = 0.4
"""The share of contacts who leave."""

EVERY = 0.25
"""Seconds between two looks at what is under way."""

UNDER_WAY, LETTER, TIME = "a message is under way", "a letter has come", "some time has passed"
MOMENTS = {UNDER_WAY: 5, LETTER: 3, TIME: 2}
FORM = {"content-type": "application/x-www-form-urlencoded"}
ALL = "everything"
ADDRESS = "the address"


@dataclass(frozen=True)
class Receipt:
    """Somebody was told, at this real time (Unix), that this is not sent any more.

    That is purposes, ALL, or what goes to the ADDRESS.
    """

    contact: str
    wanted_no_more: frozenset[str]
    at: float
    way: str


@dataclass
class Leavers:
    """`receipts` are the opt-outs that were confirmed."""

    web: Web
    store: Store
    links: Links
    post: Post
    seed: int
    receipts: list[Receipt] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    _seen: dict[str, float] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Look who is there and what is under way, for ever; start what follows."""
        while True:
            with suppress(StoreError):
                contacts, busy = await asyncio.to_thread(self._look)
                for contact in contacts:
                    self._seen.setdefault(contact, time.time())
                read = {letter.recipient: letter for letter in self.post.letters}
                self._start(contacts - self._tasks.keys(), busy, read)
            for task in self._tasks.values():
                if task.done():
                    task.result()
            await asyncio.sleep(EVERY)

    def _look(self) -> tuple[set[str], set[str]]:
        query = select(col(Delivery.recipient_id)).where(
            col(Delivery.recipient_kind) == "contact", col(Delivery.state).in_(("planned", "sending"))
        )
        with self.store.read() as session:
            connection = session.connection()
            contacts = set(connection.execute(select(col(Contact.id))).scalars())
            return contacts, set(connection.execute(query).scalars())

    def _start(self, contacts: Iterable[str], busy: set[str], read: dict[str, Letter]) -> None:
        for contact in sorted(contacts):
            chance = random.Random(f"{self.seed} {contact} leaves")
            if chance.random() >= LEAVE:
                continue
            (moment,) = chance.choices([*MOMENTS], [*MOMENTS.values()])
            come = {
                UNDER_WAY: contact in busy,
                LETTER: contact in read,
                TIME: time.time() > self._seen[contact] + chance.uniform(0, 40),
            }
            if come[moment]:
                self.done[moment] += 1
                (way,) = chance.choices([*WAYS], [*WAYS.values()])
                leaving = way(self, contact, chance, read.get(contact))
                self._tasks[contact] = asyncio.ensure_future(leaving)

    async def finish(self) -> None:
        """Let everybody who is leaving have an answer."""
        await asyncio.gather(*self._tasks.values())

    def cancel(self) -> None:
        """Stop them all."""
        for task in self._tasks.values():
            task.cancel()

    def _noted(self, contact: str, way: str, *wanted_no_more: str) -> None:
        self.receipts.append(Receipt(contact, frozenset(wanted_no_more), time.time(), way))
        self.done[way] += 1

    async def one_click(self, contact: str, chance: random.Random, letter: Letter | None) -> None:
        """A mail program's button (RFC 8058): by the letter's own header, where one has come."""
        purpose = chance.choice((Purpose.ACCOUNT, Purpose.ACCOUNT, Purpose.OFFERS))
        page = unsubscribe_url(self.links, contact, purpose)
        if letter is not None:
            [page] = re.findall(r"<(http[^>]+)>", letter.content["headers"]["List-Unsubscribe"])
            risk = letter.key.split("/")[2].partition("@")[0] in POINTS
            purpose = Purpose.ACCOUNT if risk else Purpose.OFFERS
        await asyncio.sleep(chance.uniform(0, 0.3))
        answer = await self.web.insist("POST", page, data=ONE_CLICK)
        assert answer.status_code == 200, answer.text
        self._noted(contact, "one-click", purpose)

    async def page(self, contact: str, chance: random.Random, letter: Letter | None) -> None:
        """The preferences page: fewer purposes, or none at all."""
        page = preferences_url(self.links, contact)
        assert (await self.web.insist("GET", page)).status_code == 200
        nothing = chance.random() < 0.4
        fields = [("do", "save"), *([("none", "yes")] if nothing else [("wanted", Purpose.TIPS.value)])]
        answer = await self.web.insist("POST", page, content=urlencode(fields), headers=FORM)
        assert answer.status_code == 200, answer.text
        self._noted(contact, "page", *((ALL,) if nothing else (Purpose.ACCOUNT, Purpose.OFFERS)))

    async def page_and_back(self, contact: str, chance: random.Random, letter: Letter | None) -> None:
        """The page, and undone at once: nothing was promised for good."""
        page = unsubscribe_url(self.links, contact, Purpose.ACCOUNT)
        stop = urlencode([("do", "stop")])
        answer = await self.web.insist("POST", page, content=stop, headers=FORM)
        if 'value="undo"' in answer.text:
            await asyncio.sleep(chance.uniform(0, 1))
            await self.web.insist("POST", page, content=urlencode(form(answer.text, "undo")), headers=FORM)
        self.done["page, undone"] += 1

    async def command(self, contact: str, chance: random.Random, letter: Letter | None) -> None:
        """`keepwell contact`, by somebody whom they have called."""
        address, why = f"{contact}@customer.example", ("--why", "They called", "--by", "dana")
        nothing = chance.random() < 0.5
        words = ("withdraw", address) if nothing else ("unsubscribe", address, Purpose.ACCOUNT.value)
        while await run(self.web.settings, "contact", *words, *why) != 0:  # noqa: ASYNC110  (it is asked)
            await asyncio.sleep(0.5)
        self._noted(contact, "command", ALL if nothing else Purpose.ACCOUNT)

    async def by_hand(self, contact: str, chance: random.Random, letter: Letter | None) -> None:
        """What other ways in do with the store: consent, a purpose, or the address."""
        what = chance.choice((ALL, Purpose.ACCOUNT.value, ADDRESS))
        while True:
            with suppress(StoreError):
                await asyncio.to_thread(self._write, contact, what)
                self._noted(contact, "by hand", what)
                return
            await asyncio.sleep(0.3)

    def _write(self, contact: str, what: str) -> None:
        source, by, now = "chaos", "dana", datetime.now(UTC)
        with self.store.write() as session:
            row = session.get_one(Contact, contact)
            if what == ALL:
                wishes.set_consent(session, row, Consent.DENIED, source=source, by=by, now=now)
            elif what == ADDRESS:
                why = SuppressionReason.MANUAL
                suppressing.suppress(
                    session, row.organisation_id, row.email, why, source=source, by=by, now=now
                )
            else:
                wishes.set_preference(session, row, Purpose(what), False, source=source, by=by, now=now)


Way = Callable[[Leavers, str, random.Random, Letter | None], Awaitable[None]]
WAYS: dict[Way, int] = {
    Leavers.one_click: 5,
    Leavers.page: 3,
    Leavers.page_and_back: 2,
    Leavers.command: 1,
    Leavers.by_hand: 3,
}
"""How people leave, and how often each."""
