"""Answers that a caller may already have: an ETag, and a 304 for who names it."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from typing import Any, Final

from fastapi import HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel

NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "As the caller has it already (If-None-Match)"}
}
"""What an endpoint documents that uses `answer`."""


def answer(
    request: Request, model: BaseModel, *, vary: str = "Authorization, Cookie", but: Collection[str] = ()
) -> Response:
    """The model as JSON with an ETag; a 304 without a body where the caller has it already.

    `but` names fields that do not make it another answer: an earlier value of theirs does as well.
    """
    return tagged(request, _body(model), "application/json", vary=vary, known=_body(model, but))


def tagged(request: Request, body: bytes, kind: str, *, vary: str, known: bytes | None = None) -> Response:
    """Any body with an ETag of it, or of what it is `known` by; private, and asked for again each time."""
    tag = _tag(body if known is None else known)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": vary}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def tag_of(model: BaseModel) -> str:
    """The ETag with which `answer` gives this model, for `If-Match` of a change to it."""
    return _tag(_body(model))


def require_match(wanted: str, model: BaseModel) -> None:
    """Refuse a change of what has changed since it was read; `wanted` is `If-Match`, and "" lets anything go.

    Raises:
        HTTPException: 412, where the header names another state than this model.
    """
    if wanted.strip() not in ("", "*") and tag_of(model) not in wanted:
        raise HTTPException(412, "It has changed since it was read. Read it again, then change it.")


def _body(model: BaseModel, but: Collection[str] = ()) -> bytes:
    return model.model_dump_json(by_alias=True, exclude=set(but)).encode()


def _tag(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()[:32]}"'
