"""Letters in the store, on both engines; the rest of them is tested through their endpoint."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlmodel import select

from keepwell.db.engine import Store
from keepwell.db.repositories import suppressing
from keepwell.db.repositories.inbound import take_letter
from keepwell.db.repositories.views_inbox import letters
from keepwell.db.tables import PendingCommand, Task
from keepwell.letters import Letter
from keepwell.message_ids import message_id
from tests.unit.adapters.messages import email
from tests.unit.db.mailed import ADDRESS, mailed
from tests.unit.db.world import NOW


def letter(key: str, text: str = "Stop") -> Letter:
    return Letter(
        message_id="<1@customer.example>",
        from_address=ADDRESS.upper(),
        from_name="Pat",
        subject="Re: Your plan",
        text=text,
        received_at=NOW,
        headers={"in-reply-to": (message_id(email(key=key)),)},
    )


def test_an_answer_that_comes_many_times_at_once_counts_once(store: Store) -> None:
    world, key = mailed(store)
    with ThreadPoolExecutor(4) as several:
        effects = list(several.map(lambda _: take_letter(world.store, letter(key), ""), range(8)))
    assert sorted(effects) == ["answer, no more emails", *["known already"] * 7]
    with store.read() as session:
        assert len(session.exec(select(PendingCommand)).all()) == 1
        assert [task.kind for task in session.exec(select(Task)).all()] == ["reply"]
        assert suppressing.suppressed(session, "org-1", [ADDRESS]) == {ADDRESS: "unsubscribed: wrote “Stop”"}
        [line] = letters(session, "org-1")
        assert (line.customer, line.intervention_id, line.automatic) == ("Acme", "one", False)
        assert letters(session, "another") == ()
