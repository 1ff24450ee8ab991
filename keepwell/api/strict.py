"""Strict input of the JSON API: a misspelt parameter, another kind of body, a number that is none.

What is not understood is refused: a filter that nobody reads would show everything.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import Final

from fastapi import Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException

_SUSPICIOUS: Final = re.compile(rb"NaN|Infinity|[eE]\+?\d{3}")
"""Only a body with one of these can hold a number that JSON does not know, or one beyond all bounds."""

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
        json.loads(body, parse_constant=_refuse, parse_float=_finite)


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
