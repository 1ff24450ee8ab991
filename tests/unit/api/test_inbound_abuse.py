"""Letters that nobody should have sent, or that are written in odd ways: read as far as they can be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from keepwell.db.tables import InboundMessage, Task
from tests.unit.api.letters import PATH, answers, asked, letter, post, replied, rows, world
from tests.unit.db.mailed import ADDRESS
from tests.unit.db.world import World

__all__ = ["asked", "world"]


def test_a_page_is_read_as_text(asked: TestClient, world: World) -> None:
    page = (
        "<html><head><style>p{}</style><script>alert(1)</script></head><body><p>Yes,<br>Monday.</p>"
        "<blockquote>old words</blockquote></body>"
    )
    post(asked, letter(text="", html=page))
    assert answers(world)[0].command["note"] == "Yes, Monday."


def test_letters_in_other_charsets_are_read(asked: TestClient, world: World) -> None:
    charsets = '{"text": "iso-8859-1", "subject": "koi8-r"}'
    post(asked, letter(text="Grüße".encode("latin-1"), subject="привет".encode("koi8-r"), charsets=charsets))
    [kept] = rows(world, InboundMessage)
    assert (kept.text, kept.subject) == ("Grüße", "привет")


@pytest.mark.parametrize("charset", ["zlib_codec", "punycode", "unicode_escape", "no-such", "rot13", "utf-7"])
def test_what_is_no_alphabet_is_not_decoded(charset: str, asked: TestClient, world: World) -> None:
    post(asked, letter(text="\\u0041 +AGE-", charsets=json.dumps({"text": charset})))
    assert rows(world, InboundMessage)[0].text == "\\u0041 +AGE-"


def test_nothing_that_comes_in_begins_a_line_or_a_header(asked: TestClient, world: World) -> None:
    evil = "Re: hi\r\nBcc: all@acme.example\x00\x1b[31m\u202e"
    post(
        asked, letter(subject=evil, **{"from": f"Pat\r\nX: y\x1b]0;t\x07 <{ADDRESS}>"}, text="a\x00b\x1b[2Jc")
    )
    [kept] = rows(world, InboundMessage)
    shown = [kept.subject, kept.from_name, kept.text, rows(world, Task)[0].title, replied(world)[0].text]
    assert all(char.isprintable() for text in shown for char in text)
    assert kept.text == "ab[2Jc"


def test_script_in_a_letter_is_only_text(asked: TestClient, world: World) -> None:
    post(asked, letter(subject="<script>alert(1)</script>", text="<img src=x onerror=alert(1)>"))
    assert answers(world)[0].command["note"] == "<img src=x onerror=alert(1)>"


def test_a_very_long_letter_is_cut(asked: TestClient, world: World) -> None:
    references = " ".join(f"<{number}/x@y.example>" for number in range(20_000))
    post(
        asked, letter(text="long words " * 200_000, subject="s" * 10_000, head=f"References: {references}\n")
    )
    [kept] = rows(world, InboundMessage)
    assert (len(kept.text) <= 100_000, len(kept.subject)) == (True, 500)
    assert len(answers(world)[0].command["note"]) <= 500


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("application/x-www-form-urlencoded", b"from=x"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"no form at all"),
        ("", b""),
    ],
)
def test_what_is_no_form_is_refused(content_type: str, body: bytes, asked: TestClient, world: World) -> None:
    answer = asked.post(PATH, content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 422
    assert rows(world, InboundMessage) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"envelope": "no json"},
        {"envelope": "[1]"},
        {"envelope": json.dumps({"to": "x", "from": 7})},
        {"envelope": json.dumps({"to": [None, 7, "x"], "from": ["y"]})},
        {"charsets": "[" * 50_000},
        {"dkim": "{" * 10_000},
        {"SPF": "x" * 10_000},
        {"headers": "\n\nnot headers\n: \x00"},
        {"to": "<" * 5_000},
    ],
    ids=lambda fields: repr(fields)[:40],
)
def test_odd_fields_bring_nothing_down(fields: dict[str, Any], asked: TestClient, world: World) -> None:
    assert post(asked, letter(**fields)).status_code == 204
    assert len(rows(world, InboundMessage)) == 1


def test_too_much_is_refused(asked: TestClient, world: World) -> None:
    assert asked.post(PATH, content=b"x" * 32_000_001).status_code == 413
    assert rows(world, InboundMessage) == []
