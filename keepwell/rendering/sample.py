"""Made-up contexts for previews and checks: full, growing, alerted, bare and awkward."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from keepwell.contracts.alerts import AlertSeverity, Trigger
from keepwell.contracts.rendering import (
    CallFigures,
    CategoryFigure,
    Context,
    CustomerFacts,
    HealthFigures,
    InterventionFacts,
    Notice,
    Organisation,
    Person,
    PersonalLinks,
    ToldAlert,
    ValueFigures,
)
from keepwell.contracts.shown import Peers, ShownFigures
from keepwell.rendering.sample_alert import alerted, awkward_alert
from keepwell.rendering.sample_figures import (
    TODAY,
    advice,
    metric,
    sample_health,
    sample_low_value,
    sample_value,
)
from keepwell.rendering.sample_growth import (
    agreed_offer,
    growing_context,
    sample_offer,
    unknown_opportunity,
)
from keepwell.rendering.sample_shown import ACTIVE, figure, sample_peers, sample_shown, step
from scoring.levels import Level

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

_PRIYA = Person(
    name="Priya Raman",
    first_name="Priya",
    email="priya@brightdesk.example",
    phone="+44 20 7946 0101",
    title="Customer Success Manager",
)
_LENA = Person(
    name="Lena Hoffmann",
    first_name="Lena",
    email="lena@harbourfoods.example",
    phone="+49 30 23125 104",
    title="Head of Operations",
)


_BRIGHTDESK = Organisation(
    name="Brightdesk Ltd",
    product="Brightdesk",
    sender_name="Brightdesk",
    sender_address="hello@brightdesk.example",
    postal_address="Brightdesk Ltd, 12 Quay Street, Bristol BS1 4DJ, United Kingdom",
    booking_url="https://brightdesk.example/meet/priya?for=review&source=email",
    app_url="https://app.brightdesk.example",
    demo=True,
)


def sample_contexts() -> dict[str, Context]:
    """Every sample by name: a template has to work with all of them."""
    return {
        "full": full_context(),
        "growing": growing_context(full_context()),
        "alerted": alerted(full_context(), Trigger.USAGE_FALL),
        "bare": bare_context(),
        "awkward": awkward_context(),
    }


_TALK = CallFigures(
    hours="09:00 to 17:00 in Berlin, which is 08:00 to 16:00 in London",
    usual="4 of 6 emails were opened around 10:00 there",
    others=("Jonas Weber, +49 30 23125 110",),
    sent=("20 Nov 09:30 to Lena Hoffmann: “Can we make Brightdesk work for Harbour Foods?”, opened",),
    offers=("billing pause of up to 3 months", "plan downgrade with 30 days of grace"),
)

_ALERTS = (
    ToldAlert(
        id="01KAJ7Q2M3X9V5T8B1C4D6E7F1",
        customer="Harbour Foods",
        words="the score fell from 31.4 to 17.2, below 20",
        severity=AlertSeverity.CRITICAL,
        due=NOW + timedelta(hours=1),
    ),
    ToldAlert(
        id="01KAJ7Q2M3X9V5T8B1C4D6E7F2",
        customer="Alder Logistics",
        words="no event for 52 hours",
        severity=AlertSeverity.WARNING,
        due=NOW + timedelta(hours=20),
    ),
)


def full_context() -> Context:
    """A context of a customer in trouble in which everything optional is there."""
    return Context(
        organisation=_BRIGHTDESK,
        customer=CustomerFacts(
            name="Harbour Foods",
            plan="Team",
            industry="Food wholesale",
            segment="mid-market",
            months_with_us=14,
            monthly_revenue="1,240 EUR",
            renews_on=date(2027, 2, 1),
            facts={"region": "Hamburg"},
        ),
        recipient=_LENA,
        sender=_PRIYA,
        owner=_PRIYA,
        contact=_LENA,
        health=sample_health(),
        shown=sample_shown(),
        peers=sample_peers(),
        intervention=InterventionFacts(
            id="01KAJ7Q2M3X9V5T8B1C4D6E7F0",
            playbook="critical",
            version=3,
            title="Critical: win the customer back",
            started_at=NOW - timedelta(hours=2),
            day=1,
            acknowledged_by="",
            last_message="Can we make Brightdesk work for Harbour Foods?",
        ),
        why="No answer for 24 hours: a call reaches people whom emails don't",
        now=NOW,
        today=TODAY,
        notice=Notice(
            step="csm_outreach",
            what="Email from the CSM to Lena Hoffmann",
            reason="the mail server did not take it within an hour",
        ),
        value=sample_value(),
        offer=sample_offer(),
        talk=_TALK,
        alerts=_ALERTS,
        more_alerts=3,
        links=PersonalLinks(
            unsubscribe="https://keepwell.example/preferences/unsubscribe-from-this",
            preferences="https://keepwell.example/preferences/choose-among-all",
        ),
    )


def bare_context() -> Context:
    """A context in which everything that may be missing is missing."""
    full = full_context()
    nobody = Person(name="", first_name="")
    return full.model_copy(
        update={
            "organisation": Organisation(
                name="Brightdesk Ltd",
                product="our product",
                sender_name="",
                sender_address="",
                postal_address="",
                booking_url="",
                app_url="",
                demo=False,
            ),
            "customer": CustomerFacts(
                name="Harbour Foods",
                plan="",
                industry="",
                segment="",
                months_with_us=None,
                monthly_revenue="",
                renews_on=None,
            ),
            "recipient": nobody,
            "sender": nobody,
            "owner": None,
            "contact": None,
            "health": HealthFigures(score=0.0, level=Level.CRITICAL, coverage=0.5),
            "shown": ShownFigures(),
            "peers": Peers(count=0, likeness="", benchmarks=(), story=None),
            "intervention": full.intervention.model_copy(update={"last_message": ""}),
            "why": "",
            "notice": None,
            "alerts": (),
            "more_alerts": 0,
            "value": ValueFigures(missing=("hours_saved", "hourly_cost", "monthly_revenue")),
            "offer": None,
            "links": PersonalLinks(),
        }
    )


def awkward_context() -> Context:
    """A context with markup, line ends, emoji, right-to-left letters and overlong words in its names."""
    full = full_context()
    name = f"مطاعم الميناء 🍤 <script>alert(1)</script> & Söhne *GmbH*\r\nBcc: x@y.example {'Langeoog' * 20}"
    person = Person(
        name=f'ليلى "Lay" O\'Hara <b>{"x" * 80}',
        first_name="ليلى",
        email="l+x@y.example",
        title="<Head> & Co",
    )
    rate = metric("daily_active_rate", "Daily active rate", "12 %", points=3.0, lost=12.5)
    low = figure("daily_active_rate", ACTIVE, "12 %")
    offered = step(low, "talk to <them> & us", area="<all> & more")
    health = full.health.model_copy(
        update={
            "costly": (advice(rate, "talk to <them> & us"),),
            "improved": (),
            "before": None,
            "categories": (CategoryFigure(title="Usage & more", score=None, weight=40.0),),
        }
    )
    return full.model_copy(
        update={
            "customer": full.customer.model_copy(update={"name": name}),
            "recipient": person,
            "owner": person,
            "health": health,
            "shown": ShownFigures(steps=(offered,), unused=(offered,), used=(low,)),
            "value": sample_low_value(),
            "offer": agreed_offer(),
            "opportunity": unknown_opportunity(f"9 people use it, of a team of {name}"),
            "alert": awkward_alert(name),
            "alerts": (
                ToldAlert(
                    id="<b>1</b>", customer=name, words="<i>*words*</i> & more", severity=AlertSeverity.INFO
                ),
            ),
            "more_alerts": 0,
        }
    )
