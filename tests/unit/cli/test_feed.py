"""`keepwell feed token` and `keepwell offer rates`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from keepwell.contracts.offers import OfferKind, Terms
from keepwell.db.tables import Offer
from keepwell.links import Use, make_links
from keepwell.settings import load_settings
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import DAY, NOW, World


def test_a_token_is_for_the_named_contact_and_ends(cli: Cli, world: World) -> None:
    world.customer("acme")
    world.contact("lena", "acme")
    before = datetime.now(UTC)
    told = cli("feed", "token", "lena@customer.example", "--hours", "2")
    assert told.code == 0
    links = make_links(load_settings())
    assert links.read(Use.FEED, told.out.strip()) == {"contact": "lena"}
    until = links.ends(Use.FEED, told.out.strip())
    assert until is not None
    assert timedelta(hours=1.99) < until - before < timedelta(hours=2.01)
    assert links.read(Use.FEED, cli("feed", "token", "lena", "--json").json["token"]) == {"contact": "lena"}
    assert cli("feed", "token", "nobody").code == 3
    assert cli("feed", "token", "lena", "--hours", "25").code == 2


def test_rates_say_over_what_they_are(cli: Cli, world: World) -> None:
    assert "No offers" in cli("offer", "rates").out
    for number, state in enumerate(("accepted", "expired", "offered")):
        key = f"c{number}"
        world.customer(key, monthly_revenue=100.0)
        world.score(key, 12, NOW)
        world.intervention(f"run-{key}", key)
        terms = Terms(kind=OfferKind.BILLING_PAUSE, months=3).model_dump() if state == "accepted" else {}
        world.add(
            Offer(
                organisation_id=world.organisation,
                customer_id=key,
                intervention_id=f"run-{key}",
                step="offer",
                options={"billing_pause": {}},
                valid_for=DAY,
                state=state,
                offered_at=NOW,
                valid_until=NOW,
                terms=terms,
            )
        )
    told = " ".join(cli("offer", "rates", "--per", "kind").out.split())
    assert "1 of 2 (50%)" in told
    assert "accepted, declined or expired; open and withdrawn ones do not count" in told
    assert "billing pause 3 0 1 0 1 0 1 1 of 2 (50%) 3 $100" in told
    found = cli("offer", "rates", "--json").json["rates"][0]
    assert (found["accepted"], found["over"], found["months"]) == (1, 2, 3)
    assert cli("offer", "rates", "--since", "1d", "--until", "2d").code == 2
    assert cli("offer", "rates", "--since", "soon").code == 2
