"""What the databases are told in words of their own means the same to each of them."""

from __future__ import annotations

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories.views_portfolio import portfolio
from keepwell.db.repositories.views_portfolio_lines import PortfolioFilter
from tests.unit.db.world import NOW, World

NAMES = ("Acme 100%", "Beta_x", "Charlie/acm")


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    for name in NAMES:
        made.customer(name[:1].lower(), name=name)
    return made


def found(world: World, text: str) -> list[str]:
    """The names of the customers that a search finds."""
    with world.store.read() as session:
        page = portfolio(session, world.organisation, PortfolioFilter(search=text), now=NOW)
    return sorted(one.name for one in page.lines)


def test_a_text_is_looked_for_as_it_stands_whatever_its_case(world: World) -> None:
    """One after the other: the statement is put together once, and each time asks for another text."""
    assert found(world, "ACM") == ["Acme 100%", "Charlie/acm"]
    assert found(world, "acme") == ["Acme 100%"]
    assert found(world, "0%") == ["Acme 100%"]
    assert found(world, "_") == ["Beta_x"]
    assert found(world, "e/A") == ["Charlie/acm"]
    assert found(world, "//") == []
    assert found(world, "zz") == []
