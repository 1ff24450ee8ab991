"""A customer's page: where it stands and why, what can be said now, its timeline, and messages in a frame."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from keepwell.contracts.people import Consent
from keepwell.db.repositories import journal
from keepwell.db.tables import (
    Customer,
    Document,
    Draft,
    InboundMessage,
    Intervention,
    InterventionStep,
    Offer,
    OutboxMessage,
)
from tests.unit.api.desk_world import DAY, HOUR, Desk
from tests.unit.console.seen import HOSTILE, NAMES, looked, page, tags, words

ACME = "acme-org-1"
URL = f"/console/customers/{ACME}"


def buttons(html: str) -> dict[str, str]:
    """What the buttons with a shortcut of a page do, by it."""
    return {
        one["data-key"] or "": one.get("data-act") or one.get("data-open") or ""
        for one in tags(html, "button")
        if "data-key" in one
    }


def letter(desk: Desk, html: str, key: str = "mail") -> str:
    """A message in the outbox."""
    desk.world.add(
        OutboxMessage(
            id=desk.named(key),
            organisation_id=desk.world.organisation,
            customer_id=desk.named("acme"),
            key=desk.named(key),
            channel="email",
            recipient_name="Grace Brandt",
            address="grace@acme.example",
            sender_name="Brightdesk",
            sender_address="hello@brightdesk.example",
            subject="How is it going?",
            text="Hello Grace",
            html=html,
            accepted_at=desk.now,
        )
    )
    return desk.named(key)


def test_a_customer_of_whom_nothing_is_known_teaches_each_part(desk: Desk) -> None:
    said = words(page(desk, URL))
    for part in (
        "No playbook runs",
        "A playbook begins by itself",
        "No open tasks.",
        "It has not been scored yet.",
        "No churn model has said anything",
        "No contacts yet.",
        "Nothing was offered yet.",
        "Nothing has happened yet.",
    ):
        assert part in said, part


def test_the_score_says_why_it_is_what_it_is(desk: Desk) -> None:
    desk.world.score(ACME, 72, desk.now - 30 * DAY)
    desk.world.at_points(ACME, 35, desk.now - HOUR, daily_active_rate=0)
    desk.world.rescore(ACME, desk.now - HOUR)
    html = page(desk, URL)
    said = words(html)
    assert "Why 29" in said
    assert "High risk" in said
    assert "and costs 15.0 points" in said
    # Usage: 40 points are possible, 15 of them are lost with the daily active rate, 65 % of the others.
    assert "9 of 40" in said
    assert "100 % of the weight is measured" in said
    chart = json.loads(next(one["data-chart"] for one in tags(html, "div") if "data-chart" in one) or "")
    assert chart["series"][0]["data"] == [72.0, 29.8]
    assert "72.0" in said, "the table beside the chart has the figures, too"


def test_only_what_applies_can_be_said_and_the_rest_says_why_not(desk: Desk) -> None:
    run = desk.intervention("run", ACME, owner_id=desk.named("dana"))
    acts = buttons(page(desk, URL))
    assert acts["a"] == f"POST /api/v1/interventions/{run}/acknowledge"
    assert acts["p"] == "pause"
    assert {acts[key] for key in "rigx"} == {"respond", "skip", "reassign", "stop"}
    desk.world.change(
        Intervention,
        run,
        acknowledged_by="Dana Reyes",
        acknowledged_at=desk.now,
        paused=True,
        paused_at=desk.now,
        pause_reason="Office closed",
    )
    html = page(desk, URL)
    acts, said = buttons(html), words(html)
    assert "a" not in acts
    assert acts["p"] == f"POST /api/v1/interventions/{run}/resume"
    assert "Paused until somebody resumes it: Office closed" in said
    assert "Acknowledge : Dana Reyes has it in hand" in said
    desk.world.change(Intervention, run, responded_at=desk.now, response="They will call")
    html = page(desk, URL)
    assert "r" not in buttons(html)
    assert "They answered : an answer is logged" in words(html)


def test_the_plan_stands_above_now_and_each_step_can_be_skipped(desk: Desk) -> None:
    run = desk.intervention("run", ACME, owner_id=desk.named("dana"))
    html = page(desk, URL)
    said = words(html)
    assert said.index("Planned") < said.index("Now,")
    skips = [
        json.loads(one["data-with"] or "") for one in tags(html, "button") if one.get("data-open") == "skip"
    ]
    assert {"retention_offer", "final_offer"} <= {one["step"] for one in skips}
    assert {one["ref"] for one in skips} == {run}


def test_what_an_answer_has_cancelled_is_told_above_now(desk: Desk) -> None:
    run = desk.intervention("run", ACME, owner_id=desk.named("dana"))
    assert "Cancelled" not in words(page(desk, URL))
    with desk.store.write() as session:
        for name in ("phone_call", "final_offer"):
            step = session.get_one(InterventionStep, (run, name))
            step.state, step.why, step.at = "cancelled", "The customer answered (Dana)", desk.now
            session.add(step)
    said = words(page(desk, URL))
    told = said[said.index("Cancelled: The customer answered (Dana)") : said.index("Now,")]
    assert "Task for the owner" in told
    assert told.index("Task for the owner") < told.index("Email to the primary contact")
    assert "Cancelled" not in words(page(desk, f"{URL}?kind=score"))


def test_a_timeline_can_be_narrowed_and_goes_on(desk: Desk) -> None:
    with desk.store.write() as session:
        for number in range(60):
            journal.write(
                session,
                key=f"said-{number}",
                organisation=desk.world.organisation,
                kind="command.respond",
                text=f"They said {number}",
                by="Dana Reyes",
                at=desk.now - timedelta(minutes=number),
                customer=ACME,
            )
    html = page(desk, URL)
    assert "They said 0" in words(html)
    assert "They said 59" not in words(html)
    more = next(one["hx-get"] for one in tags(html, "button") if "hx-get" in one) or ""
    rest = page(desk, more)
    assert "They said 59" in words(rest)
    assert "They said 0 " not in words(rest)
    assert "They said" not in words(page(desk, f"{URL}?kind=score"))
    assert looked(desk, f"{URL}/timeline?before=nonsense").status_code in (400, 422)


def test_contacts_say_what_keeps_us_from_writing(desk: Desk) -> None:
    desk.world.contact("grace", ACME, name="Grace Brandt", phone="+1 555 0107")
    desk.world.contact("tanya", ACME, name="Tanya Whitfield", consent=Consent.DENIED.value)
    desk.world.suppress("grace@customer.example")
    html = page(desk, URL)
    assert "nothing is sent: bounced" in words(html)
    assert "no consent" in words(html)
    assert "tel:+15550107" in [one.get("href") for one in tags(html, "a")]


def test_fifty_tasks_do_not_bury_the_page(desk: Desk) -> None:
    for number in range(50):
        desk.task(f"task-{number}", ACME)
    html = page(desk, URL)
    assert "45 more" in words(html)
    assert sum(one.get("data-open") == "close-task" for one in tags(html, "button")) == 50


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text_whatever_they_hold(desk: Desk, name: str) -> None:
    desk.world.change(Customer, ACME, name=name)
    desk.world.contact("odd", ACME, name=name, title=name)
    desk.task("odd", ACME, title=name, detail=name)
    run = desk.intervention("run", ACME)
    desk.world.change(Intervention, run, response=name, responded_at=desk.now)
    html = page(desk, URL)
    assert "<script>alert" not in html
    assert words(html).count(name) >= 5


def test_another_organisations_customer_is_not_there(desk: Desk, other: Desk) -> None:
    run = other.intervention("run", "acme-else-where")
    mail = letter(other, "<p>secret</p>")
    for path in (
        "/console/customers/acme-else-where",
        "/console/customers/acme-else-where/timeline?before=x",
        f"/console/messages/{mail}",
        f"/console/message-panel/{mail}",
        f"/console/documents/{run}/roadmap",
        f"/console/document-panel/{run}/roadmap",
        "/console/draft-panel/unknown-draft",
        "/console/letter-panel/unknown-letter",
        "/console/offer-panel/unknown-offer",
    ):
        answer = looked(desk, path)
        assert answer.status_code == 404, path
        assert "secret" not in answer.text


def test_their_own_id_leads_to_the_page(desk: Desk) -> None:
    answer = looked(desk, "/console/customers/acme")
    assert (answer.status_code, answer.headers["location"]) == (303, URL)


def test_a_message_comes_into_a_frame_that_runs_nothing(desk: Desk) -> None:
    mail = letter(desk, "<p>Hello Grace</p><script>alert(1)</script>")
    panel = page(desk, f"/console/message-panel/{mail}")
    frame = tags(panel, "iframe")[0]
    assert frame["sandbox"] == ""
    assert frame["src"] == f"/console/messages/{mail}"
    answer = looked(desk, frame["src"])
    policy = answer.headers["content-security-policy"]
    assert "Hello Grace" in answer.text
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert policy.endswith("sandbox")
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"


def test_a_message_of_text_alone_is_text(desk: Desk) -> None:
    mail = letter(desk, "")
    desk.world.change(OutboxMessage, mail, text=HOSTILE)
    html = page(desk, f"/console/messages/{mail}")
    assert "<script>" not in html
    assert HOSTILE in words(html)


def test_a_document_and_a_letter_open_beside_the_page(desk: Desk) -> None:
    run = desk.intervention("run", ACME)
    desk.world.add(
        Document(
            id="doc",
            organisation_id=desk.world.organisation,
            customer_id=ACME,
            intervention_id=run,
            step="roadmap",
            title="Roadmap",
            html="<h1>Roadmap of Acme</h1>",
            text="",
            created_at=desk.now,
        )
    )
    assert "Roadmap" in words(page(desk, f"/console/document-panel/{run}/roadmap"))
    assert "Roadmap of Acme" in page(desk, f"/console/documents/{run}/roadmap")
    desk.world.add(
        InboundMessage(
            id="letter-1",
            organisation_id=desk.world.organisation,
            customer_id=ACME,
            message_id="m-1",
            from_address="grace@acme.example",
            from_name="Grace",
            subject="Re: you",
            text=HOSTILE,
            received_at=desk.now,
        )
    )
    html = page(desk, "/console/letter-panel/letter-1")
    assert HOSTILE in words(html)
    assert "<script>" not in html


def test_a_draft_is_read_changed_and_decided_in_one_place(desk: Desk) -> None:
    run = desk.intervention("run", ACME, owner_id=desk.named("dana"))
    desk.world.add(
        Draft(
            id="draft-1",
            organisation_id=desk.world.organisation,
            customer_id=ACME,
            intervention_id=run,
            step="executive_email",
            key="draft-key",
            channel="email",
            recipient_id="grace",
            recipient_name="Grace Brandt",
            subject=HOSTILE,
            text="Hello Grace",
            html="<p>Hello Grace</p>",
            original={"text": {"subject": "Before", "text": "Hello Grace"}},
            created_at=desk.now,
            decide_by=desk.now + HOUR,
        )
    )
    html = page(desk, "/console/draft-panel/draft-1")
    assert HOSTILE in words(html)
    assert "<script>" not in html
    assert [one["src"] for one in tags(html, "iframe")] == ["/console/messages/draft-1"]
    assert "POST /api/v1/drafts/draft-1/approve" in [one.get("data-act") for one in tags(html, "form")]
    # What nobody has changed is not sent as an edit.
    assert all("data-changed" in one for one in [*tags(html, "input"), *tags(html, "textarea")])
    assert "Hello Grace" in page(desk, "/console/messages/draft-1")
    assert "draft:draft-1" in page(desk, "/console")
    desk.world.change(Draft, "draft-1", state="approved", decided_by="Omar Haddad")
    html = page(desk, "/console/draft-panel/draft-1")
    assert "approved Omar Haddad" in words(html)
    assert tags(html, "form") == []


def test_an_offer_is_accepted_for_the_customer_with_its_terms(desk: Desk) -> None:
    run = desk.intervention("run", ACME, owner_id=desk.named("dana"))
    pause = {"kind": "billing_pause", "summary": "A break", "months": 2}
    support = {"kind": "dedicated_support", "summary": "Set-up and training"}
    desk.world.add(
        Offer(
            id="offer-1",
            organisation_id=desk.world.organisation,
            customer_id=ACME,
            intervention_id=run,
            step="retention_offer",
            options={"billing_pause": pause, "dedicated_support": support},
            state="seen",
            offered_at=desk.now,
            valid_until=desk.now + DAY,
            valid_for=DAY,
        )
    )
    assert "billing pause of up to 2 months, or dedicated support" in words(page(desk, URL))
    html = page(desk, "/console/offer-panel/offer-1")
    assert [one["value"] for one in tags(html, "input") if one.get("type") == "radio"] == [
        "billing_pause",
        "dedicated_support",
    ]
    assert "Not a pause 1 2" in words(html)
    assert "POST /api/v1/offers/offer-1/accept" in [one.get("data-act") for one in tags(html, "form")]
    desk.world.change(Offer, "offer-1", options={"dedicated_support": support})
    assert "Months of the pause" not in words(page(desk, "/console/offer-panel/offer-1"))
    desk.world.change(Offer, "offer-1", state="withdrawn")
    assert tags(page(desk, "/console/offer-panel/offer-1"), "form") == []


def test_where_it_stands_among_similar_ones_comes_after_the_page(desk: Desk) -> None:
    world = desk.world
    world.score(desk.named("acme"), 70.0, desk.now - HOUR)
    assert f'hx-get="{URL}/similar"' in page(desk, URL)
    assert "similar" not in words(page(desk, f"{URL}/similar")), "there are too few to compare with"
    for number, points in enumerate((10.0, 20.0, 30.0, 40.0, 90.0, 95.0)):
        world.score(world.customer(f"peer-{number}-{world.organisation}"), points, desk.now - HOUR)
    assert "Better than 67 % of 6 similar customers" in words(page(desk, f"{URL}/similar"))


def test_a_message_in_a_window_of_its_own_has_a_title_and_a_way_back(desk: Desk) -> None:
    own = letter(desk, "<p>Hello <b>Grace</b></p>")
    path = f"/console/messages/{own}"
    alone = desk.client.get(path, headers={**desk.headers, "Sec-Fetch-Dest": "document"})
    assert "How is it going?" in words(alone.text)
    assert "Back to Acme" in words(alone.text)
    assert URL in [one.get("href") for one in tags(alone.text, "a")]
    [frame] = tags(alone.text, "iframe")
    assert (frame["sandbox"], frame["src"]) == ("", f"{path}?framed=1")
    framed = desk.client.get(frame["src"] or "", headers={**desk.headers, "Sec-Fetch-Dest": "iframe"})
    assert framed.text == "<p>Hello <b>Grace</b></p>"
    assert "sandbox" in framed.headers["content-security-policy"]
    assert "<b>Grace</b>" not in alone.text, "what others wrote stays in its frame"
