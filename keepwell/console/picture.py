"""Where everything stands in the drawing of a playbook: cards in lanes, columns for moments. In pixels.

Letters are measured by a generous guess, so that no line is wider than its card whatever font there is.
"""

from __future__ import annotations

from textwrap import wrap

from keepwell.contracts.base import Frozen
from keepwell.playbook_picture import Lane, Picture, PictureStep

LEFT, COLUMN, CARD, CLOSE = 104, 164, 150, 110
"""Where the first column begins; how wide columns are, the cards within them, and the close at the end."""
TOP, GAP, PAD = 58, 10, 10
LINE = 17
TITLE_LETTERS, SMALL_LETTERS, BOLD_LETTERS = 14, 18, 15
"""Letters in a line of a card: bold at 13.5 pixels, plain at 12, bold at 12."""
LANE_LETTERS = 10
CHANNELS = {"email": "Email", "slack": "Slack", "in_app": "In-app"}
KINDS = {
    "assign": "Assignment",
    "task": "Task",
    "document": "Document",
    "escalate": "Escalation",
    "offer": "Offer",
}


class Text(Frozen):
    """A line of text: where its base line is, and how it looks."""

    y: float
    words: str
    look: str


class Card(Frozen):
    """A step: where its card is, its lines, and what a reader is told who points at it."""

    x: float
    y: float
    height: float
    lane: Lane
    unless: bool
    texts: tuple[Text, ...]
    told: str


class Column(Frozen):
    """A moment on the axis; `wait` stands between it and the one before. The last one is the close."""

    x: float
    words: str
    wait: str
    wait_x: float
    close: bool


class Row(Frozen):
    """A lane: its band, and its name in lines."""

    lane: Lane
    y: float
    height: float
    texts: tuple[Text, ...]


class Drawing(Frozen):
    """All of it."""

    width: float
    height: float
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    cards: tuple[Card, ...]


def drawing_of(picture: Picture) -> Drawing:
    """Draw a playbook's own steps; what follows an accepted offer is told beside the drawing."""
    y = float(TOP)
    rows, cards = [], []
    for lane, name in picture.lanes.items():
        inside, height = _lane([step for step in picture.steps if step.lane == lane], y)
        names = wrap(name, LANE_LETTERS)
        height = max(height, len(names) * LINE + 2 * PAD)
        texts = tuple(
            Text(y=y + PAD + 14 + number * LINE, words=words, look="lane")
            for number, words in enumerate(names)
        )
        rows.append(Row(lane=lane, y=y, height=height, texts=texts))
        cards += inside
        y += height + GAP
    last = len(picture.moments) - 1
    columns = tuple(
        Column(
            x=_x(number),
            words=moment.words,
            wait=moment.wait,
            wait_x=(_x(number) + _x(number - 1)) / 2 + 14,
            close=number == last,
        )
        for number, moment in enumerate(picture.moments)
    )
    return Drawing(
        width=_width(picture),
        height=y,
        columns=columns,
        rows=tuple(rows),
        cards=tuple(cards),
    )


def kind_words(step: PictureStep) -> str:
    """What kind of step it is, in a word: a message by its channel."""
    return CHANNELS[step.channel] if step.kind == "send" else KINDS[step.kind]


def _width(picture: Picture) -> float:
    """To the right edge of the close, or of the cards that stand at the same moment."""
    last = len(picture.moments) - 1
    return _x(last) + (COLUMN if any(step.moment == last for step in picture.steps) else CLOSE)


def _x(column: int) -> float:
    return LEFT + column * COLUMN


def _lane(steps: list[PictureStep], top: float) -> tuple[list[Card], float]:
    """The cards of a lane, those of one moment below each other; and how high the lane is."""
    below: dict[int, float] = {}
    cards = []
    for step in steps:
        y = below.get(step.moment, top + PAD)
        card = _card(step, _x(step.moment), y)
        cards.append(card)
        below[step.moment] = y + card.height + PAD
    return cards, max(below.values()) - top


def _card(step: PictureStep, x: float, y: float) -> Card:
    kind = kind_words(step) + (", at any hour" if step.urgent else "")
    lines = [("small", words) for words in wrap(kind, SMALL_LETTERS)]
    lines += [("name", words) for words in wrap(step.title, TITLE_LETTERS)]
    to = step.to.replace("_", " ")
    if to:
        lines += [("small", words) for words in wrap(f"to {to}", SMALL_LETTERS)]
    if step.within:
        lines += [("small", words) for words in wrap(f"within {step.within}", SMALL_LETTERS)]
    if step.unless:
        lines += [("unless", words) for words in wrap(f"unless {step.unless}", BOLD_LETTERS)]
    texts = tuple(
        Text(y=y + PAD + 11 + number * LINE, words=words, look=look)
        for number, (look, words) in enumerate(lines)
    )
    return Card(
        x=x,
        y=y,
        height=len(lines) * LINE + 2 * PAD,
        lane=step.lane,
        unless=bool(step.unless),
        texts=texts,
        told=f"{step.when}: {step.what}{f', unless {step.unless}' if step.unless else ''}. {step.why}",
    )
