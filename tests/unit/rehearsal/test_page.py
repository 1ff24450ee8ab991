"""The page: everything in it is escaped, nothing in it runs or loads."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise

from keepwell.rehearsal.compare import compare
from keepwell.rehearsal.page import page_of
from keepwell.rehearsal.timeline import Offered, Timeline
from tests.unit.rehearsal.made import START, email, entry, task, timeline

NASTY = "</style></iframe><script>alert('x')</script>\"' onload=alert(1) <img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect."""
        self.found.append((tag, dict(attrs)))


def tags_of(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(page)
    return parser.found


def nasty_timeline() -> str:
    one = timeline(
        entry("begin", 0, NASTY, why=NASTY, who=NASTY),
        email(
            0,
            "hello",
            subject=NASTY,
            text=NASTY,
            html=f"<p>{NASTY}</p>",
            recipient=NASTY,
            address=NASTY,
            sender=NASTY,
            attachments={NASTY: NASTY},
        ),
        email(1, "told", channel="slack", html="", text=NASTY),
        email(2, "shown", channel="in_app", html="", text=NASTY, action=NASTY),
        task(24, "call", title=NASTY, detail=NASTY, owner=NASTY),
        entry("document", 2, NASTY, step="roadmap", state="done", html=NASTY, text=NASTY),
        customer=NASTY,
        notes=(NASTY,),
        script=(NASTY,),
        owner=NASTY,
        title=NASTY,
        purpose=NASTY,
        organisation=NASTY,
    )
    return page_of(one) + page_of(compare(one, timeline(email(1, "other", subject=NASTY, text=NASTY))))


def test_nothing_from_outside_becomes_a_tag() -> None:
    page = nasty_timeline()
    tags = tags_of(page)
    assert {tag for tag, _ in tags}.isdisjoint({"script", "img", "link", "object", "embed", "base", "form"})
    handlers = {name for _, attributes in tags for name in attributes if name.startswith("on")}
    assert handlers == set()
    assert "<script" not in page


def test_messages_are_in_frames_that_may_do_nothing() -> None:
    frames = [attributes for tag, attributes in tags_of(nasty_timeline()) if tag == "iframe"]
    assert frames
    for frame in frames:
        # An empty list: no scripts, no forms, no navigation of the page, no origin.
        assert frame["sandbox"] == ""
        assert "src" not in frame
    assert any("<p>" in (frame["srcdoc"] or "") for frame in frames)


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    page = page_of(timeline(email(0, "hello")))
    policy = [attributes for tag, attributes in tags_of(page) if attributes.get("http-equiv")]
    assert "default-src 'none'" in (policy[0]["content"] or "")
    assert re.findall(r"(?:src|href|url\()\s*=?\s*[\"']?(?:https?:)?//", page) == []
    # Links in a rehearsed message may be the real ones.
    assert "pointer-events:none" in page


def test_a_page_says_what_happens_to_whom_and_why() -> None:
    page = page_of(
        timeline(
            entry("begin", 0, "critical@1 began for Acme Analytics"),
            email(0, "executive_email", subject="Can we make it work?"),
            task(24, "phone_call", title="Call Mara"),
            left_out=(entry("task", 48, "task for the owner", step="visit", state="cancelled"),),
            notes=("Today it would not begin: critical ended on 2026-11-12",),
        )
    )
    for words in (
        "Can we make it work?",
        "Mara Lind",
        "m…@acme.example",
        "Call Mara",
        "What is not needed any more",
        "Today it would not begin",
        "1 message to the customer",
        "1 task for people",
        "nothing was sent",
    ):
        assert words in page


def test_a_page_tells_the_offer_what_is_late_and_what_came_to_nothing() -> None:
    offer = Offered(
        options=("billing pause: You pay nothing during the pause",),
        until=START + timedelta(days=7),
        state="accepted",
        terms="billing pause, 2 months",
    )
    page = page_of(
        timeline(
            entry("offer", 72, "offer: billing pause", step="retention_offer", state="done", offer=offer),
            task(24, "call", late=True),
            entry("refused", 200, "The customer answers", why="critical@1 ended.", state="refused"),
            level=None,
            opportunity="usage is at 88 % of the plan's limit",
        )
    )
    for words in (
        "To be taken until Mon 30 Nov 09:00",
        "Billing pause: You pay nothing during the pause",
        "not done in time",
        "Came to nothing",
        "critical@1 ended.",
        "Usage is at 88 % of the plan&#39;s limit",
    ):
        assert words in page
    # What became of it came later, and has a line of its own.
    assert "billing pause, 2 months" not in page
    early = entry("offer", 5, "offer", step="x", state="done", offer=offer.model_copy(update={"early": True}))
    assert "Agreed before it went out" in page_of(timeline(early))


def test_addresses_are_short_but_in_bodies() -> None:
    body = "Dear Mara,\nwrite to dana@brightdesk.example"
    full = ("mara@acme.example", "jo.o'neil+x@acme.example", "dörte@acme.example", "lena@brightdesk.example")

    def played(address: str, **fields: str) -> Timeline:
        return timeline(
            entry("person", 1, f"<{full[3]}> was assigned", who=full[3], why=f"({full[3]})", reason=full[3]),
            email(0, "hello", address=address, text=body, html=f"<p>{body}</p>", subject=f"To {address}"),
            email(1, "told", channel="slack", html="", text=body),
            email(2, "shown", channel="in_app", html="", text=body, state="skipped", reason=f"{full[1]}."),
            email(3, "attached", text="", html="", attachments={"roadmap.html": f"<p>{body}</p>"}),
            entry("document", 2, "Roadmap", step="roadmap", state="done", html=f"<p>{body}</p>", text=body),
            task(24, "call", detail=f"Contact: Mara Lind, {address}", owner=full[3]),
            script=(f"somebody else takes over: {full[3]}",),
            notes=(f"assumed for {full[2]}",),
            **fields,
        )

    left, right = played(full[0]), played(full[1], playbook="critical@2")
    for page in (page_of(left), page_of(compare(left, right))):
        shown = re.sub(
            r"\s+srcdoc=\"[^\"]*\"|<pre>Dear.*?</pre>", "", page.replace("&#39;", "'"), flags=re.DOTALL
        )
        shown = shown.replace(body, "")
        assert re.findall(r"[^\s<>(),:;…]+@\w+\.\w+", shown) == []
        for words in ("m…@acme.example", "d…@acme.example", "l…@brightdesk.example", "critical@1"):
            assert words in shown
        # As they were rendered: two as plain text, in the bubble, the notification, the frames.
        assert page.count("dana@brightdesk.example") >= 6
    compared = compare(left, right)
    assert [pair.state for pair in compared.pairs].count("changed") >= 2
    # Elsewhere they are in full.
    assert full[0] in left.model_dump_json()
    assert full[1] in compared.model_dump_json()


def test_a_page_says_to_whom_it_may_be_sent() -> None:
    one = timeline(email(0, "hello"))
    for page in (page_of(one), page_of(compare(one, one))):
        footer = page[page.index("<footer") :]
        assert "names and figures of Acme Analytics: send it only to people who may see them" in footer


def test_headings_go_down_step_by_step_and_the_page_has_its_landmarks() -> None:
    one = timeline(email(0, "hello"), task(24, "call"), notes=("Assumed",))
    for page in (page_of(one), page_of(compare(one, timeline(email(1, "hello"))))):
        tags = tags_of(page)
        levels = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h[1-6]", tag)]
        assert (levels[0], levels.count(1)) == (1, 1)
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert [tag for tag, _ in tags if tag in ("header", "main", "footer")] == ["header", "main", "footer"]
        assert next(attributes for tag, attributes in tags if tag == "html")["lang"] == "en"
        assert all(attributes["title"] for tag, attributes in tags if tag == "iframe")


def test_a_page_of_two_names_the_differences() -> None:
    left = timeline(email(0, "hello"), email(5, "gone"))
    right = timeline(email(0, "hello", subject="Anew"), playbook="critical@2")
    page = page_of(compare(left, right))
    for words in ("changed: subject", "only with critical@1", "About hello", "Anew", "not with critical@2"):
        assert words in page
