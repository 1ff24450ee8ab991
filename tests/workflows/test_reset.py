"""`workflow reset`, to wherever, sends nothing again: not to the outbox, not to the live providers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta

import pytest

from keepwell.contracts.commands import Acknowledge, Pause, Respond, Resume
from keepwell.contracts.playbook import Family
from scoring.signal import Signal
from tests.workflows.consistency import waits
from tests.workflows.providers import Providers
from tests.workflows.resetting import Reset, finished_tasks, reset
from tests.workflows.stage import DAY, HOUR, Stage
from workflows.critical import CRITICAL


def first_hours(key: str) -> set[str]:
    """What goes out in the first three hours of the critical playbook, where nobody acknowledges it."""
    letters = {f"{step}/{key}-0/email" for step in ("executive_email", "csm_outreach", "roadmap_email")}
    return letters | {"alert_csm/dana/slack", "tell_cover/omar/slack", "escalate/lena/slack"}


def all_of_it(key: str) -> set[str]:
    """What has gone out by its end, where the customer does not answer either."""
    return first_hours(key) | {f"alternative_contact/{key}-1/email", f"final_offer/{key}-0/email"}


def messages(keys: Iterable[str]) -> set[str]:
    """Step, recipient and channel of messages, from their keys in the ledger."""
    return {key.split("/", 3)[3] for key in keys}


def escalations(stage: Stage, key: str) -> list[tuple[str, str | None, str]]:
    """Step, owner and state of the tasks of those whom silence was told to."""
    tasks = [task for task in stage.tasks(key) if task.kind == "escalation"]
    return [(task.step, task.owner_id, task.state) for task in tasks]


async def test_a_reset_to_the_beginning_keeps_the_intervention(stage: Stage) -> None:
    """`workflow reset` gives a new run id; the start stamp stays, so nothing is opened or sent again."""
    key = stage.customer("acme")
    await stage.score(key, 12)
    opened = await stage.opened(key)
    await stage.forward(key, 3 * HOUR)
    before = [row.key for row in stage.outbox(key)]
    assert len(before) == 6
    assert messages(before) == first_hours(key)
    await reset(stage.skipper.client, stage.handle(key).id, 0)
    await stage.forward(key, 4 * HOUR)
    assert [row.key for row in stage.outbox(key)] == before
    assert [row.id for row in stage.interventions(key)] == [opened.id]


async def test_a_reset_after_the_end_plays_nothing_again(stage: Stage) -> None:
    key = stage.customer("acme")
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.forward(key, 3 * HOUR)
    await stage.command(key, Respond)
    await stage.handle(key).result()
    before = [row.key for row in stage.outbox(key)]
    await reset(stage.skipper.client, stage.handle(key).id, 0)
    result = await stage.handle(key).result()
    assert result["outcome"] == "not_opened"
    assert "has ended: The customer answered" in result["why"]
    assert [row.key for row in stage.outbox(key)] == before
    assert stage.interventions(key)[0].outcome == "responded"


async def test_a_reset_to_any_moment_sends_nothing_again_to_the_live_providers(
    live_stage: Stage, providers: Providers
) -> None:
    """To five moments of a run, from its first task to its last, one reset after the other."""
    key = live_stage.customer("acme")
    await live_stage.score(key, 12)
    await live_stage.opened(key)
    await live_stage.forward(key, 3 * HOUR)
    await live_stage.command(key, Acknowledge)
    await live_stage.forward(key, 3 * DAY)
    before = providers.counts()
    assert set(before.values()) == {1}
    assert messages(before) == all_of_it(key)
    in_hand = [("tell_cover", "omar", "done"), ("escalate", "lena", "done")]
    assert escalations(live_stage, key) == in_hand
    steps = live_stage.steps(live_stage.interventions(key)[0].id)
    client, name = live_stage.skipper.client, live_stage.handle(key).id
    runs = {(await live_stage.handle(key).describe()).run_id}
    for share in (0, 0.25, 0.5, 0.75, 1):
        count = len(await finished_tasks(client, name))
        await reset(client, name, round(share * (count - 1)))
        runs.add((await live_stage.handle(key).describe()).run_id)
        await live_stage.forward(key, 3 * DAY + 3 * HOUR)
        assert providers.counts() == before, f"after a reset to {share:.0%} of the run"
        assert live_stage.steps(live_stage.interventions(key)[0].id) == steps
        assert escalations(live_stage, key) == in_hand
    assert len(runs) == 6, "each reset made a run of its own"
    result = await live_stage.until_end(key)
    assert result["outcome"] == "completed"
    assert providers.counts() == before
    assert len(live_stage.interventions(key)) == 1


async def test_a_reset_while_a_message_is_under_way_sends_it_once(
    live_stage: Stage, providers: Providers
) -> None:
    """The old run's attempt is still at the provider when the new run reaches the same step."""
    providers.mail.script(path="mail/send", key="executive_email", times=1, wait_before=1.5)
    key = live_stage.customer("acme")
    await live_stage.score(key, 12)
    await live_stage.opened(key)
    await live_stage.eventually(lambda: providers.mail.asked("mail/send", "executive_email"), bool)
    await reset(live_stage.skipper.client, live_stage.handle(key).id, 0)
    await live_stage.eventually(
        lambda: [row.state for row in live_stage.deliveries(key) if row.step == "executive_email"],
        lambda states: states == ["accepted"],
    )
    await live_stage.forward(key, 3 * HOUR)
    assert set(providers.counts().values()) == {1}
    assert messages(providers.counts()) == first_hours(key)
    assert providers.mail.asked("mail/send", "executive_email") == 1
    rows = live_stage.deliveries(key)
    assert messages(row.key for row in rows) == first_hours(key)
    assert {row.state for row in rows} == {"accepted"}
    assert live_stage.steps(live_stage.interventions(key)[0].id)["executive_email"] == "done"


Play = Callable[[Reset], Awaitable[None]]


async def side_by_side(cases: Sequence[Reset], play: Play) -> None:
    """Play for each customer: a skip of the clock takes real time. Name those that fail."""
    failed = await asyncio.gather(*(play(case) for case in cases), return_exceptions=True)
    errors: list[BaseException] = []
    for case, error in zip(cases, failed, strict=True):
        if error is not None:
            error.add_note(f"customer {case.key}")
            errors.append(error)
    if errors:
        raise BaseExceptionGroup(f"{len(errors)} of {len(cases)} cases", errors)


def ended(case: Reset, count: int) -> None:
    """So many interventions, all of them over, each step settled, and nobody has had anything twice."""
    rows = case.stage.interventions(case.key)
    assert len(rows) == count
    assert all(row.outcome for row in rows)
    assert set(case.taken().values()) == {1}
    for row in rows:
        assert set(case.stage.steps(row.id).values()) <= {"done", "cancelled"}


async def test_a_run_that_a_take_over_opened_can_be_reset(live_stage: Stage, providers: Providers) -> None:
    """To its first, a middle and its last finished workflow task."""
    shares = {"first": 0.0, "middle": 0.5, "last": 1.0}

    async def play(case: Reset) -> None:
        opened, key = case.stage, case.stage.customer(case.key)
        await opened.score(key, 50)
        await opened.opened(key)
        await opened.forward(key, 25 * HOUR)
        await opened.score(key, 12)
        await opened.opened(key, 2)
        await waits(opened, key, CRITICAL)
        await opened.forward(key, 3 * HOUR)
        await opened.command(key, Acknowledge)
        await opened.forward(key, 3 * DAY)
        count, before = await case.tasks(), case.written()
        assert messages(case.taken()) == {f"value_email/{key}-0/email"} | all_of_it(key)
        assert set(case.taken().values()) == {1}
        await case.to(round(shares[key] * (count - 1)))
        assert case.written() == before
        result = await opened.until_end(key)
        assert (result["outcome"], result["intervention"]) == ("completed", case.row.id)
        assert case.taken() == before["taken"]
        assert [row.outcome for row in opened.interventions(key)] == ["superseded", "completed"]
        ended(case, 2)

    await side_by_side([Reset(live_stage, providers, key) for key in shares], play)


async def expanding(case: Reset) -> dict[str, int]:
    """A campaign that has made its offer, is held on day 1 and released on day 3; its moments' tasks."""
    opened, key = case.stage, case.stage.customer(case.key)
    moments = {"first": 1}
    await opened.expand(key, Signal.USAGE_LIMIT_APPROACHING, usage_percentage=88.0)
    await opened.opened(key)
    await opened.forward(key, DAY, "expansion")
    moments["before"] = await case.tasks()
    await opened.score(key, 12)
    await opened.opened(key, 2)
    await opened.forward(key, HOUR / 2)
    await opened.eventually(lambda: case.row.held_why, bool)
    moments["held"] = await case.tasks()
    await opened.forward(key, 2 * DAY, "expansion")
    return moments


async def recover(case: Reset) -> None:
    """The customer is well, and the campaign goes on."""
    await case.stage.score(case.key, 85)
    await case.stage.handle(case.key).result()
    await case.stage.eventually(lambda: case.row.held_why, lambda why: why == "")
    await case.now()


def mails(case: Reset) -> list[str]:
    """The campaign's emails that the customer has, sorted."""
    ours = [key.split("/") for key in case.taken() if key.split("/")[1] == case.row.id]
    return sorted(parts[3] for parts in ours if parts[-1] == "email")


async def held(case: Reset) -> None:
    """Reset while it is held: it stays held, with its offer, and goes on when the customer is well."""
    moments, before = await expanding(case), case.written()
    assert mails(case) == ["celebration"]
    assert len(case.offers()) == 1
    await case.to(moments[case.key] - 1)
    assert case.written() == before
    await case.stage.forward(case.key, 4 * DAY, "expansion")
    assert case.written() == before
    await recover(case)
    # Day 3 of its own clock has come by now, wherever the reset has set the clock back to.
    await case.stage.forward(case.key, 3 * DAY + HOUR, "expansion")
    assert mails(case) == ["celebration", "worth_it"]
    await campaign_ends(case)


async def campaign_ends(case: Reset) -> None:
    """All three emails, each once, and the end that nobody has answered."""
    result = await case.stage.until_end(case.key, "expansion")
    assert (result["outcome"], result["intervention"]) == ("completed", case.row.id)
    assert mails(case) == ["celebration", "final_reminder", "worth_it"]
    ended(case, 2)


async def released(case: Reset) -> None:
    """Reset when it is not held any more: what it has stood still counts, and the next email waits for it."""
    moments = await expanding(case)
    await recover(case)
    moments["released"] = await case.tasks()
    before = case.written()
    assert case.row.shift >= 2 * DAY
    await case.to(moments[case.key] - 1)
    assert case.written() == before
    await case.stage.forward(case.key, 2 * DAY - HOUR, "expansion")
    assert mails(case) == ["celebration"], "day 3 of its own clock has not come"
    await case.stage.forward(case.key, 2 * HOUR, "expansion")
    assert mails(case) == ["celebration", "worth_it"]
    await campaign_ends(case)


async def pausing(case: Reset, length: timedelta | None = None) -> dict[str, int]:
    """A critical run that is paused 3 hours after its start, 2 days ago; its moments' tasks."""
    opened, key = case.stage, case.stage.customer(case.key)
    await opened.score(key, 12)
    await opened.opened(key)
    await opened.forward(key, 3 * HOUR)
    moments = {"first": 1, "before": await case.tasks()}
    until = opened.clocks[key] + length if length is not None else None
    await opened.command(key, Pause, until=until, reason="They are moving office")
    await opened.eventually(lambda: case.row.paused, bool)
    assert case.row.paused_until == until
    moments["after"] = await case.tasks()
    await opened.forward(key, 2 * DAY)
    return moments


async def paused(case: Reset) -> None:
    """Reset while it is paused: it stays so until the same moment, or until somebody resumes it."""
    moments = await pausing(case, 30 * DAY)
    before, until = case.written(), case.row.paused_until
    assert before["stands"] == [(True, until, "They are moving office", "")]
    await case.to(moments[case.key] - 1)
    assert case.written() == before
    await case.stage.forward(case.key, 2 * DAY)
    assert case.written() == before
    await case.stage.command(case.key, Resume)
    await case.now()
    # Hour 24 of its own clock has come by now, wherever the reset has set the clock back to.
    await case.stage.forward(case.key, 22 * HOUR)
    assert case.stage.steps(case.row.id)["phone_call"] == "done"
    await critical_ends(case)


async def critical_ends(case: Reset) -> None:
    """All messages, each once, and the end that nobody has answered."""
    result = await case.stage.until_end(case.key)
    assert (result["outcome"], result["intervention"]) == ("completed", case.row.id)
    assert messages(case.taken()) == all_of_it(case.key)
    ended(case, 1)


async def resumed(case: Reset) -> None:
    """Reset when it goes on: what it has stood still counts, and the next step waits for it."""
    moments = await pausing(case)
    await case.stage.command(case.key, Resume)
    moments["resumed"] = await case.tasks()
    before = case.written()
    assert case.row.shift >= 2 * DAY
    await case.to(moments[case.key] - 1)
    assert case.written() == before
    await case.stage.forward(case.key, 20 * HOUR)
    assert case.written() == before, "hour 24 of its own clock has not come"
    await case.stage.forward(case.key, 2 * HOUR)
    assert case.stage.steps(case.row.id)["phone_call"] == "done"
    assert messages(case.taken()) == first_hours(case.key)
    await case.stage.forward(case.key, 22 * HOUR)
    assert messages(case.taken()) == first_hours(case.key), "hour 48 of its own clock has not come"
    await case.stage.forward(case.key, 2 * HOUR)
    other = f"alternative_contact/{case.key}-1/email"
    assert messages(case.taken()) == first_hours(case.key) | {other}
    await critical_ends(case)


@pytest.mark.parametrize(
    ("play", "family", "moments"),
    [
        (held, "expansion", ("first", "before", "held")),
        (released, "expansion", ("first", "before", "held", "released")),
        (paused, "risk", ("first", "before", "after")),
        (resumed, "risk", ("first", "before", "after", "resumed")),
    ],
)
async def test_a_run_that_stands_or_has_stood_still_can_be_reset(
    play: Play,
    family: Family,
    moments: tuple[str, ...],
    live_stage: Stage,
    providers: Providers,
) -> None:
    """To the moments before and after it was stopped, and to those before and after it went on."""
    await side_by_side([Reset(live_stage, providers, key, family) for key in moments], play)
