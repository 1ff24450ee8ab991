"""The page where contacts choose their messages, and the one-click address of RFC 8058."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import httpx2
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlmodel import col, select

from keepwell.api.door import Door
from keepwell.contracts.people import Purpose, SuppressionReason
from keepwell.db.repositories import suppressing, wishes
from keepwell.db.tables import Contact, ContactPreference, Event, Organisation
from keepwell.links import Links, Use, preferences_url, unsubscribe_url
from tests.unit.api.conftest import PUBLIC
from tests.unit.db.world import NOW, World

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ALL = frozenset(Purpose)


@pytest.fixture
def world(door: Door) -> World:
    """Pat, who has two customers, and Lou."""
    made = World(door.store)
    made.customer("acme")
    made.customer("other")
    made.contact("pat", "acme", email="pat@acme.example", consent="granted")
    made.contact("pat2", "other", email="Pat@acme.example")
    made.contact("lou", "acme")
    return made


@pytest.fixture
def stop(door: Door, world: World) -> str:
    """The path of Pat's link in an offer."""
    return unsubscribe_url(door.links, "pat", Purpose.OFFERS).removeprefix(PUBLIC)


@pytest.fixture
def choose(door: Door, world: World) -> str:
    """The path of Pat's link to all preferences."""
    return preferences_url(door.links, "pat").removeprefix(PUBLIC)


def wanted(world: World, contact: str = "pat") -> frozenset[Purpose]:
    with world.store.read() as session:
        return ALL - set(wishes.unwanted(session, [session.get_one(Contact, contact)]).get(contact, ()))


def consent(world: World, contact: str = "pat") -> str:
    with world.store.read() as session:
        return session.get_one(Contact, contact).consent


def lines(world: World) -> list[tuple[str, str, str | None, str]]:
    with world.store.read() as session:
        query = select(Event).where(col(Event.kind).startswith("contact.")).order_by(col(Event.id))
        return [(row.kind, row.by, row.customer_id, row.data["contact"]) for row in session.exec(query)]


def save(client: TestClient, path: str, *purposes: Purpose, none: bool = False) -> httpx2.Response:
    fields = [("do", "save"), *(("wanted", one.value) for one in purposes)]
    return post(client, path, fields + ([("none", "yes")] if none else []))


def post(client: TestClient, path: str, fields: list[tuple[str, str]]) -> httpx2.Response:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return client.post(path, content=urlencode(fields), headers=kind)


def form(page: str, do: str) -> list[tuple[str, str]]:
    """The hidden fields of one of a page's forms."""
    forms = re.findall(r"<form.*?</form>", page, re.DOTALL)
    found = next(one for one in forms if f'name="do" value="{do}"' in one)
    return re.findall(r'type="hidden" name="(\w+)" value="(\w*)"', found)


def checked(page: str) -> set[str]:
    return set(re.findall(r'<input id="(\w+)" type="checkbox"[^>]* checked>', page))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing(
    client: TestClient, world: World, stop: str, choose: str, method: str
) -> None:
    """Scanners and previews of mail programs follow every link, often more than once."""
    for path in (stop, choose, stop):
        answer = client.request(method, path, headers={"purpose": "prefetch"})
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    for path in (f"{stop}?List-Unsubscribe=One-Click", f"{stop}?do=stop"):
        assert client.request(method, path).status_code == 200
    assert wanted(world) == ALL
    assert consent(world) == "granted"
    assert lines(world) == []
    with world.store.read() as session:
        assert session.exec(select(ContactPreference)).all() == []


def test_the_page_says_what_holds_and_works_without_a_script(
    client: TestClient, choose: str, stop: str
) -> None:
    page = client.get(choose).text
    assert "Messages from Brightdesk Ltd to p***t@acme.example" in page
    assert "pat@acme.example" not in page
    assert checked(page) == {"account", "offers", "tips"}
    assert "No messages at all" in page
    assert "<script" not in page
    assert "Unsubscribe from offers" not in page
    assert "Unsubscribe from offers" in client.get(stop).text
    for address in re.findall(r'(?:src|href|action)="([^"]*)"', page):
        assert not re.match(r"(https?:)?//", address), "nothing of anybody else's is loaded"


def test_nobody_else_may_frame_keep_or_index_the_page(client: TestClient, choose: str) -> None:
    for answer in (client.get(choose), save(client, choose, *Purpose), client.get("/preferences/x")):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"].startswith("noindex")
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("way", ["form", "multipart", "untyped", "typed wrongly"])
def test_one_click_unsubscribes_at_once(client: TestClient, world: World, stop: str, way: str) -> None:
    body, headers = b"List-Unsubscribe=One-Click", {}
    match way:
        case "form":
            answer = client.post(stop, data=ONE_CLICK)
        case "multipart":
            answer = client.post(stop, files={"List-Unsubscribe": (None, "One-Click")})
        case _:
            headers = {"content-type": "text/plain"} if way == "typed wrongly" else {}
            answer = client.post(stop, content=body, headers=headers)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert answer.text == "You are unsubscribed.\n"
    assert wanted(world) == wanted(world, "pat2") == ALL - {Purpose.OFFERS}
    assert wanted(world, "lou") == ALL
    assert lines(world) == [
        ("contact.unsubscribed", "customer", "acme", "pat"),
        ("contact.unsubscribed", "customer", "other", "pat2"),
    ]
    assert client.post(stop, data=ONE_CLICK).status_code == 200
    assert len(lines(world)) == 2, "the same again is no news"


def test_the_button_of_the_page_stops_one_purpose_and_undo_takes_it_back(
    client: TestClient, world: World, stop: str
) -> None:
    after = post(client, stop, form(client.get(stop).text, "stop"))
    assert after.status_code == 200
    assert "You get messages about the account and tips, and no offers." in after.text
    assert wanted(world) == ALL - {Purpose.OFFERS}
    assert "Unsubscribe from offers" not in after.text
    undone = post(client, stop, form(after.text, "undo"))
    assert "You get messages about the account, offers and tips." in undone.text
    assert ">Undo<" not in undone.text
    assert wanted(world) == ALL
    assert [kind for kind, *_ in lines(world)] == ["contact.unsubscribed"] * 2 + ["contact.resubscribed"] * 2


def test_boxes_are_saved_and_shown(client: TestClient, world: World, choose: str) -> None:
    after = save(client, choose, Purpose.ACCOUNT)
    assert wanted(world) == {Purpose.ACCOUNT}
    assert checked(after.text) == {"account"}
    assert checked(client.get(choose).text) == {"account"}
    assert "You get messages about the account, and no offers and no tips." in after.text
    assert "sends you no more" in save(client, choose).text
    assert wanted(world) == frozenset()
    assert consent(world) == "granted", "each purpose was refused, not all that may come"
    assert ">Undo<" not in save(client, choose).text, "nothing was changed"


def test_no_messages_at_all_withdraws_consent_and_keeps_the_boxes_for_later(
    client: TestClient, world: World, choose: str
) -> None:
    save(client, choose, Purpose.TIPS)
    after = save(client, choose, Purpose.TIPS, none=True)
    assert consent(world) == consent(world, "pat2") == "denied"
    assert checked(after.text) == {"none"}
    assert "Brightdesk Ltd sends you no more of these messages." in after.text
    post(client, choose, form(after.text, "undo"))
    assert consent(world) == "granted"
    assert wanted(world) == {Purpose.TIPS}
    save(client, choose, none=True)
    save(client, choose, Purpose.OFFERS)
    assert consent(world) == "granted", "who chooses some agrees to be written to"
    assert wanted(world) == {Purpose.OFFERS}


def test_undo_does_not_claim_more_consent_than_there_was(
    client: TestClient, door: Door, world: World
) -> None:
    path = preferences_url(door.links, "lou").removeprefix(PUBLIC)
    after = save(client, path, none=True)
    assert consent(world, "lou") == "denied"
    post(client, path, form(after.text, "undo"))
    assert consent(world, "lou") == "unknown"


def test_where_a_yes_is_required_the_page_asks_for_it(client: TestClient, door: Door, world: World) -> None:
    world.change(Organisation, world.organisation, consent_required=True)
    path = preferences_url(door.links, "lou").removeprefix(PUBLIC)
    assert checked(client.get(path).text) == {"none"}
    assert checked(save(client, path, Purpose.TIPS).text) == {"tips"}
    assert consent(world, "lou") == "granted"


@pytest.mark.parametrize(
    ("reason", "lifted"), [(SuppressionReason.UNSUBSCRIBED, True), (SuppressionReason.BOUNCED, False)]
)
def test_who_wants_messages_again_ends_only_the_suppression_of_their_own(
    client: TestClient, world: World, choose: str, reason: SuppressionReason, lifted: bool
) -> None:
    save(client, choose)
    with world.store.write() as session:
        suppressing.suppress(
            session, "org-1", "pat@acme.example", reason, source="sendgrid", by="sendgrid", now=NOW
        )
    assert f"stopped at the moment ({reason.value})" in client.get(choose).text
    after = save(client, choose, Purpose.TIPS).text
    assert ("stopped at the moment" not in after) == lifted
    assert ("contact.suppression_lifted" in {kind for kind, *_ in lines(world)}) == lifted


def test_a_link_that_is_changed_cut_or_of_another_use_does_nothing(
    client: TestClient, door: Door, world: World, stop: str, choose: str
) -> None:
    start = "/preferences/"
    token, other = stop.removeprefix(start), choose.removeprefix(start)
    body, _, mark = token.rpartition(".")
    stranger = unsubscribe_url(Links(SecretStr("x" * 40), PUBLIC), "pat", Purpose.OFFERS).removeprefix(PUBLIC)
    bad = [
        stranger,
        start + door.links.token(Use.OFFER, {"contact": "pat", "purpose": "offers"}),
        start + door.links.token(Use.FEED, {"contact": "pat"}),
        start + door.links.token(Use.PREFERENCES, {"purpose": "offers"}),
        start + token[:-1],
        start + token + "A",
        start + body,
        start + f"{body}.{other.rpartition('.')[2]}",
        start + f"{other.rpartition('.')[0]}.{mark}",
        start + "x" * 5_000,
        start + "%00",
        start + "pat",
        unsubscribe_url(door.links, "nobody", Purpose.OFFERS).removeprefix(PUBLIC),
    ]
    for path in bad:
        for answer in (client.get(path), client.post(path, data=ONE_CLICK), save(client, path)):
            assert answer.status_code == 404, path
            assert "This link does not work" in answer.text
            assert "traceback" not in answer.text.lower()
    assert wanted(world) == ALL
    assert lines(world) == []


def test_a_link_changes_its_own_contact_alone(
    client: TestClient, door: Door, world: World, stop: str
) -> None:
    fields = [("do", "save"), ("contact", "lou"), ("wanted", "tips")]
    assert post(client, stop, fields).status_code == 200
    assert wanted(world, "lou") == ALL
    assert wanted(world) == {Purpose.TIPS}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "do=",
        "do=delete",
        "do=save&wanted=everything",
        "do=undo&consent=forever",
        "List-Unsubscribe=Two-Clicks",
        "List-Unsubscribe",
        '{"List-Unsubscribe": "One-Click"}',
        "do=save&" + "&".join("wanted=tips" for _ in range(40)),
        "\x00\xff",
    ],
)
def test_what_is_none_of_our_forms_changes_nothing(
    client: TestClient, world: World, stop: str, body: str
) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post(stop, content=body.encode("latin-1"), headers=kind)
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text
    assert wanted(world) == ALL
    assert lines(world) == []


def test_a_form_in_parts_that_is_broken_or_brings_a_file_changes_nothing(
    client: TestClient, world: World, stop: str
) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post(stop, content=b"--x\r\nnonsense", headers=kind).status_code == 422
    file = {"List-Unsubscribe": ("a.txt", b"One-Click")}
    assert client.post(stop, files=file).status_code == 422
    assert client.post(stop, content=b"a" * 20_000).status_code == 413
    assert wanted(world) == ALL


def test_names_and_addresses_stay_text(client: TestClient, door: Door, world: World) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    world.change(Organisation, world.organisation, name=evil, product=evil)
    world.contact("eve", "acme", name=evil, email=f"{evil}@acme.example")
    with world.store.write() as session:
        suppressing.suppress(
            session,
            "org-1",
            f"{evil}@acme.example",
            SuppressionReason.MANUAL,
            detail=evil,
            source="x",
            by="x",
            now=NOW,
        )
    path = unsubscribe_url(door.links, "eve", Purpose.TIPS).removeprefix(PUBLIC)
    for page in (client.get(path).text, save(client, path, Purpose.TIPS).text):
        assert "<script" not in page
        assert "<img" not in page
        assert html.escape("<script>alert(1)</script>") in page


def test_links_hold_no_personal_data_and_are_the_same_every_time(door: Door, stop: str) -> None:
    again = unsubscribe_url(door.links, "pat", Purpose.OFFERS).removeprefix(PUBLIC)
    assert again == stop
    assert door.links.read(Use.PREFERENCES, stop.rpartition("/")[2]) == {
        "contact": "pat",
        "purpose": "offers",
    }
