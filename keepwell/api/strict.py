"""Strict input: a misspelt parameter, another kind of body, a number or a letter that is none.

What is not understood is refused: a filter that nobody reads would show everything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final

from fastapi import Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection

_SUSPICIOUS: Final = re.compile(rb"NaN|Infinity|[eE]\+?\d{3}|\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]|\x00")
"""Only a body with one of these can hold a number that JSON does not know, or one beyond all bounds, or half
of a letter; or be written in something else than UTF-8. Each field says itself what it thinks of a NUL."""

_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")
"""PostgreSQL keeps no NUL, and halves of letters cannot be written down at all."""

_HALF: Final = re.compile("[\ud800-\udfff]")
UNFIT: Final = "must not hold NUL characters or halves of letters"
REFUSED: Final = 1008
"""How a WebSocket is refused whose address is none."""

_JSON: Final = re.compile(r"application/(json|[\w.+-]+\+json)\s*(;.*)?", re.IGNORECASE)
_known: dict[int, tuple[APIRoute, frozenset[str]]] = {}


async def strict(request: Request) -> None:
    """The dependency of all routes of the API.

    Raises:
        RequestValidationError: a parameter is none of the route's, or a number is none of JSON's.
        HTTPException: the body is no JSON (415).
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = _parameters(route)
    if unknown := [name for name in dict.fromkeys(request.query_params) if name not in known]:
        raise RequestValidationError([_unknown(name, known) for name in unknown])
    if route.body_field is None or isinstance(route.body_field.field_info, params.Form):
        return
    body = await request.body()
    kind = request.headers.get("content-type", "")
    if body and not _JSON.fullmatch(kind):
        said = repr(kind.partition(";")[0][:60]) if kind else "nothing"
        raise HTTPException(415, f"The body has to be application/json; its Content-Type says {said}.")
    if _SUSPICIOUS.search(body):
        _check(body)


async def storable_address(connection: HTTPConnection) -> None:
    """The dependency of routes that look something up: nothing in the address that no database holds.

    Raises:
        RequestValidationError: a part of the path or query is such.
        WebSocketException: the same, of a WebSocket's.
    """
    asked = [("query", name, value) for name, value in connection.query_params.multi_items()]
    parts = [("path", name, str(value)) for name, value in connection.path_params.items()] + asked
    wrong = [(place, name) for place, name, value in parts if _UNFIT.search(name + value)]
    if wrong and connection.scope["type"] == "websocket":
        raise WebSocketException(REFUSED, UNFIT)
    if wrong:
        raise RequestValidationError([_unfit(place, name[:80]) for place, name in wrong])


def _check(body: bytes) -> None:
    """Refuse a number or letter that is none, wherever it stands."""
    try:
        if b"\x00" in body:
            raise ValueError("UTF-8 without a NUL is what JSON is written in")
        read = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "The body has to be JSON in UTF-8, and not nested too deeply.") from error
    if wrong := next((place for place, text in _texts(read) if _HALF.search(text)), None):
        raise RequestValidationError([_unfit(*wrong)])


def _texts(read: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """All texts in what was read, names of fields too, each with its place."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [(("body",), read)]
    while waiting:
        place, one = waiting.pop()
        if isinstance(one, str):
            yield place, one
        elif isinstance(one, dict):
            yield from ((place, name) for name in one)
            waiting += [((*place, name[:80]), value) for name, value in one.items()]
        elif isinstance(one, list):
            waiting += [((*place, at), value) for at, value in enumerate(one)]


def _unfit(*place: str | int) -> dict[str, object]:
    # The name may be what is wrong: it stands in the answer as what can be written down.
    shown = tuple(_UNFIT.sub("\ufffd", part) if isinstance(part, str) else part for part in place)
    return {"type": "unfit_text", "loc": shown, "msg": UNFIT, "input": None}


def _parameters(route: APIRoute) -> frozenset[str]:
    kept = _known.get(id(route))
    if kept is None or kept[0] is not route:
        fields = [(one.alias, one.field_info) for one in get_flat_params(route.dependant)]
        asked = [(alias, info) for alias, info in fields if isinstance(info, params.Query)]
        names = frozenset(name for alias, info in asked for name in _names(alias, info))
        kept = _known[id(route)] = (route, names)
    return kept[1]


def _names(alias: str, info: params.Query) -> list[str]:
    """What a parameter is called; a model stands for its fields."""
    model = info.annotation
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [str(one.validation_alias or one.alias or name) for name, one in model.model_fields.items()]
    return [alias]


def _unknown(name: str, known: frozenset[str]) -> dict[str, object]:
    near = get_close_matches(name, known, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(sorted(known))}."
    text = "There is no such parameter." + (meant if known else " This takes none.")
    return {"type": "unknown_parameter", "loc": ("query", name[:80]), "msg": text, "input": None}


def _finite(text: str) -> float:
    number = float(text)
    return number if abs(number) != float("inf") else _refuse(text)


def _refuse(text: str) -> float:
    wrong = {"type": "no_number", "loc": ("body",), "msg": f"{text[:20]} is no number here.", "input": None}
    raise RequestValidationError([wrong])
