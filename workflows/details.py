"""What an ops person reads in the Temporal UI about a run, in Markdown, without opening code."""

from datetime import datetime, timedelta

from keepwell.contracts.playbook import Step
from workflows.standing import Standing

SUMMARY_BYTES = 190
"""Temporal means summaries to be about 200 bytes."""


def cut(text: str) -> str:
    """A summary that is short enough, cut at a whole character."""
    raw = text.encode()
    return text if len(raw) <= SUMMARY_BYTES else raw[: SUMMARY_BYTES - 3].decode(errors="ignore") + "…"


def moment(at: datetime) -> str:
    """A moment as the UI shows it."""
    return f"{at:%a %d %b %Y %H:%M} UTC"


def next_words(state: Standing, step: Step | None, now: datetime) -> str:
    """What comes next, and when."""
    if state.clock is None:
        return "opening"
    at = state.entry.playbook.closes_at if step is None else state.due(step)
    what = "closes if nobody answers" if step is None else step.name
    if state.stands:
        until = "it is resumed" if state.paused else "the customer is well again"
        return f"{what}, {_left(at - state.clock.elapsed(now))} after {until}"
    return f"{what} at {moment(state.clock.moment(at, now))}"


def details(state: Standing, step: Step | None, now: datetime) -> str:
    """The current details of a run."""
    entry, opened = state.entry, state.opened
    if opened is None:
        return "The store has not opened this intervention yet."
    cause = entry.cause
    health = "never scored"
    if cause.level is not None and cause.score is not None:
        health = f"{cause.level.value}, score {cause.score:.1f}"
    lines = [
        f"**{opened.customer_name}** · `{entry.playbook.label}` · {health} · owner {state.owner or 'nobody'}",
        "",
        f"{entry.playbook.purpose}",
        "",
        f"Intervention `{opened.intervention}`, began {moment(opened.started_at)}.",
    ]
    if state.exit is not None:
        lines += ["", f"**Ended: {state.exit.outcome.value}** ({state.exit.why})"]
    elif state.paused and state.clock is not None:
        until = f"until {moment(state.clock.paused_until)}" if state.clock.paused_until else "until resumed"
        lines += ["", f"**Paused {until}**: {state.pause_reason or 'no reason given'}"]
    if state.exit is None and state.held:
        lines += ["", f"**Held:** {state.held}"]
    if state.exit is None:
        why = f" ({step.why})" if step else ""
        lines += ["", f"**Next:** {next_words(state, step, now)}{why}"]
        waiting = [one for one in state.plan if one.name in state.deferred and state.runs(one)]
        lines += [
            line
            for one in waiting
            for line in ("", f"**Put off:** {next_words(state, one, now)}: {state.deferred[one.name].why}")
        ]
    if entry.opportunity is not None:
        lines += ["", f"Opportunity: {entry.opportunity.words}"]
    if entry.alert is not None:
        lines += ["", f"Alert ({entry.alert.severity.value}): {entry.alert.words}"]
    if state.offer.state is not None:
        terms = f": {state.offer.terms.words}" if state.offer.terms else ""
        lines += ["", f"Offer {state.offer.state.value}{terms}."]
    lines += ["", f"Acknowledged by {state.acknowledged}." if state.acknowledged else "Not acknowledged yet."]
    done = [*(entry.carry.earlier if entry.carry else ()), *state.sent]
    lines += ["", "**So far** (UTC)", "", *(f"- {line}" for line in done)] if done else []
    return "\n".join(lines)


def _left(rest: timedelta) -> str:
    hours = max(0.0, rest.total_seconds() / 3600)
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"
