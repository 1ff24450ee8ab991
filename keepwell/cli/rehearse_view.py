"""How a rehearsal shows itself in a terminal: the dated timeline, and two of them side by side."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from keepwell.cli import words
from keepwell.cli.output import LEVEL_STYLES, console, plain, say
from keepwell.rehearsal.compare import Change, Comparison, Pair
from keepwell.rehearsal.timeline import Entry, Message, Offered, Timeline
from keepwell.spans import offset_words, span_words

LINES_SHOWN = 12
BAR = "  │ "
STATE_STYLES = {
    "skipped": "yellow",
    "deferred": "yellow",
    "missed": "bold red",
    "held": "bold red",
    "refused": "bold red",
    "planned": "cyan",
    "cancelled": "dim",
}
KIND_STYLES = {"person": "bold yellow", "pause": "bold yellow", "end": "bold green", "score": "bold cyan"}
LIKENESS_STYLES = {
    "same": "dim",
    "changed": "bold yellow",
    "only_left": "bold red",
    "only_right": "bold green",
}


def print_rehearsed(rehearsed: Timeline | Comparison, *, brief: bool) -> None:
    """A timeline, or two side by side; `brief` leaves out the texts of messages."""
    if isinstance(rehearsed, Comparison):
        _print_comparison(rehearsed, brief=brief)
    else:
        _print_timeline(rehearsed, brief=brief)


def _print_timeline(timeline: Timeline, *, brief: bool) -> None:
    _print_header(timeline)
    _print_notes(timeline.notes)
    _print_lines("What happens", timeline.entries, brief=brief)
    _print_lines("What would still come", timeline.ahead, brief=brief)
    _print_lines("What is not needed any more", timeline.left_out, brief=True)
    say()
    for ending in timeline.endings:
        say(
            Text(f"{ending.playbook}: {ending.outcome or 'still open'}", style="bold"),
            f" – {ending.why}" if ending.why else "",
        )
    _print_refused(timeline)
    say(_totals(timeline), style="dim")


def _print_refused(timeline: Timeline) -> None:
    for one in timeline.refused:
        what = f"{offset_words(one.offset)}: {one.title[:1].lower()}{one.title[1:]}"
        say(Text(plain(f"  ! {what} came to nothing. {one.why}"), style="yellow"))


def _print_header(timeline: Timeline) -> None:
    level = timeline.level
    demo = " (demo data)" if timeline.demo else ""
    say(
        Text(f"Rehearsal of {timeline.playbook} for {plain(timeline.customer)}{demo}", style="bold"),
        f"  score {timeline.score:.1f} ",
        Text(level.value, style=LEVEL_STYLES[level]) if level else "",
    )
    say(timeline.title, style="dim")
    if timeline.opportunity:
        say(timeline.opportunity, style="dim")
    say(f"Nothing is sent. Times are {timeline.zone}.", style="dim")
    for line in timeline.script:
        say("  · ", line)


def _print_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        say("  ! ", note, style="yellow")


def _totals(timeline: Timeline) -> str:
    return (
        f"{timeline.letters} to the customer, {timeline.tasks} for people, over {span_words(timeline.lasted)}"
    )


def _print_lines(title: str, entries: tuple[Entry, ...], *, brief: bool) -> None:
    if not entries:
        return
    say()
    say(title, style="bold underline")
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for entry in entries:
        grid.add_row(_when(entry), _what(entry, brief=brief))
    console().print(grid)


def _when(entry: Entry) -> Text:
    return Text(f"{entry.at:%a %d %b %H:%M}\n") + Text(offset_words(entry.offset), style="dim")


class Quote:
    """A message or document as its reader sees it: a bar stands before each line, also those we break."""

    def __init__(self, body: str) -> None:
        self._text = Text(plain(body).strip())

    def __rich_console__(self, out: Console, options: ConsoleOptions) -> RenderResult:
        """Wrapped to what the bar leaves of the width."""
        wide = max(options.max_width - len(BAR), 1)
        for line in self._text.wrap(out, wide, overflow="fold"):
            line.rstrip()
            yield Text.assemble(BAR, line)


def _what(entry: Entry, *, brief: bool) -> Group:
    text = Text(plain(f"{entry.step}: " if entry.step else ""), style="bold")
    text.append(plain(entry.title), style=KIND_STYLES.get(entry.kind, "bold"))
    if entry.state not in ("done", ""):
        text.append(f"  {entry.state}", style=STATE_STYLES.get(entry.state, "yellow"))
    if entry.who and not entry.messages and not entry.tasks:
        text.append(f" ({plain(entry.who)})", style="")
    return Group(text, *_below(entry, brief=brief))


def _below(entry: Entry, *, brief: bool) -> Iterator[Text | Quote]:
    """What stands below what the entry is called: messages, the offer, tasks, a document, and why."""
    for message in entry.messages:
        yield from _message(message, brief=brief)
    if entry.offer is not None:
        yield from _offer(entry.offer)
    for task in entry.tasks:
        due = f"{task.due_at:%d %b %H:%M}"
        line = Text(f"task for {plain(task.owner) or 'nobody'}, due {due}: {plain(task.title)}", style="cyan")
        if task.late:
            line.append("  not done in time", style="yellow")
        yield line
        if task.detail and not brief:
            yield Quote(task.detail)
    if entry.text and not brief:
        yield Quote(entry.text)
    for gate in entry.gate:
        until = f" until {gate.until:%d %b %H:%M}" if gate.until else ""
        reason = f": {plain(gate.reason)}" if gate.reason else ""
        yield Text(f"gate: {gate.answer}{until}{reason}", style="dim" if gate.answer == "now" else "yellow")
    for why in (entry.why, entry.reason):
        if why:
            yield Text(plain(why), style="dim")


def _offer(offer: Offered) -> Iterator[Text]:
    """What it offers and until when; what becomes of it has a line of its own, later."""
    until = f"to be taken until {offer.until:%d %b %H:%M}"
    yield Text("agreed before it went out" if offer.early else until, style="cyan")
    for option in offer.options:
        yield Text(f"  · {plain(option)}")


def _message(message: Message, *, brief: bool) -> Iterator[Text | Quote]:
    address = f" <{plain(message.address)}>" if message.address else ""
    sender = f", from {plain(message.sender)}" if message.sender else ""
    yield Text(f"→ {plain(message.recipient)}{address}{sender}")
    if message.subject:
        yield Text(f"“{plain(message.subject)}”", style="cyan")
    if message.reason:
        yield Text(f"{message.state}: {plain(message.reason)}", style="yellow")
    if message.text and not brief:
        yield Quote(message.text)
    for name in message.attachments:
        yield Text(f"attached: {plain(name)}", style="cyan")


def _print_comparison(comparison: Comparison, *, brief: bool) -> None:
    left, right = comparison.left, comparison.right
    say(
        Text(f"{left.playbook} and {right.playbook} for {plain(left.customer)}", style="bold"),
        " (demo data)" if left.demo else "",
    )
    say(f"Nothing is sent. Times are {left.zone}.", style="dim")
    for line in comparison.script:
        say("  · ", line)
    _print_notes(tuple(dict.fromkeys((*left.notes, *right.notes))))
    say()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("When", no_wrap=True)
    table.add_column("What", no_wrap=True)
    table.add_column(left.playbook, overflow="fold", ratio=1)
    table.add_column(right.playbook, overflow="fold", ratio=1)
    for pair in comparison.pairs:
        table.add_row(
            Text(offset_words(pair.offset)),
            Text(pair.state.replace("_", " "), style=LIKENESS_STYLES[pair.state]),
            _side(pair, pair.left),
            _side(pair, pair.right),
        )
    console().print(table)
    for pair in comparison.pairs:
        if pair.state == "changed":
            _print_changes(comparison, pair, brief=brief)
    say()
    say(comparison.summary, style="bold")
    for each in (left, right):
        say(f"{each.playbook}: {each.outcome}, {_totals(each)}")
        _print_refused(each)


def _side(pair: Pair, entry: Entry | None) -> Text:
    if entry is None:
        return Text("–", style="dim")
    text = Text(plain(entry.step or entry.title), style=KIND_STYLES.get(entry.kind, "bold"))
    if entry.state not in ("done", ""):
        text.append(f"  {entry.state}", style=STATE_STYLES.get(entry.state, "yellow"))
    if entry.messages and entry.messages[0].subject:
        text.append(f"\n“{plain(entry.messages[0].subject)}”", style="cyan")
    moved = offset_words(entry.offset) if any(one.what == "time" for one in pair.changes) else ""
    details = ", ".join(part for part in (plain(entry.who), moved) if part)
    if details:
        text.append(f"\n{details}", style="dim")
    return text


def _print_changes(comparison: Comparison, pair: Pair, *, brief: bool) -> None:
    say()
    say(f"{pair.title} has changed", style="bold")
    for change in pair.changes:
        text = _text_change(change, brief=brief) if change.what == "text" else _change(comparison, change)
        console().print(Padding(text, (0, 0, 0, 2), expand=False))


def _change(comparison: Comparison, change: Change) -> Text:
    return Text.assemble(
        (f"{change.what}  ", "dim"),
        (f"{comparison.left.playbook}: {plain(change.left) or '–'}", ""),
        ("  →  ", "dim"),
        (f"{comparison.right.playbook}: {plain(change.right) or '–'}", ""),
    )


def _text_change(change: Change, *, brief: bool) -> Text:
    lines = change.lines
    text = Text(f"text  {words.count(len(lines), 'line')} differ", style="dim")
    if brief:
        return text
    for line in lines[:LINES_SHOWN]:
        text.append(f"\n  {plain(line)}", style="red" if line.startswith("-") else "green")
    if len(lines) > LINES_SHOWN:
        text.append(f"\n  … and {len(lines) - LINES_SHOWN} more", style="dim")
    return text
