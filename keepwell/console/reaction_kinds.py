"""What may happen in a rehearsal, as the form offers it: its words, and which fields it takes."""

from __future__ import annotations

from keepwell.contracts.base import Frozen
from keepwell.contracts.offers import OfferKind
from keepwell.contracts.playbook import Playbook


class ReactionKind(Frozen):
    """A kind of reaction: whose doing it is (`group`), and the `fields` it needs beside the time."""

    kind: str
    words: str
    group: str
    fields: tuple[str, ...] = ()


_CUSTOMER, _CSM, _FIGURES = "The customer", "The CSM", "What is measured"
_ALL = (
    ReactionKind(kind="reply", words="answers", group=_CUSTOMER),
    ReactionKind(kind="seen", words="sees the offer", group=_CUSTOMER),
    ReactionKind(kind="accept", words="accepts the offer", group=_CUSTOMER, fields=("option", "terms")),
    ReactionKind(kind="decline", words="declines the offer", group=_CUSTOMER),
    ReactionKind(kind="upgrade", words="upgrades", group=_CUSTOMER, fields=("plan",)),
    ReactionKind(kind="score", words="the score becomes", group=_FIGURES, fields=("points",)),
    ReactionKind(kind="over", words="the alert's cause is over", group=_FIGURES),
    ReactionKind(kind="pause", words="pauses it", group=_CSM, fields=("until",)),
    ReactionKind(kind="resume", words="resumes it", group=_CSM),
    ReactionKind(kind="skip", words="skips a step", group=_CSM, fields=("step",)),
    ReactionKind(kind="complete", words="does a step by hand", group=_CSM, fields=("step",)),
    ReactionKind(kind="reassign", words="hands the customer on", group=_CSM, fields=("to",)),
    ReactionKind(kind="stop", words="stops it", group=_CSM),
)


def kinds_for(playbook: Playbook) -> dict[str, list[ReactionKind]]:
    """The kinds that make sense for a playbook, by whose doing they are."""
    fits = {
        "seen": playbook.offer is not None,
        "accept": playbook.offer is not None,
        "decline": playbook.offer is not None,
        "upgrade": playbook.signal is not None,
        "over": playbook.family == "event",
    }
    found: dict[str, list[ReactionKind]] = {}
    for kind in _ALL:
        if fits.get(kind.kind, True):
            found.setdefault(kind.group, []).append(kind)
    return found


def options_for(playbook: Playbook) -> dict[str, str]:
    """What the playbook's offer holds, by the name of the option, in words."""
    offer = playbook.offer
    return {one.kind.value: _words(one.kind) for one in offer.options} if offer else {}


def _words(kind: OfferKind) -> str:
    return kind.words[:1].upper() + kind.words[1:]
