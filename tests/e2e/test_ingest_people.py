"""Importing customers, contacts and staff into a store, on both engines."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from keepwell.contracts.people import Consent, Purpose, SuppressionReason
from keepwell.db.engine import Store
from keepwell.db.repositories import organisations
from keepwell.db.repositories.suppressing import suppress, suppressed
from keepwell.db.repositories.wishes import set_consent, set_preference, unwanted
from keepwell.db.tables import Contact, ContactPreference, Customer, Event, Staff
from keepwell.errors import InputError
from keepwell.ingest.cells import Kind, Reject
from keepwell.ingest.importing import import_file
from keepwell.ingest.mapping import parse_mapping
from keepwell.ingest.report import Summary
from scoring.load import builtin

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
Import = Callable[..., Summary]


@pytest.fixture
def organisation(store: Store) -> str:
    with store.write() as session:
        return organisations.get_or_create(session, "main", now=NOW).id


@pytest.fixture
def run(store: Store, organisation: str, tmp_path: Path) -> Import:
    def go(
        kind: str, content: str, *, name: str = "file.csv", mapping: str | None = None, now: datetime = NOW
    ) -> Summary:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return import_file(
            store,
            organisation,
            Kind(kind),
            path,
            parse_mapping(mapping, "map.toml") if mapping else None,
            scorecard=builtin("intervention"),
            now=now,
        )

    return go


def counts(summary: Summary) -> tuple[int, int, int, int]:
    return summary.created, summary.updated, summary.unchanged, summary.rejected


def customer(store: Store, external_id: str) -> Customer:
    with store.read() as session:
        return session.exec(select(Customer).where(col(Customer.external_id) == external_id)).one()


def contact(store: Store) -> Contact:
    with store.read() as session:
        return session.exec(select(Contact)).one()


def test_the_same_file_again_changes_nothing_and_a_changed_row_is_updated(store: Store, run: Import) -> None:
    content = "external_id,name,plan,facts.seats\nA,Acme,basic,5\nB,Bolt,pro,\n"
    assert counts(run("customers", content)) == (2, 0, 0, 0)
    first = customer(store, "A")
    assert counts(run("customers", content, now=NOW + timedelta(hours=1))) == (0, 0, 2, 0)
    assert customer(store, "A") == first
    later = NOW + timedelta(hours=2)
    assert counts(run("customers", content.replace("Acme", "Acme AG"), now=later)) == (0, 1, 1, 0)
    changed = customer(store, "A")
    assert (changed.id, changed.name, changed.created_at, changed.updated_at) == (
        first.id,
        "Acme AG",
        NOW,
        later,
    )


def test_columns_and_keys_that_a_file_lacks_stay_and_empty_cells_empty(store: Store, run: Import) -> None:
    run("customers", "external_id,name,plan,industry,facts.a,facts.b\nA,Acme,basic,steel,1,2\n")
    run("customers", "external_id,name,industry,facts.b,facts.c\nA,Acme,,,3\n")
    found = customer(store, "A")
    assert (found.plan, found.industry, found.facts) == ("basic", "", {"a": "1", "c": "3"})
    lines = [
        {"external_id": "A", "name": "Acme", "plan": None},
        {"external_id": "B", "name": "B", "active": False},
    ]
    assert counts(run("customers", "\n".join(map(json.dumps, lines)), name="c.jsonl")) == (1, 1, 0, 0)
    assert customer(store, "A").plan == ""
    assert customer(store, "B").active is False


def test_good_rows_go_in_and_each_bad_one_is_told(store: Store, run: Import) -> None:
    summary = run(
        "customers",
        'external_id,name,time_zone,currency\nA,"Acme\nInc",,\nB,Bolt,Mars/Base,Euro\n,Nameless,,\nC,Cog,UTC,EUR\nD\n',
    )
    assert (summary.rows, *counts(summary)) == (5, 2, 0, 0, 3)
    assert [(one.line, one.column) for one in summary.rejects] == [
        (4, "time_zone"),
        (4, "currency"),
        (5, "external_id"),
        (7, ""),
    ]
    assert customer(store, "A").name == "Acme Inc"
    assert summary.model_dump(mode="json")["rejected"] == 3


def test_a_second_row_with_the_same_id_must_say_the_same(store: Store, run: Import) -> None:
    summary = run("customers", "external_id,name,plan\nA,Acme,x\nB,Bolt,x\nA,Acme,x\nA,Apex,x\n")
    assert counts(summary) == (2, 0, 1, 1)
    (reject,) = summary.rejects
    assert (reject.line, reject.column, reject.value) == (5, "name", "Apex")
    assert reject.reason == "line 2 says otherwise: name 'Acme' there, 'Apex' here"
    assert customer(store, "A").name == "Acme"


def test_a_contradiction_is_found_across_batches(
    store: Store, run: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keepwell.ingest.run.BATCH", 3)
    rows = [f"C{number},Name {number}" for number in range(20)]
    content = "\n".join(["external_id,name", *rows, "C1,Other", "C7,Name 7", ""])
    summary = run("customers", content)
    assert counts(summary) == (20, 0, 1, 1)
    assert summary.rejects[0].reason == "line 3 says otherwise: name 'Name 1' there, 'Other' here"
    assert counts(run("customers", content)) == (0, 0, 21, 1)


def test_an_owner_is_named_by_id_or_address_and_must_exist(store: Store, run: Import) -> None:
    run(
        "staff",
        "external_id,name,email\ns1,Sam,sam@example.com\ns2,Two,x@example.com\ns3,Three,x@example.com\n",
    )
    summary = run(
        "customers",
        "external_id,name,owner\nA,Acme,s1\nB,Bolt,SAM@example.com\nC,Cog,nobody\nD,Dot,x@example.com\nE,Eve,\n",
    )
    assert counts(summary) == (3, 0, 0, 2)
    assert customer(store, "A").owner_id == customer(store, "B").owner_id is not None
    assert customer(store, "E").owner_id is None
    unknown, shared = summary.rejects
    assert (unknown.line, unknown.column, unknown.value) == (4, "owner", "nobody")
    assert "import staff first" in unknown.reason
    assert "2 members of staff have this email address" in shared.reason


def test_contacts_need_a_customer_and_may_lack_an_address(store: Store, run: Import) -> None:
    run("customers", "external_id,name\nA,Acme\n")
    summary = run("contacts", "external_id,customer,name,email\n1,A,Ann,\n2,Z,Zoe,zoe@example.com\n")
    assert counts(summary) == (1, 0, 0, 1)
    assert (summary.rejects[0].column, summary.rejects[0].value) == ("customer", "Z")
    assert contact(store).email == ""


def test_a_no_stays_until_a_later_yes(store: Store, run: Import) -> None:
    run("customers", "external_id,name\nA,Acme\n")
    header = "external_id,customer,name,consent,consent_at\n"
    run("contacts", f"{header}1,A,Ann,denied,2026-11-01\n")
    for row in ("1,A,Anna,granted,", "1,A,Anna,granted,2026-10-01", "1,A,Anna,unknown,", "1,A,Anna,,"):
        summary = run("contacts", header + row)
        assert contact(store).consent == "denied", row
        assert summary.rejected == 0
    assert contact(store).name == "Anna"
    assert "stay without consent: 1" in run("contacts", f"{header}1,A,Ann,granted,\n").notes[0]
    run("contacts", f"{header}1,A,Anna,granted,2026-11-02\n")
    assert contact(store).consent == "granted"


def test_what_a_file_does_not_own_survives_it(store: Store, run: Import) -> None:
    run("customers", "external_id,name\nA,Acme\n")
    run("contacts", "external_id,customer,name,email\n1,A,Ann,ann@acme.example\n")
    with store.write() as session:
        row = session.exec(select(Contact)).one()
        bounced, by = SuppressionReason.BOUNCED, "sendgrid"
        suppress(session, row.organisation_id, row.email, bounced, source=by, by=by, now=NOW)
        set_preference(session, row, Purpose.TIPS, False, source="page", by="customer", now=NOW)
    again = "external_id,customer,name,email\n1,A,Anna,Ann@acme.example\n"
    assert counts(run("contacts", again)) == (0, 1, 0, 0)
    with store.read() as session:
        row = session.exec(select(Contact)).one()
        assert row.name == "Anna"
        assert suppressed(session, row.organisation_id, [row.email]) == {"ann@acme.example": "bounced"}
        assert unwanted(session, [row]) == {row.id: (Purpose.TIPS,)}


def standing(store: Store) -> dict[str, tuple[str, tuple[Purpose, ...]]]:
    """Of each contact, by name: consent, and what is not wanted."""
    with store.read() as session:
        rows = session.exec(select(Contact).order_by(col(Contact.name))).all()
        refused = unwanted(session, rows)
        return {row.name: (row.consent, refused.get(row.id, ())) for row in rows}


HEADER = "external_id,customer,name,email,consent,consent_at\n"


def test_who_comes_later_with_an_address_that_said_no_is_not_written_to(store: Store, run: Import) -> None:
    run("customers", "external_id,name\nA,Acme\nB,Bolt\n")
    run("contacts", f"{HEADER}1,A,Ann,ann@acme.example,,\n2,A,Ben,ben@acme.example,,\n")
    with store.write() as session:
        ann, ben = session.exec(select(Contact).order_by(col(Contact.name))).all()
        set_preference(session, ann, Purpose.TIPS, False, source="page", by="customer", now=NOW)
        set_preference(session, ann, Purpose.OFFERS, True, source="page", by="customer", now=NOW)
        set_consent(session, ben, Consent.DENIED, source="page", by="customer", now=NOW)
    later = (
        f"{HEADER}3,B,Anna,Ann@ACME.example,,\n4,B,Benno,BEN@acme.example,granted,\n5,B,Cid,cid@b.example,,\n"
    )
    summary = run("contacts", later, now=NOW + timedelta(days=1))
    assert any("said no before: 2." in note for note in summary.notes)
    wanted = {
        "Ann": ("unknown", (Purpose.TIPS,)),
        "Anna": ("unknown", (Purpose.TIPS,)),
        "Ben": ("denied", ()),
        "Benno": ("denied", ()),
        "Cid": ("unknown", ()),
    }
    assert standing(store) == wanted
    with store.read() as session:
        query = select(Event).where(Event.why == "said before by whoever has this address")
        told = sorted(session.exec(query), key=lambda event: event.text)
        preference = session.exec(select(ContactPreference).order_by(col(ContactPreference.contact_id))).all()
    assert [(one.kind, one.text, one.by) for one in told] == [
        ("contact.unsubscribed", "Anna wants no tips any more", "import"),
        ("contact.consent_withdrawn", "Benno: no messages at all any more", "import"),
    ]
    assert {(one.source, one.at) for one in preference} == {("page", NOW)}, "it was said there and then"
    again = run("contacts", later, now=NOW + timedelta(days=2))
    assert counts(again) == (0, 0, 3, 0)
    assert not any("said no before" in note for note in again.notes)
    assert standing(store) == wanted


def test_who_gets_such_an_address_later_is_not_written_to_and_a_later_yes_stands(
    store: Store, run: Import
) -> None:
    run("customers", "external_id,name\nA,Acme\n")
    run(
        "contacts", f"{HEADER}1,A,Ann,ann@acme.example,denied,2026-11-01\n2,A,Ben,old@acme.example,granted,\n"
    )
    assert standing(store)["Ben"] == ("granted", ())
    run("contacts", "external_id,customer,name,email\n2,A,Ben,ann@acme.example\n")
    assert standing(store)["Ben"] == ("denied", ())
    run("contacts", f"{HEADER}3,A,Cid,ann@acme.example,granted,2026-11-05\n4,A,Dan,ann@acme.example,,\n")
    assert standing(store)["Cid"] == ("granted", ()), "that was said later"
    assert standing(store)["Dan"] == ("denied", ()), "in doubt nobody is written to"


def test_a_no_in_a_file_counts_for_everybody_with_that_address(store: Store, run: Import) -> None:
    run("customers", "external_id,name\nA,Acme\nB,Bolt\n")
    run("contacts", f"{HEADER}1,A,Ann,ann@acme.example,,\n2,B,Anna,ann@acme.example,granted,\n")
    run("contacts", f"{HEADER}1,A,Ann,ann@acme.example,denied,\n")
    assert standing(store) == {"Ann": ("denied", ()), "Anna": ("denied", ())}


def test_without_an_address_nobody_is_the_same_person(store: Store, run: Import) -> None:
    run("customers", "external_id,name\nA,Acme\n")
    run("contacts", f"{HEADER}1,A,Ann,,denied,\n2,A,Ben,,,\n")
    assert standing(store) == {"Ann": ("denied", ()), "Ben": ("unknown", ())}


def test_managers_may_come_in_any_order(store: Store, run: Import) -> None:
    content = (
        "external_id,name,email,role,manager\n"
        "s1,Sam,s1@example.com,csm,lead\nlead,Lea,lea@example.com,lead,boss\nboss,Bo,bo@example.com,executive,\n"
    )
    assert counts(run("staff", content)) == (3, 0, 0, 0)
    assert counts(run("staff", content)) == (0, 0, 3, 0)
    with store.read() as session:
        staff = {one.external_id: one for one in session.exec(select(Staff))}
    assert staff["s1"].manager_id == staff["lead"].id
    assert staff["lead"].manager_id == staff["boss"].id
    assert staff["boss"].manager_id is None
    assert counts(run("staff", content.replace("csm,lead", "csm,boss"))) == (0, 1, 2, 0)


def test_managers_that_do_not_exist_or_go_in_a_circle_are_refused_with_all_below_them(run: Import) -> None:
    summary = run(
        "staff",
        "external_id,name,email,manager\n"
        "a,A,a@example.com,b\nb,B,b@example.com,a\nc,C,c@example.com,c\n"
        "d,D,d@example.com,ghost\ne,E,e@example.com,d\nf,F,f@example.com,\n",
    )
    assert counts(summary) == (1, 0, 0, 5)
    reasons = {one.line: one.reason for one in summary.rejects}
    assert "in a circle: a → b → a" in reasons[2]
    assert "in a circle: c → c" in reasons[4]
    assert "no such member of staff" in reasons[5]
    assert "no such member of staff" in reasons[6]


def test_a_bad_mapping_or_header_stores_nothing(store: Store, run: Import) -> None:
    with pytest.raises(InputError):
        run("customers", "external_id,name,x\nA,Acme,1\n", mapping="[columns]\nplan = 'y'\n")
    with pytest.raises(InputError):
        run("customers", "A,Acme\nB,Bolt\n")
    with store.read() as session:
        assert session.exec(select(Customer)).all() == []
        assert session.exec(select(Event)).all() == []


def test_each_import_is_one_line_of_the_journal(store: Store, run: Import) -> None:
    first, second = (run("customers", "external_id,name\nA,Acme\n,x\n") for _ in range(2))
    with store.read() as session:
        events = session.exec(select(Event).order_by(col(Event.id))).all()
    assert [event.key for event in events] == [f"import/{first.id}", f"import/{second.id}"]
    assert {event.kind for event in events} == {"import.finished"}
    assert (events[0].data["created"], events[0].data["rejected"]) == (1, 1)
    assert events[0].text == first.sentence()


def test_an_interrupted_import_is_run_again(
    store: Store, organisation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keepwell.ingest.run.BATCH", 10)
    path = tmp_path / "c.csv"
    path.write_text("external_id,name\n" + "".join(f"C{n},N{n}\n" for n in range(35)), encoding="utf-8")
    done: list[tuple[int, int]] = []

    def interrupt(so_far: int, whole: int) -> None:
        done.append((so_far, whole))
        if len(done) == 2:
            raise KeyboardInterrupt

    card = builtin("intervention")
    with pytest.raises(KeyboardInterrupt):
        import_file(store, organisation, Kind.CUSTOMERS, path, scorecard=card, now=NOW, progress=interrupt)
    rejects: list[Reject] = []
    again = import_file(
        store, organisation, Kind.CUSTOMERS, path, scorecard=card, now=NOW,
        progress=lambda *step: done.append(step), on_reject=rejects.append,
    )  # fmt: skip
    assert counts(again) == (15, 0, 20, 0)
    assert done[-1] == (path.stat().st_size, path.stat().st_size)
    assert rejects == []
