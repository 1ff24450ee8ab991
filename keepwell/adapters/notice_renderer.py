"""Puts notices of alerts into words. Their templates are not pinned: a notice is written when it goes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from keepwell.contracts.notices import NoticeBatch
from keepwell.contracts.playbook import Channel
from keepwell.contracts.rendering import (
    Context,
    CustomerFacts,
    HealthFigures,
    InterventionFacts,
    Person,
    Rendered,
)
from keepwell.contracts.rendering import Organisation as OrganisationFacts
from keepwell.contracts.shown import Peers, ShownFigures
from keepwell.db.engine import Store
from keepwell.db.tables import Organisation
from keepwell.rendering.bundle import OWN_TEMPLATES, load_bundle
from keepwell.rendering.guarded import render

TEMPLATES = {Channel.EMAIL: "email/alerts/notice", Channel.SLACK: "slack/alerts/notice"}


class StoreNoticeRenderer:
    """Implements the port `NoticeRenderer`; the first folder that has a file wins."""

    def __init__(self, store: Store, folders: tuple[Path, ...] = (OWN_TEMPLATES,)) -> None:
        self._store = store
        self._folders = folders

    def render(self, batch: NoticeBatch, now: datetime) -> Rendered:
        """The text of a message."""
        with self._store.read() as session:
            ours = session.get_one(Organisation, batch.organisation)
        bundle = load_bundle(TEMPLATES[batch.channel], self._folders)
        return render(bundle, _context(ours, batch, now), to_customers=False)


def _context(ours: Organisation, batch: NoticeBatch, now: datetime) -> Context:
    name = batch.recipient.name if batch.recipient.id else ""
    local = now.astimezone(ZoneInfo(batch.recipient.time_zone))
    return Context(
        organisation=OrganisationFacts(
            name=ours.name,
            product=ours.product,
            sender_name=ours.sender_name,
            sender_address=ours.sender_address,
            postal_address=ours.postal_address,
            booking_url=ours.booking_url,
            app_url=ours.app_url,
            demo=ours.demo,
        ),
        customer=CustomerFacts(
            name=batch.alerts[0].customer,
            plan="",
            industry="",
            segment="",
            months_with_us=None,
            monthly_revenue="",
            renews_on=None,
        ),
        recipient=Person(name=name, first_name=name.partition(" ")[0]),
        sender=Person(name="", first_name=""),
        owner=None,
        contact=None,
        health=HealthFigures(score=None, level=None),
        shown=ShownFigures(),
        peers=Peers(count=0, likeness="", benchmarks=(), story=None),
        intervention=InterventionFacts(
            id="",
            playbook="",
            version=0,
            title="",
            started_at=now,
            day=1,
            acknowledged_by="",
            last_message="",
        ),
        why="",
        now=local,
        today=local.date(),
        alerts=batch.alerts,
        more_alerts=batch.more,
    )
