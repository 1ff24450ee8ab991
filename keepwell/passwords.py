"""People's passwords: hashed with Argon2id, long enough, and none of those that everybody tries first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from keepwell.errors import InputError, KeepwellError

SHORTEST: Final = 12
LONGEST: Final = 200
AT_ONCE: Final = 4
"""Each check takes 64 MiB: more of them at once would let anybody fill the memory."""

WAITING: Final = 12
"""Whoever comes when so many wait is asked to come again: else all of a server's threads might wait here."""

_hasher = PasswordHasher()
_turns = BoundedSemaphore(AT_ONCE)
_room = BoundedSemaphore(AT_ONCE + WAITING)
_EDGES = re.compile(r"^[^a-z]+|[^a-z]+$")
_REPEATED = re.compile(r"(.{1,6})\1+")


class TooManyPasswordsError(KeepwellError):
    """More passwords wait to be looked at than a process takes."""

    retryable = True


def check_password(password: str, *own: str) -> None:
    """Refuse a password that is easy to guess; `own` are words about the account: its address, its name.

    Raises:
        InputError: it is too short, too long, among the commonest, or little more than `own`.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise _unfit(f"it has {len(password)} characters", f"Take {SHORTEST} to {LONGEST} characters.")
    text = password.casefold()
    if text in commonest() or _EDGES.sub("", text) in commonest():
        raise _unfit(
            "it is one of those that are tried first", "Take some words that have nothing in common."
        )
    if len(set(text)) < 5 or _REPEATED.fullmatch(text):
        raise _unfit("it says the same again and again", "Take some words that have nothing in common.")
    rest = text
    words = {word for one in (*own, "keepwell") for word in re.split(r"[^\w]+", one.casefold())}
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "") if len(word) > 2 else rest
    if len("".join(rest.split())) < SHORTEST / 2:
        raise _unfit("it is little more than the name of the account", "Take words that others cannot guess.")


def hash_password(password: str) -> str:
    """What the store keeps of a password. Raises TooManyPasswordsError."""
    with _turn():
        return _hasher.hash(password)


def is_password(kept: str, password: str) -> bool:
    """Whether this is the password; it takes as long where nothing is kept, so that nobody learns that.

    Raises:
        TooManyPasswordsError: too many wait for such an answer already.
    """
    with _turn():
        try:
            return _hasher.verify(kept or _nobodys(), password) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Whether it was hashed with less effort than is usual today, so that it should be hashed again."""
    return _hasher.check_needs_rehash(kept)


@cache
def commonest() -> frozenset[str]:
    """Passwords that are tried first: those of 12 characters and more, and words that others begin with."""
    return frozenset(files("keepwell").joinpath("commonest_passwords.txt").read_text().split())


@contextmanager
def _turn() -> Iterator[None]:
    if not _room.acquire(blocking=False):
        raise TooManyPasswordsError("Too many sign in at once.", hint="Try again in a few seconds.")
    try:
        with _turns:
            yield
    finally:
        _room.release()


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody has this password")


def _unfit(why: str, hint: str) -> InputError:
    return InputError(f"This password will not do: {why}.", place="password", hint=hint)
