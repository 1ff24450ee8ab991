"""The few files that pages and widgets load: by name, nothing else of the disk."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import Response

router = APIRouter(include_in_schema=False)

KINDS = {
    "page.css": "text/css; charset=utf-8",
    "offer.js": "text/javascript; charset=utf-8",
}
WIDGET = "widget.js"
PARTS = ("words.js", "look.js", "line.js", "feed.js", "place.js")
"""What the widget is put together from, in this order: whoever embeds it has one script to load."""


@router.get("/static/{name}")
def static_file(request: Request, name: str) -> Response:
    """A file of a page of ours."""
    return _file(request, name, KINDS[name]) if name in KINDS else Response(status_code=404)


@router.get(f"/{WIDGET}")
def widget(request: Request) -> Response:
    """The in-app widget, for a script tag of somebody else's page."""
    answer = _file(request, WIDGET, "text/javascript; charset=utf-8")
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def _file(request: Request, name: str, kind: str) -> Response:
    content, tag = _content(name)
    headers = {
        "ETag": tag,
        "Cache-Control": "public, max-age=300, stale-while-revalidate=86400",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)


@cache
def _content(name: str) -> tuple[bytes, str]:
    static = files("keepwell.api").joinpath("static")
    if name == WIDGET:
        parts = "\n".join(static.joinpath("widget", part).read_text("utf-8") for part in PARTS)
        content = f'(function () {{\n"use strict";\n{parts}}})();\n'.encode()
    else:
        content = static.joinpath(name).read_bytes()
    return content, f'"{sha256(content).hexdigest()[:24]}"'
