"""Writes docs/api.md, each endpoint with an example for curl: `python -m tests.api_page`.

`tests/unit/api/test_api_page.py` plays every example, and says when the page is old.
"""

from __future__ import annotations

import inspect
import json
from itertools import groupby
from pathlib import Path
from shlex import quote
from urllib.parse import quote as escaped
from urllib.parse import urlencode

from fastapi.routing import APIRoute

from tests.api_examples import body_of, parts_of
from tests.client_calls import method_of, named, routes

PAGE = Path(__file__).parent.parent / "docs" / "api.md"
FOLDER = PAGE.parent / "api"
BACK = "Written by `python -m tests.api_page`. What all endpoints have in common: [the API](../api.md)."
METHODS = ("GET", "PUT", "POST", "PATCH", "DELETE")
ENDING = ("/withdraw", "/close", "/stop", "/reassign")
HOST = "https://keepwell.example"

HEAD = """# The API

Written by `python -m tests.api_page` from the API itself: change the endpoint, then write it anew.

Every endpoint takes an API key, in the examples `$KEY`. Answers are JSON. A refusal is a problem (RFC 9457):
`title`, `status`, `detail`, `retryable`, and `errors` with the place of each wrong value. A list answers
`items` and `next`, the cursor of its next page. The whole of it with every field: `GET /openapi.json`.

Where a header `Idempotency-Key` is taken, the same request with the same key does nothing more, and gets the
first answer again, for a day. The same key with another request is refused (422), and while the first one is
at work, too (409). A command to an intervention is known by that key for good: with another command it is
refused (409).

Keys, lists, refusals, sending again and the client, with more examples: [working with the API](guide/api.md).
What changes is pushed by [live sockets](api-sockets.md). From Python there is a client with types:

```python
from keepwell import Client

with Client("https://keepwell.example", key="kw_…") as client:
    for line in client.customers.list(at_risk=True):
        print(line.name, line.score)
```

`keepwell.AsyncClient` is the same for asyncio. Calls that read, and those that take an Idempotency-Key (the
client makes one for each call, or takes yours), are tried again after 429, 503 and lost connections; every
other call only where nothing was done yet. Every other refusal is an `ApiError` with the problem's fields.
"""


def written() -> dict[Path, str]:
    """The page, and one of its own for each group."""
    by_group = sorted(routes(), key=_place)
    lines, pages = [], {}
    for group, members in groupby(by_group, key=lambda route: named(route)[0]):
        found, title = list(members), group.replace("_", " ").capitalize()
        name = f"{group.replace('_', '-')}.md"
        lines.append(f"| [{title}](api/{name}) | {', '.join(dict.fromkeys(_start(one) for one in found))} |")
        entries = "\n".join(_entry(route) for route in found)
        pages[FOLDER / name] = f"# {title}\n\n{BACK}\n\n{entries}"
    return {PAGE: f"{HEAD}\n| endpoints of | paths |\n|---|---|\n" + "\n".join(lines) + "\n", **pages}


def _start(route: APIRoute) -> str:
    """The part of a path before what stands for a thing."""
    return f"`{route.path.partition('/{')[0]}`"


def _place(route: APIRoute) -> tuple[str, int, int, str]:
    """Within a group: what is read, done, ended and taken away, so that the examples follow each other."""
    method, path = method_of(route), route.path
    stage = 3 if method == "DELETE" else 2 if path.endswith("/start") else int(path.endswith(ENDING))
    return named(route)[0], stage, METHODS.index(method), path


def _entry(route: APIRoute) -> str:
    text = (inspect.getdoc(route.endpoint) or "").split("\n\n")[0]
    return (
        f"## {method_of(route)} {route.path.replace(':path', '')}\n\n{' '.join(text.split())}\n\n"
        f"```sh\n{curl(route)}\n```\n"
    )


def curl(route: APIRoute) -> str:
    """The example: one request, as one types it."""
    path, query = parts_of(route)
    url = route.path.replace(":path", "")
    for name, value in path.items():
        url = url.replace(f"{{{name}}}", escaped(str(value), safe=""))
    if query:
        url += f"?{urlencode(query)}"
    method, body = method_of(route), body_of(route)
    pieces = ["curl", *([] if method == "GET" else ["-X", method]), quote(HOST + url)]
    pieces += ["-H", '"Authorization: Bearer $KEY"']
    if body is not None:
        pieces += ["\\\n  -H", "'Content-Type: application/json'", "-d"]
        pieces.append(quote(json.dumps(body, ensure_ascii=False)))
    return " ".join(pieces)


def main() -> None:
    """Write the pages, and take away those of groups that are no more."""
    pages = written()
    FOLDER.mkdir(exist_ok=True)
    for old in set(FOLDER.glob("*.md")) - set(pages):
        old.unlink()
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
