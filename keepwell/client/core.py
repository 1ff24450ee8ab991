"""Calls as values, and the two ways to make them: at once, or awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Concatenate, Final, Generic, Literal, ParamSpec, Protocol, TypeVar, overload
from urllib.parse import quote

P = ParamSpec("P")
T = TypeVar("T")


class Omitted(Enum):
    """A value that was not given: it stays as it is stored."""

    OMITTED = 0


OMITTED: Final = Omitted.OMITTED


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request. `answer` is the type of its JSON, None where there is none.

    In `body` what is OMITTED is left out. `keyed`: it takes an Idempotency-Key.
    """

    method: str
    path: str
    answer: Any
    query: Mapping[str, object] = field(default_factory=dict)
    body: Any = OMITTED
    headers: Mapping[str, str | None] = field(default_factory=dict)
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Listing(Call[Any], Generic[T]):
    """A request for a list's pages; `items` is where a page has its rows."""

    items: str = "items"

    def after(self, cursor: str) -> Listing[T]:
        """The request for the page behind a cursor."""
        return replace(self, query={**self.query, "cursor": cursor})


def at(path: str, **parts: object) -> str:
    """The path with its parts, escaped; `key__path` may hold slashes."""
    escaped = {
        name.removesuffix("__path"): quote(str(value), safe="/" if name.endswith("__path") else "")
        for name, value in parts.items()
    }
    return path.format(**escaped)


class Sends(Protocol):
    """Makes calls at once."""

    asynchronous: Literal[False]

    def send(self, call: Call[T]) -> T:
        """The call's answer."""
        ...


class SendsAsync(Protocol):
    """Makes calls that are awaited."""

    asynchronous: Literal[True]

    async def send(self, call: Call[T]) -> T:
        """The call's answer."""
        ...


Sender = TypeVar("Sender", Sends, SendsAsync)


class Group(Generic[Sender]):
    """Endpoints that belong together."""

    def __init__(self, sender: Sender) -> None:
        self.sender: Sender = sender


class endpoint(Generic[P, T]):  # noqa: N801  (a decorator)
    """A method that makes the call which the function describes."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[T]]) -> None:
        self._describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, group: Group[Sends], owner: type | None = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, group: Group[SendsAsync], owner: type | None = None) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, group: Any, owner: type | None = None) -> Any:
        """The method of one group."""
        if group is None:
            return self

        def made(*args: P.args, **given: P.kwargs) -> Any:
            return group.sender.send(self._describe(group, *args, **given))

        made.__doc__ = self.__doc__
        return made


class listing(Generic[P, T]):  # noqa: N801
    """A method that goes through all pages of a list, and gives its rows one by one."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Listing[T]]) -> None:
        self._describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, group: Group[Sends], owner: type | None = None) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(
        self, group: Group[SendsAsync], owner: type | None = None
    ) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, group: Any, owner: type | None = None) -> Any:
        """The method of one group."""
        if group is None:
            return self
        going = _through_async if group.sender.asynchronous else _through

        def made(*args: P.args, **given: P.kwargs) -> Any:
            return going(group.sender, self._describe(group, *args, **given))

        made.__doc__ = self.__doc__
        return made


def _through(sender: Sends, call: Listing[T]) -> Iterator[T]:
    while True:
        page = sender.send(call)
        yield from getattr(page, call.items)
        if not page.next:
            return
        call = call.after(page.next)


async def _through_async(sender: SendsAsync, call: Listing[T]) -> AsyncIterator[T]:
    while True:
        page = await sender.send(call)
        for row in getattr(page, call.items):
            yield row
        if not page.next:
            return
        call = call.after(page.next)
