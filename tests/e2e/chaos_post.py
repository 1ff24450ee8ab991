"""SendGrid's side of the chaos test: it reports what became of each email, late, twice and in any order.

It behaves as the real one does: signed requests with events of many messages, sent again where the answer is
no 2xx, and now and then where it was one. Some events wait until everything else is over.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keepwell.adapters.sendgrid import KEY_ARGUMENT
from tests.e2e.chaos_web import Web
from tests.unit.api.test_sendgrid_events import PATH, body_of, signed

FATES: Mapping[tuple[str, ...], int] = {
    ("delivered",): 30,
    ("delivered", "open"): 15,
    ("delivered", "open", "click"): 10,
    ("deferred", "delivered"): 8,
    ("bounce",): 6,
    ("blocked",): 4,
    ("delivered", "bounce"): 3,
    ("dropped",): 4,
    ("delivered", "spamreport"): 4,
    ("delivered", "open", "unsubscribe"): 5,
    ("delivered", "group_unsubscribe"): 5,
}
"""What becomes of a message, and how often of a hundred; "blocked" is a bounce of that type."""

PROCESSED = 0.7
"""The share of messages of which SendGrid also says that it took them."""

TWICE = 0.35
"""The share of batches that come again although they were answered."""

VERY_LATE = 0.12
"""The share of events that come when all is over."""

AT_ONCE = 4
"""Batches on their way at the same time."""

EVERY = 0.4
"""Seconds between two looks at what is due."""


@dataclass(frozen=True)
class Letter:
    """An email that SendGrid took, at a real time (Unix)."""

    key: str
    at: float
    content: dict[str, Any]

    @property
    def recipient(self) -> str:
        """The id of whom it is to."""
        return self.key.split("/")[4]


@dataclass
class Post:
    """`letters` are all that were taken, `planned` the events of them, by their id: key and name."""

    web: Web
    log: Path
    seed: int
    letters: list[Letter] = field(default_factory=list)
    planned: dict[str, tuple[str, str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    _due: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    _late: list[dict[str, Any]] = field(default_factory=list)
    _read: int = 0
    _finishing: bool = False

    def look(self) -> None:
        """Take notice of emails that were taken since the last look."""
        if not self.log.exists():
            return
        with self.log.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            taken = json.loads(line)
            letter = Letter(taken["key"], taken["at"], taken["content"])
            # What tells people of alerts is no message of an intervention.
            if letter.key.count("/") == 5:
                self.letters.append(letter)
                self._plan(letter)

    def _plan(self, letter: Letter) -> None:
        """Draw the letter's fate, and when SendGrid tells each part of it."""
        chance = random.Random(f"{self.seed} {letter.key.split('/')[3:]} fate")
        (fate,) = chance.choices([*FATES], [*FATES.values()])
        names = (*(("processed",) if chance.random() < PROCESSED else ()), *fate)
        for number, name in enumerate(names):
            identifier = f"{len(self.letters)}-{number}-{name}"
            event = {
                "event": "bounce" if name == "blocked" else name,
                "sg_event_id": identifier,
                "sg_message_id": f"{len(self.letters)}.filter0001.16648.5515E0B88.0",
                "timestamp": int(letter.at),
                KEY_ARGUMENT: letter.key,
                **({"type": "blocked"} if name == "blocked" else {}),
                **(
                    {"reason": chance.choice(("Bounced Address", "Spam Content"))}
                    if name == "dropped"
                    else {}
                ),
            }
            self.planned[identifier] = (letter.key, name)
            if chance.random() < VERY_LATE:
                self._late.append(event)
            else:
                self._due.append((time.time() + chance.choice((0.0, 0.5, 3.0, 15.0)), event))

    async def run(self) -> None:
        """Tell what is due, until it is stopped."""
        chance = random.Random(f"{self.seed} post")
        while not self._finishing:
            self.look()
            await self._tell(chance, time.time())
            await asyncio.sleep(EVERY)

    def stop(self) -> None:
        """Let `run` come to its end: what is on its way arrives."""
        self._finishing = True

    async def finish(self, *, late: bool) -> None:
        """Tell all that is left, now; with `late` also what was to come when everything is over."""
        chance = random.Random(f"{self.seed} {late}")
        self.look()
        if late:
            self._due += [(0.0, event) for event in self._late]
            self._late.clear()
        while self._due:
            await self._tell(chance, float("inf"), again=False)
            await asyncio.sleep(EVERY if self._due else 0)

    async def _tell(self, chance: random.Random, until: float, *, again: bool = True) -> None:
        events = [event for at, event in self._due if at <= until]
        self._due = [(at, event) for at, event in self._due if at > until]
        chance.shuffle(events)
        batches = []
        while events:
            size = chance.randint(1, 8)
            batches.append(events[:size])
            events = events[size:]
            # The same request twice at the same time, too.
            batches += [batches[-1]] * (chance.random() < TWICE / 2)
        for start in range(0, len(batches), AT_ONCE):
            some = batches[start : start + AT_ONCE]
            if not any(await asyncio.gather(*(self._post(chance, one, again) for one in some))):
                # Nobody is there: the others wait, too.
                for one in batches[start + AT_ONCE :]:
                    self._later(chance, one)
                return

    def _later(self, chance: random.Random, batch: list[dict[str, Any]]) -> None:
        """Each of them once: copies must not multiply while nobody answers."""
        known = {event["sg_event_id"] for _, event in self._due}
        new = [event for event in batch if event["sg_event_id"] not in known]
        self._due += [(time.time() + chance.uniform(0.3, 2), event) for event in new]

    async def _post(self, chance: random.Random, batch: list[dict[str, Any]], again: bool) -> bool:
        body = body_of(*batch)
        answer = await self.web.ask("POST", PATH, content=body, headers=signed(body))
        if answer is None:
            self._later(chance, batch)
        elif answer.status_code != 204:
            self.wrong.append(f"{PATH} answered {answer.status_code}: {answer.text[:200]}")
        elif again and chance.random() < TWICE:
            self._due += [(time.time() + chance.uniform(0, 10), event) for event in batch]
        return answer is not None
