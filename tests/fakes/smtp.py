"""A fake mail server: real sockets, RFC 5321 as far as senders use it, and it can fail at every stage.

It runs in a thread of its own with an event loop (`with FakeSmtp() as fake`).
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Literal, Self

from keepwell.message_ids import KEY_HEADER

USER, PASSWORD = "keepwell@brightdesk.example", "a-password-for-tests"

Stage = Literal["connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "content", "dot", "quit"]
"""Where something may go wrong; "content" is while the message comes in, "dot" after its final dot."""


@dataclass(frozen=True)
class Upset:
    """What is done at a stage instead of what is right: an answer of another kind, silence, or a hang-up.

    At "dot", `accepts` says whether the message was taken nevertheless. `per_byte` is the pause before each
    byte of the answer, in seconds. It is done to so many connections as `times` says.
    """

    say: str = ""
    hang: bool = False
    close: bool = False
    accepts: bool = False
    per_byte: float = 0
    times: int | None = None


@dataclass(frozen=True)
class Mail:
    """A message that was accepted."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        return message_from_bytes(self.raw, policy=default)

    @property
    def key(self) -> str:
        """The ledger's key."""
        return str(self.message[KEY_HEADER] or "")


@dataclass
class _Session:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    encrypted: bool = False
    signed_in: bool = False
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    upsets: dict[Stage, Upset] = field(default_factory=dict)


class FakeSmtp:
    """The server on 127.0.0.1. `offers` are its extensions; with `sign_in` it takes mail from nobody else."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        sign_in: bool = False,
        offers: tuple[str, ...] = ("8BITMIME", "SMTPUTF8"),
    ) -> None:
        self.accepted: list[Mail] = []
        self.commands: list[str] = []
        self.upsets: dict[Stage, Upset] = {}
        self.port = 0
        self._tls, self._implicit, self._sign_in, self._offers = tls, implicit, sign_in, offers
        self._loop = asyncio.new_event_loop()
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60), "the mail server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def upset(self, stage: Stage, **how: object) -> None:
        """Let something go wrong at a stage, in every connection from now on or in the next `times`."""
        self.upsets[stage] = Upset(**how)  # type: ignore[arg-type]  # checked by the dataclass's users

    def counts(self) -> Counter[str]:
        """How often a message was accepted, by the ledger's key."""
        return Counter(one.key for one in self.accepted)

    async def _serve(self) -> None:
        tls = self._tls if self._implicit else None
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _upsets_now(self) -> dict[Stage, Upset]:
        """What goes wrong in one connection; what was for so many is used up."""
        found = {stage: one for stage, one in self.upsets.items() if one.times != 0}
        for stage, one in found.items():
            self.upsets[stage] = replace(one, times=one.times - 1 if one.times else None)
        return found

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(reader, writer, encrypted=self._implicit, upsets=self._upsets_now())
        try:
            if await self._answer(session, "connect", "220 mail.example ESMTP"):
                while line := await reader.readline():
                    if not await self._command(session, line.decode(errors="replace").strip()):
                        break
        except (OSError, asyncio.IncompleteReadError):
            # Who spoke to us has gone.
            return
        finally:
            writer.close()

    async def _command(self, session: _Session, line: str) -> bool:
        """One command; False where the connection is over."""
        verb = line[:4].upper()
        self.commands.append(verb + line[4:])
        match verb:
            case "EHLO" | "HELO":
                return await self._answer(session, "ehlo", self._greeting(session))
            case "STAR":
                return await self._start_tls(session)
            case "AUTH":
                return await self._auth(session, line)
            case "MAIL":
                refused = self._sign_in and not session.signed_in
                session.sender = _path(line)
                return await self._answer(session, "mail", "530 5.7.0 Sign in" if refused else "250 2.1.0 Ok")
            case "RCPT":
                session.recipients.append(_path(line))
                return await self._answer(session, "rcpt", "250 2.1.5 Ok")
            case "DATA":
                return await self._data(session)
            case "QUIT":
                await self._answer(session, "quit", "221 2.0.0 Bye")
                return False
        return await self._say(session, "500 5.5.2 What?")

    def _greeting(self, session: _Session) -> str:
        names = [*self._offers]
        if self._tls and not session.encrypted:
            names.append("STARTTLS")
        if self._sign_in:
            names.append("AUTH PLAIN")
        lines = ["mail.example", *names]
        return "\r\n".join(f"250{'-' if one is not lines[-1] else ' '}{one}" for one in lines)

    async def _start_tls(self, session: _Session) -> bool:
        if not await self._answer(session, "starttls", "220 2.0.0 Go ahead"):
            return False
        if "starttls" in session.upsets:
            return True
        assert self._tls is not None
        await session.writer.start_tls(self._tls)
        session.encrypted = True
        return True

    async def _auth(self, session: _Session, line: str) -> bool:
        _, name, given = base64.b64decode(line.rpartition(" ")[2]).decode().split("\0")
        session.signed_in = (name, given) == (USER, PASSWORD)
        right = "235 2.7.0 Welcome" if session.signed_in else f"535 5.7.8 No such user or password {given}"
        return await self._answer(session, "auth", right)

    async def _data(self, session: _Session) -> bool:
        if not await self._answer(session, "data", "354 Go on"):
            return False
        if "data" in session.upsets:
            return True
        if "content" in session.upsets:
            # Some of the message is in the buffers of the connection; nobody has read it.
            return await self._answer(session, "content", "")
        lines: list[bytes] = []
        while (line := await session.reader.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line.removeprefix(b"."))
        upset = session.upsets.get("dot", Upset(accepts=True))
        if upset.accepts or upset.say.startswith("2"):
            self.accepted.append(Mail(session.sender, tuple(session.recipients), b"".join(lines)))
        return await self._answer(session, "dot", "250 2.0.0 Ok: queued as 4Dz")

    async def _answer(self, session: _Session, stage: Stage, right: str) -> bool:
        """What is right, or what a test wants instead; False where the connection is over."""
        upset = session.upsets.get(stage)
        if upset is None:
            return await self._say(session, right)
        if upset.hang:
            await self._stop.wait()
            return False
        if upset.close:
            session.writer.transport.abort()
            return False
        for byte in f"{upset.say or right}\r\n".encode() if upset.per_byte else b"":
            await asyncio.sleep(upset.per_byte)
            session.writer.write(bytes([byte]))
        return True if upset.per_byte else await self._say(session, upset.say)

    async def _say(self, session: _Session, words: str) -> bool:
        session.writer.write(f"{words}\r\n".encode())
        await session.writer.drain()
        return True


def _path(line: str) -> str:
    return line[line.index("<") + 1 : line.index(">")]
