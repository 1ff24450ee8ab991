"""The feed's statements on both engines."""

from __future__ import annotations

from datetime import timedelta

from keepwell.db.engine import Store
from keepwell.db.repositories import feed
from keepwell.db.repositories.feed import FeedCount, FeedState
from keepwell.db.tables import InAppNotification
from tests.unit.db.world import NOW, World


def test_pages_counts_steps_and_what_is_new(store: Store) -> None:
    world = World(store)
    world.customer("acme")
    world.contact("lena", "acme")
    for number in range(1, 5):
        world.add(
            InAppNotification(
                id=f"n{number}",
                key=f"k{number}",
                organisation_id=world.organisation,
                customer_id="acme",
                contact_id="lena",
                title="A",
                body="B",
                # Two of one moment: the id decides.
                created_at=NOW + timedelta(seconds=number // 2),
            )
        )
    with store.read() as session:
        first = feed.feed_page(session, "lena", limit=2)
        rest = feed.feed_page(session, "lena", limit=2, before=first.next)
        assert [one.id for one in (*first.notifications, *rest.notifications)] == ["n4", "n3", "n2", "n1"]
        assert rest.next is None
    with store.write() as session:
        feed.mark_seen(session, "lena", ["n1", "n2"], NOW)
        feed.move(session, "lena", "n2", FeedState.READ, NOW)
        feed.move(session, "lena", "n4", FeedState.DISMISSED, NOW)
    with store.read() as session:
        standing = feed.standings(session, ["lena", "nobody"])
        assert standing["lena"].count == FeedCount(unseen=1, unread=2)
        assert standing["nobody"].count == FeedCount()
        assert [one.id for one in feed.newer(session, {"lena": "n1"})["lena"]] == ["n2", "n3"]
