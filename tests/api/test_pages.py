"""Two organisations in one store: no page of the console shows anything of the other's, by whatever id.

The pages come from the application's routers, so a new one is asked too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import pytest
from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import SecretStr

from keepwell.api.door import Door
from keepwell.contracts.access import Role
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import ROUTERS, create_app
from tests.api.everything import MARK, House
from tests.unit.api.callers import sign_in

PUBLIC = "https://keepwell.example"
BROWSER = {"Accept": "text/html"}

PATHS: Mapping[str, tuple[str, str]] = {
    "contact": ("contact", "id"),
    "customer": ("customer", "id"),
    "delivery": ("webhook_delivery", "id"),
    "draft": ("draft", "id"),
    "intervention": ("intervention", "id"),
    "letter_id": ("inbound_message", "id"),
    "message": ("delivery", "key"),
    "offer": ("offer", "id"),
}
"""Which row a placeholder names."""

NO_ROW = {"name", "number", "rehearsal_id", "scorecard", "step"}
"""Placeholders that name none: playbooks, jobs of a process, what belongs to all."""

NAMED = (("customer", "id"), ("customer", "external_id"), ("staff", "id"), ("intervention", "id"))
"""What a query may name."""

READ_BY_THE_PAGE = {"search", "level", "owner", "segment", "plan", "cursor", "at"}
"""Parameters that the portfolio reads from its address itself."""


def _asked(route: APIRoute) -> set[str]:
    fields = get_flat_params(route.dependant)
    return {one.alias for one in fields if isinstance(one.field_info, params.Query)}


PAGES = {
    route.path: _asked(route)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and route.path.startswith("/console")
}
WITH_ROW = [path for path in PAGES if set(re.findall(r"\{(\w+)", path)) & set(PATHS)]


@pytest.fixture(scope="module")
def browser(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Signed in as an admin of the own organisation."""
    home = tmp_path_factory.mktemp("pages")
    settings = Settings(home=home, public_url=PUBLIC, rate_caller=0, rate_address=0)
    door = Door(settings=settings, store=house.store, links=Links(SecretStr("k" * 40), PUBLIC))
    with TestClient(create_app(door), base_url=PUBLIC, follow_redirects=False) as asked:
        sign_in(asked, house.store, house.own, Role.ADMIN, staff="dana")
        yield asked


def test_every_placeholder_is_known() -> None:
    named = {name for path in PAGES for name in re.findall(r"\{(\w+)", path)}
    assert named - set(PATHS) - NO_ROW == set(), "say whose id it is, or that it is none"
    assert len(PAGES) > 30


def _filled(house: House, path: str, organisation: str) -> str:
    def one(hit: re.Match[str]) -> str:
        if hit[1] not in PATHS:
            return "none"
        table, column = PATHS[hit[1]]
        return quote(str(house.rows(table, organisation)[0][column]), safe="/")

    return re.sub(r"\{(\w+)[^}]*\}", one, path)


@pytest.mark.parametrize("path", WITH_ROW)
def test_somebody_elses_id_is_unknown(house: House, browser: TestClient, path: str) -> None:
    answer = browser.get(_filled(house, path, house.other), headers=BROWSER)
    # A part may first miss what it needs besides.
    assert answer.status_code in (404, 422), path
    if "step" not in path and answer.status_code == 404:
        assert browser.get(_filled(house, path, house.own), headers=BROWSER).status_code == 200, path


@pytest.mark.parametrize("path", list(PAGES))
def test_nothing_of_the_others_is_shown(house: House, browser: TestClient, path: str) -> None:
    own = _filled(house, path, house.own)
    plain = browser.get(own, headers=BROWSER)
    assert plain.status_code < 500
    assert MARK not in plain.text
    asked = PAGES[path] | (READ_BY_THE_PAGE if "portfolio" in path else set())
    for name in sorted(asked):
        for table, column in NAMED:
            value = str(house.rows(table, house.other)[0][column])
            answer = browser.get(own, params={name: value}, headers=BROWSER)
            assert answer.status_code < 500, (name, value)
            # What was asked for may be repeated, whatever its case.
            said = re.sub(re.escape(value), "", answer.text, flags=re.IGNORECASE)
            assert MARK not in said, (name, value)
