"""Letters that come in: an answer counts once and is told to somebody; what is none changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from keepwell.contracts.commands import COMMAND
from keepwell.db.repositories.views_today_told import letters_of_tasks
from keepwell.db.tables import (
    ContactPreference,
    Event,
    InboundMessage,
    Intervention,
    Suppression,
    Task,
)
from keepwell.message_ids import message_id
from keepwell.replies import Way, reply_address
from tests.unit.adapters.messages import email
from tests.unit.api.letters import (
    DOMAIN,
    OURS,
    REPLY,
    answers,
    asked,
    effects,
    key,
    letter,
    post,
    replied,
    rows,
    world,
)
from tests.unit.db.mailed import ADDRESS, wrote
from tests.unit.db.world import World

__all__ = ["asked", "key", "world"]


def test_an_answer_is_told_to_the_run_and_to_the_owner(asked: TestClient, world: World, key: str) -> None:
    assert post(asked, letter()).status_code == 204
    [kept] = rows(world, InboundMessage)
    assert (kept.contact_id, kept.customer_id, kept.intervention_id) == ("pat", "acme", "one")
    assert (kept.delivery, kept.automatic, kept.effect) == (key, False, "answer")
    assert kept.text.endswith("> Dear Pat"), "the whole letter is kept"
    [pending] = answers(world)
    assert (pending.source, pending.by, pending.intervention_id) == ("email", "Pat Person", "one")
    command = COMMAND.validate_python(pending.command)
    assert (command.kind, command.by, command.id) == ("respond", "Pat Person", pending.id)
    assert pending.command["note"] == "Yes, let us talk on Monday."
    [event] = replied(world)
    assert (event.by, event.data["contact"], event.intervention_id) == ("customer", "pat", "one")
    [task] = rows(world, Task)
    assert (task.owner_id, task.kind, task.intervention_id) == ("dana", "reply", None)
    assert task.title == "Read the answer of Pat Person at Acme: Re: Your plan"
    assert "Read the whole letter before you answer." in task.detail
    assert "keepwell" not in task.detail, "the console shows it, too"
    with world.store.read() as session:
        assert letters_of_tasks(session, [task.key]) == {task.key: kept.id}


def test_the_same_letter_again_changes_nothing(asked: TestClient, world: World) -> None:
    for _ in range(3):
        assert post(asked, letter()).status_code == 204
    assert len(rows(world, InboundMessage)) == len(answers(world)) == len(rows(world, Task)) == 1
    assert len(replied(world)) == 1


def test_a_letter_without_an_id_is_known_by_its_words(asked: TestClient, world: World) -> None:
    for text in ("one", "one", "two"):
        post(asked, letter(headers="Subject: x", text=text))
    assert len(rows(world, InboundMessage)) == 2
    assert len(answers(world)) == 2


@pytest.mark.parametrize("path", ["", "a-token-of-our", "A-TOKEN-OF-OURS", "%C3%BC", "x" * 5000])
def test_another_token_is_refused(path: str, asked: TestClient, world: World) -> None:
    answer = post(asked, letter(), f"/webhooks/sendgrid/inbound/{path}")
    assert answer.status_code in (403, 404, 405)
    assert rows(world, InboundMessage) == []


def test_without_a_token_nothing_is_taken(client: TestClient) -> None:
    assert post(client, letter(), "/webhooks/sendgrid/inbound/None").status_code == 403


def by_message(key: str) -> dict[str, Any]:
    """An answer that names our message, and came to an address without a token."""
    named = message_id(email(key=key))
    return {
        "head": f"In-Reply-To: {named}\nReferences: <x@y.example> {named}\n",
        "to": "hello@brightdesk.example",
        "envelope": json.dumps({"to": ["hello@brightdesk.example"], "from": ADDRESS}),
    }


BY_SENDER: dict[str, Any] = {
    "to": "hello@brightdesk.example",
    "envelope": json.dumps({"to": ["hello@brightdesk.example"], "from": ADDRESS}),
}


def test_an_answer_is_known_by_the_message_that_it_names(asked: TestClient, world: World, key: str) -> None:
    post(asked, letter(**by_message(key), SPF="none", dkim="none"))
    assert effects(world) == ["answer"]
    assert rows(world, InboundMessage)[0].delivery == key


def test_or_by_who_sent_it_where_one_intervention_is_open(asked: TestClient, world: World) -> None:
    post(asked, letter(**BY_SENDER, **{"from": "PAT@Customer.example"}))
    assert effects(world) == ["answer"]
    assert len(answers(world)) == 1


def test_of_two_interventions_nobody_guesses(asked: TestClient, world: World) -> None:
    world.intervention("two", "acme", family="expansion", owner_id="dana")
    post(asked, letter(**BY_SENDER))
    assert answers(world) == []
    assert effects(world) == ["answer"], "a person reads it all the same"
    assert len(rows(world, Task)) == 1


def test_strangers_are_kept_and_nothing_follows(asked: TestClient, world: World) -> None:
    post(asked, letter(**BY_SENDER, **{"from": "stranger@elsewhere.example"}))
    post(asked, letter(**BY_SENDER, **{"from": "no address", "headers": "Message-ID: <2@x.example>"}))
    post(asked, letter(**BY_SENDER, **{"from": "", "headers": "Message-ID: <3@x.example>"}))
    assert effects(world) == ["from nobody we know"] * 3
    assert [*answers(world), *rows(world, Task), *replied(world)] == []


def test_our_own_staff_do_not_answer_for_the_customer(asked: TestClient, world: World) -> None:
    post(asked, letter(**{"from": "Dana <DANA@brightdesk.example>"}))
    assert effects(world) == ["from our own staff"]
    assert answers(world) == []


def test_a_colleague_who_answers_is_named(asked: TestClient, world: World) -> None:
    post(asked, letter(**{"from": "Cleo Person <cleo@customer.example>"}))
    assert [row.by for row in answers(world)] == ["Cleo Person"]
    assert rows(world, InboundMessage)[0].contact_id == "cleo"


FORGED = {"SPF": "fail", "dkim": "{@customer.example : fail}"}
OF_ANOTHER = {"SPF": "pass", "dkim": "{@evil.example : pass}"}


@pytest.mark.parametrize("proof", [FORGED, {"SPF": "softfail", "dkim": "none"}], ids=str)
def test_a_forged_sender_does_not_answer(
    proof: dict[str, str], asked: TestClient, world: World, key: str
) -> None:
    post(asked, letter(**by_message(key), **proof))
    assert effects(world) == ["not counted: the sender's domain says that it is forged"]
    assert [*answers(world), *replied(world)] == []
    [task] = rows(world, Task)
    assert task.title.startswith("Was this letter written by Pat Person at Acme?")
    assert "log that they answered" in task.detail
    [kept] = rows(world, InboundMessage)
    with world.store.read() as session:
        assert letters_of_tasks(session, [task.key]) == {task.key: kept.id}


def test_what_passes_for_a_domain_of_their_own_proves_nothing(asked: TestClient, world: World) -> None:
    envelope = json.dumps({"to": ["hello@brightdesk.example"], "from": "x@evil.example"})
    post(asked, letter(**{**BY_SENDER, "envelope": envelope}, **OF_ANOTHER))
    assert effects(world) == ["not counted: nobody vouches for the sender's address"]
    assert answers(world) == []


def test_who_has_our_address_for_replies_needs_no_other_proof(asked: TestClient, world: World) -> None:
    post(asked, letter(**FORGED))
    assert len(answers(world)) == 1


def test_a_guessed_address_for_replies_is_worth_nothing(asked: TestClient, world: World) -> None:
    guessed = reply_address(DOMAIN, "cd" * 16)
    post(asked, letter(to=guessed, envelope=json.dumps({"to": [guessed], "from": ADDRESS}), **FORGED))
    assert answers(world) == []


AUTOMATIC = {
    "an auto-reply": "Auto-Submitted: auto-replied\n",
    "one that says more": "Auto-Submitted: auto-generated; owner-email=x@y.example\n",
    "bulk": "Precedence: bulk\n",
    "junk": "Precedence: JUNK\n",
    "an old mark": "X-Autoreply: yes\n",
    "a list": "List-Id: <all.customer.example>\n",
    "a bounce": 'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\n',
    "a read receipt": 'Content-Type: multipart/report; report-type=disposition-notification; boundary="x"\n',
    "a bounce of exim": "X-Failed-Recipients: pat@customer.example\n",
}


@pytest.mark.parametrize("head", AUTOMATIC.values(), ids=AUTOMATIC.keys())
def test_a_program_does_not_answer(head: str, asked: TestClient, world: World) -> None:
    post(asked, letter(head=head))
    [kept] = rows(world, InboundMessage)
    assert kept.automatic
    assert kept.effect.startswith("automatic (")
    assert [*answers(world), *rows(world, Task), *replied(world)] == []
    assert [row.kind for row in rows(world, Event) if row.intervention_id == "one"] == [
        "contact.automatic_reply"
    ]


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Your plan",
        "Out of Office: Your plan",
        "Out of the office until Monday",
        "Automatische Antwort: Ihr Plan",
        "Abwesenheitsnotiz: Ihr Plan",
        "Réponse automatique : votre offre",
        "Respuesta automática: su plan",
        "Risposta automatica: il piano",
        "Resposta automática: o plano",
        "Automatisch antwoord: uw plan",
        "Autosvar: din plan",
        "Odpowiedź automatyczna: plan",
        "Автоответ: план",
        "自動返信: ご契約",
    ],
)
def test_words_in_the_subject_give_a_program_away(subject: str, asked: TestClient, world: World) -> None:
    post(asked, letter(subject=subject))
    assert effects(world) == ["automatic (the subject says so)"]
    assert answers(world) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"envelope": json.dumps({"to": [OURS], "from": ""})},
        {"from": "Mail Delivery Subsystem <MAILER-DAEMON@customer.example>"},
        {"from": "postmaster@customer.example"},
    ],
    ids=str,
)
def test_mail_systems_do_not_answer(fields: dict[str, Any], asked: TestClient, world: World) -> None:
    post(asked, letter(**fields))
    assert rows(world, InboundMessage)[0].automatic
    assert answers(world) == []


@pytest.mark.parametrize(
    ("subject", "head"),
    [
        ("Re: Automatic reply: how do we set this up?", ""),
        ("Re: Out of office days in your product", "Auto-Submitted: no\n"),
        ("Autosport calendar", "X-Auto-Response-Suppress: OOF\nPrecedence: first-class\n"),
    ],
)
def test_a_person_is_not_taken_for_a_program(
    subject: str, head: str, asked: TestClient, world: World
) -> None:
    post(asked, letter(subject=subject, head=head))
    assert len(answers(world)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "Unsubscribe.",
        "please unsubscribe me!\n\n-- \nPat",
        "No more emails",
        "Bitte abmelden",
    ],
)
def test_a_wish_to_be_left_alone_is_obeyed_and_is_an_answer(
    text: str, asked: TestClient, world: World
) -> None:
    quoted = "\r\n\r\nOn Fri, 20 Nov 2026 at 09:00, Erin Cole, CEO <erin@brightdesk.example>\r\nwrote:\r\n> x"
    post(asked, letter(text=text + quoted))
    assert effects(world) == ["answer, no more emails"]
    assert [(row.address, row.reason, row.source) for row in rows(world, Suppression)] == [
        (ADDRESS, "unsubscribed", "email")
    ]
    assert len(answers(world)) == 1


def test_a_word_in_a_sentence_is_no_such_wish(asked: TestClient, world: World) -> None:
    post(asked, letter(text="We will not stop using it. How do I unsubscribe a colleague?"))
    assert rows(world, Suppression) == []


def test_a_forged_wish_is_not_obeyed(asked: TestClient, world: World, key: str) -> None:
    post(asked, letter(**by_message(key), **FORGED, text="stop"))
    assert rows(world, Suppression) == []


def test_the_address_that_unsubscribes_does_so_whoever_writes(asked: TestClient, world: World) -> None:
    leave = reply_address(DOMAIN, REPLY, Way.UNSUBSCRIBE)
    envelope = json.dumps({"to": [leave], "from": ADDRESS})
    post(asked, letter(to=leave, envelope=envelope, text="", head="Auto-Submitted: auto-generated\n"))
    assert effects(world) == ["unsubscribed"]
    assert [(row.contact_id, row.wanted) for row in rows(world, ContactPreference)] == [("pat", False)]
    assert [*answers(world), *rows(world, Task)] == []


def test_after_a_take_over_the_answer_goes_to_what_runs_now(asked: TestClient, world: World) -> None:
    world.change(Intervention, "one", outcome="superseded")
    world.intervention("two", "acme", owner_id="dana")
    post(asked, letter())
    assert [row.intervention_id for row in answers(world)] == ["two"]


def test_after_the_end_somebody_reads_it(asked: TestClient, world: World) -> None:
    world.change(Intervention, "one", outcome="completed")
    post(asked, letter())
    assert answers(world) == []
    assert len(replied(world)) == len(rows(world, Task)) == 1


def test_a_message_to_somebody_else_of_the_customer(asked: TestClient, world: World) -> None:
    """Each message has its own address: the answer belongs to the one that was answered."""
    other = wrote(world, "one", "cleo", state="accepted", step="done", name="second", reply_token="ef" * 16)
    address = reply_address(DOMAIN, "ef" * 16)
    envelope = json.dumps({"to": [address.upper()], "from": "cleo@customer.example"})
    post(asked, letter(**{"from": "cleo@customer.example"}, to="x@y.example", envelope=envelope))
    assert rows(world, InboundMessage)[0].delivery == other
    assert [row.by for row in answers(world)] == ["Cleo Person"]
