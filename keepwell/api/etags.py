"""Answers that a caller may already have: an ETag, and a 304 for who names it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "As the caller has it already (If-None-Match)"}
}
"""What an endpoint documents that uses `answer`."""


def answer(request: Request, model: BaseModel, *, vary: str = "Authorization, Cookie") -> Response:
    """The model as JSON with an ETag; a 304 without a body where the caller has it already."""
    return tagged(request, model.model_dump_json(by_alias=True).encode(), "application/json", vary=vary)


def tagged(request: Request, body: bytes, kind: str, *, vary: str) -> Response:
    """Any body with an ETag; private, and asked for again each time."""
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": vary}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)
