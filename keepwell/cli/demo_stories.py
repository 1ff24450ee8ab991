"""How `keepwell demo --once` prints its stories: at most 100 columns, readable without colours."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from rich.table import Table
from rich.text import Text

from keepwell.cli import words
from keepwell.cli.output import console, plain
from keepwell.demo.home import program
from keepwell.demo.told import Checks, Moment, OfferTold, Playing, Story
from keepwell.rendering.filters import number

WIDTH = 100
MARGIN = 25
"""Columns for day, time and offset, before the words of a moment."""
HOURS_UP_TO = timedelta(hours=96)
"""Until then a moment is named by its hour, as the promises of the grave playbooks are."""
QUOTED = 150
"""Letters of a sentence with money that are quoted at most."""

STYLES = {"begin": "bold", "end": "bold green", "person": "bold yellow", "hold": "bold yellow"}
STYLES |= {"left_out": "bold red", "escalation": "bold red", "score": "bold cyan"}
INTRODUCTION = (
    "{count} stories, each on a virtual clock. Workflows, activities, gate and send ledger are those of "
    "production; messages stay in an outbox. Times are UTC. Emails are in the CSM's name unless another is "
    "named. What a step is for stands after a dash, where it comes first."
)
_MONEY = re.compile(r"[$€£¥]\d")
_WHOLE_SCORE, _POINTS = re.compile(r"\b(score \d+)\.0\b"), r"\1"
"""The engine's words have a score of 69.0 where subjects of messages have 69."""
_BY_HAND, _DONE = re.compile(r"^Step (\w+) was (completed|skipped) by hand$"), r"\2 \1"


def print_playing(playing: Playing) -> None:
    """Each story with its dated timeline, then all of them in a table, then what was checked."""
    _line()
    _paragraph(Text(INTRODUCTION.format(count=len(playing.stories))))
    known: set[str] = set()
    for place, story in enumerate(playing.stories, 1):
        _print_story(place, story, known)
    _print_summary(playing)


def _print_story(place: int, story: Story, known: set[str]) -> None:
    """`known` are the reasons and sentences that the reader has read before."""
    _line()
    title = f"{place} · {plain(story.customer)}: {plain(story.title)}"
    _paragraph(Text(title, style="bold underline"), indent=0)
    _paragraph(Text(plain(story.plot), style="italic"))
    score = f", score {number(story.score)}" if len(story.levels) == 1 else ""
    levels = " → ".join(story.levels)
    _paragraph(Text(plain(f"{levels}{score} · {story.about} · CSM {story.owner}"), style="dim"))
    if story.worth:
        _paragraph(Text(plain(f"What they get out of it: {story.worth}"), style="dim"))
    _line()
    day, carried = "", {moment.attached for moment in story.moments}
    texts = {moment.step: moment for moment in story.moments if moment.kind == "document"}
    for moment in story.moments:
        if moment.kind == "document" and moment.step in carried:
            continue
        today, clock = _moment(moment.at).rsplit(" ", 1)
        when = f"{today if today != day else '':<10} {clock} "
        quote = _money(moment) or (_money(texts[moment.attached]) if moment.attached in texts else "")
        _print_moment(f"{when}{_offset(story, moment):<8}", _words(moment, story.owner, quote, known))
        day = today
    _print_moment(" " * MARGIN, _ending(story))


def _print_moment(when: str, words_of_it: Text) -> None:
    for row, line in enumerate(words_of_it.wrap(console(), _width() - MARGIN)):
        line.rstrip()
        _line(Text.assemble((when, "dim"), line) if row == 0 else Text.assemble(" " * MARGIN, line))


def _offset(story: Story, moment: Moment) -> str:
    """How long after the beginning: "+72 h", in long stories "day 9"."""
    since = moment.at - story.started_at
    if story.lasted <= HOURS_UP_TO:
        return f"+{_hours(since)}"
    # Days of the calendar, so that what stands on one date has one number.
    return f"day {(_minute(moment.at).date() - _minute(story.started_at).date()).days}"


def _hours(span: timedelta) -> str:
    return f"{round(span.total_seconds() / 360) / 10:g} h"


def _lasted(story: Story) -> str:
    return _hours(story.lasted) if story.lasted <= HOURS_UP_TO else words.length(story.lasted)


def _words(moment: Moment, owner: str, quote: str, known: set[str]) -> Text:
    """A moment in words: what, to whom, by which channel, and after a dash why; `quote` speaks of money."""
    head = plain(_head(moment, owner))
    text = Text(head, style=STYLES.get(moment.kind, "bold"))
    if moment.kind in ("message", "document", "task", "escalation"):
        text.append(f" “{plain(moment.what)}”", style="not bold cyan")
    elif moment.kind != "left_out":
        text.append(f"{' ' if head else ''}{_BY_HAND.sub(_DONE, plain(moment.what))}")
    why = f" – {_WHOLE_SCORE.sub(_POINTS, plain(moment.why))}" if moment.why else ""
    if moment.kind == "person" and moment.by:
        why = f" – “{plain(moment.why)}”" if why else ""
    elif moment.step and moment.kind != "left_out":
        why = _new(f"{moment.playbook} {moment.step}", why, known)
    text.append(why, style="not bold dim")
    text.append(_new(quote, f"\n│ {plain(quote)}" if quote else "", known), style="not bold green")
    return text


def _new(key: str, words_of_it: str, known: set[str]) -> str:
    """The words where the reader has not read them before."""
    if key in known:
        return ""
    known.add(key)
    return words_of_it


def _head(moment: Moment, owner: str) -> str:
    """What stands before the words of the moment itself; an email in the CSM's own name names no sender."""
    due = f", due {_moment(moment.due)}" if moment.due else ""
    match moment.kind:
        case "message":
            sender = f", from {moment.by}" if moment.by not in ("", owner) else ""
            more = f", with the {moment.attached.replace('_', ' ')} attached" if moment.attached else ""
            return f"{'Slack' if moment.channel == 'slack' else moment.channel} → {moment.to}{sender}{more}"
        case "document":
            return "document"
        case "task":
            return f"task → {moment.to}{due}"
        case "offer":
            return f"offer{f' until {_moment(moment.due)}' if moment.due else ''}:"
        case "escalation":
            by = moment.channel.replace("slack", "Slack")
            return f"escalated → {moment.to}, by {by}{due}"
        case "left_out":
            return f"{moment.what}; task → {moment.to}{due}"
        case "person":
            return f"{moment.by}:" if moment.by else ""
        case "hold":
            return f"{moment.playbook}:"
        case _:
            return ""


def _money(moment: Moment) -> str:
    """What an email or a document says about money, in its own words; empty where it says nothing."""
    if moment.channel not in ("email", "document"):
        return ""
    lines = (line for line in moment.text.splitlines() if not line.startswith("-"))
    return words.one_line(next((line for line in lines if _MONEY.search(line)), ""), QUOTED)


def _ending(story: Story) -> Text:
    tally = story.tally
    text = Text(f"→ {_ended(story)}: ", style="bold green")
    text.append(
        f"{words.count(tally.messages, 'message')}, {words.count(tally.tasks, 'task')}, "
        f"{words.count(tally.escalations, 'escalation')}",
        style="not bold default",
    )
    if story.offer is not None:
        text.append(f"; {plain(_offer(story.offer))}", style="not bold default")
    return text


def _ended(story: Story) -> str:
    """How it ended and when; where the offer was decided long before, when that was as well."""
    offer = story.offer
    decided = offer.decided_at if offer is not None and offer.state == story.outcome else None
    if decided is None or _minute(decided).date() == _minute(story.ended_at).date():
        return f"{story.outcome} after {_lasted(story)}"
    days = (_minute(decided).date() - _minute(story.started_at).date()).days
    return f"{story.outcome} on day {days}, ended after {_lasted(story)}"


def _offer(offer: OfferTold) -> str:
    """What became of an offer, with its terms."""
    agreed = f": {offer.terms.words}" if offer.terms else ""
    if offer.decided_at == offer.offered_at:
        return f"agreed on {_moment(offer.offered_at)}, before an offer went out{agreed}"
    seen = f", seen {_moment(offer.seen_at)}" if offer.seen_at and offer.seen_at != offer.decided_at else ""
    decided = f", {offer.state} {_moment(offer.decided_at)}{agreed}" if offer.decided_at else ""
    return f"offer of {_moment(offer.offered_at)} until {_moment(offer.valid_until)}{seen}{decided}"


def _print_summary(playing: Playing) -> None:
    _line()
    _line(Text("All stories (demo data)", style="bold underline"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("Story", "Customer", "Outcome"):
        table.add_column(title, no_wrap=title == "Outcome")
    for title in ("Lasted", "Messages", "Tasks", "Escalated"):
        table.add_column(title, no_wrap=True, justify="right")
    for place, story in enumerate(playing.stories, 1):
        tally = story.tally
        table.add_row(
            f"{place} {plain(story.title)}",
            plain(story.customer),
            story.outcome,
            _lasted(story),
            str(tally.messages),
            str(tally.tasks),
            str(tally.escalations),
        )
    for segments in console().render_lines(table, console().options.update_width(_width()), pad=False):
        line = Text.assemble(*((segment.text, segment.style or "") for segment in segments))
        line.rstrip()
        _line(line)
    _line()
    for text in _checked(playing):
        _paragraph(text)
    _line()


def _checked(playing: Playing) -> Iterator[Text]:
    checks = playing.checks
    yield _check(checks.decided, f"{checks.changes} changes of level = {_decided(checks)}")
    yield _check(
        checks.once,
        f"{checks.accepted} messages accepted under {checks.keys} keys: at most {checks.most_under_a_key} "
        "under each",
    )
    yield _check(checks.ended, f"{words.count(checks.still_open, 'playbook')} left open")
    asked = sum(story.tally.asked for story in playing.stories)
    refused = sum(story.tally.refused for story in playing.stories)
    yield Text(
        f"The gate was asked before each message: {asked} times, {refused} × no or not now"
        f"{_unsent(sum(story.tally.unsent for story in playing.stories))}",
        style="dim",
    )
    yield Text(f"With a Temporal UI and an outbox to look into: {shlex.quote(program())} demo", style="dim")


def _decided(checks: Checks) -> str:
    """What the changes of level have brought about; a recovery that ends a playbook starts none."""
    parts = [f"{checks.started} started a playbook"]
    if checks.recovered:
        parts.append(f"{checks.recovered} ended one")
    if checks.refused > checks.recovered or not checks.recovered:
        parts.append(f"{checks.refused - checks.recovered} refused with a reason")
    return " + ".join(parts)


def _unsent(messages: int) -> str:
    return f"; {words.count(messages, 'message')} found nobody who may be written to" if messages else ""


def _check(holds: bool, text: str) -> Text:
    return Text(f"{'ok   ' if holds else 'WRONG'} {text}", style="" if holds else "bold red")


def _moment(at: datetime) -> str:
    """To the nearest minute: what people do on the virtual clock takes it some milliseconds on."""
    return f"{_minute(at):%a %d %b %H:%M}"


def _minute(at: datetime) -> datetime:
    return at.astimezone(UTC) + timedelta(seconds=30)


def _paragraph(text: Text, indent: int = 2) -> None:
    for line in text.wrap(console(), _width() - indent):
        line.rstrip()
        _line(Text.assemble(" " * indent, line))


def _width() -> int:
    return min(WIDTH, console().width)


def _line(text: Text | None = None) -> None:
    # Wrapped by us, to the same width everywhere.
    console().print(text or Text(), soft_wrap=True)
