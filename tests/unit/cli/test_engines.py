"""Every read model on both engines: the queries mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from keepwell.db.engine import Store
from keepwell.db.repositories import (
    views,
    views_counts,
    views_customer,
    views_interventions,
    views_journal,
    views_messages,
    views_scorecards,
    views_timeline,
    views_transitions,
    views_work,
)
from keepwell.db.repositories.organisation_fields import change_organisation
from scoring.levels import Level
from tests.unit.cli.conftest import begin
from tests.unit.db.world import World
from workflows.critical import CRITICAL

ORGANISATION = "org-1"


def test_read_models(store: Store) -> None:
    world = World(store)
    begun = begin(world)
    begun.send("executive_email", begun.started)
    begun.document("roadmap", begun.started)
    world.customer("blank", name="Blank_Co")
    now = datetime.now(UTC)
    with store.read() as session:
        assert views.find_customer(session, ORGANISATION, "ACME an") == "acme"
        assert views.find_customer(session, ORGANISATION, "blank_co") == "blank"
        assert views.find_person(session, ORGANISATION, "DANA@brightdesk.example").name == "Dana Reyes"
        assert views.find_intervention(session, ORGANISATION, begun.id[-8:].lower()) == begun.id

        numbers = views_counts.counts(session, ORGANISATION)
        assert (numbers.customers, numbers.levels[Level.CRITICAL], numbers.unscored) == (2, 1, 1)
        detail = views_customer.customer_detail(session, ORGANISATION, "acme", now)
        assert detail.trend.direction == "declining"
        assert detail.customer.intervention
        assert detail.customer.intervention.playbook == CRITICAL.label

        assert views_interventions.interventions(session, ORGANISATION, now)[0].next_step == "assign_csm"
        timeline = views_timeline.intervention_detail(session, begun.id, now).timeline
        assert [line.planned for line in timeline] == sorted(line.planned for line in timeline)
        assert views_timeline.step_document(session, begun.id, "roadmap").title == "A roadmap"

        assert views_work.tasks(session, ORGANISATION, now, everything=True).total == 0
        kinds = [one.kind for one in views_journal.events(session, ORGANISATION, kind="delivery")]
        assert kinds == ["delivery.accepted"]
        recent = views_journal.events(session, ORGANISATION, recorded_from=now + timedelta(hours=1))
        assert recent == ()
        assert views_messages.messages(session, ORGANISATION)[0].recipient == "Mara Lind"
        assert views_messages.message(session, ORGANISATION, "ive_email").html == "<p>Dear Mara</p>"

        transition = detail.transitions[0].id
        assert views_transitions.decisions(session, [transition])[0].intervention == begun.id
        assert views_transitions.owners_of(session, ["acme", "blank"]) == {"acme": "Dana Reyes"}
        assert views_scorecards.scorecards(session, ORGANISATION)[0].name


def test_changing_the_organisation(store: Store) -> None:
    World(store)
    with store.write() as session:
        changed = change_organisation(session, ORGANISATION, {"currency": "chf", "name": "Brightdesk Ltd"})
    assert changed == {"currency": ("USD", "CHF")}
