"""A reaction as one line: read, refused with its place, and written again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from keepwell.contracts.offers import OfferKind
from keepwell.errors import InputError
from keepwell.rehearsal.lines import KINDS, line_of, reaction_of, typed_span
from keepwell.rehearsal.reactions import (
    AcceptOffer,
    CauseGone,
    CompleteStep,
    DeclineOffer,
    PauseFor,
    Reaction,
    ReassignTo,
    Reply,
    ResumeNow,
    ScoreTo,
    SeeOffer,
    SkipStep,
    StopNow,
    Upgrade,
)
from keepwell.spans import read_span

SPANS = st.integers(0, 366 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
WORDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,30}", fullmatch=True)
PLAIN = (Reply, ResumeNow, StopNow, SeeOffer, DeclineOffer, CauseGone)
REACTIONS = st.one_of(
    *(st.builds(kind, at=SPANS) for kind in PLAIN),
    st.builds(ScoreTo, at=SPANS, points=st.integers(0, 1000).map(lambda tenths: tenths / 10)),
    SPANS.flatmap(
        lambda at: st.builds(
            PauseFor, at=st.just(at), until=st.none() | st.just(min(at * 2, timedelta(days=366)))
        )
    ).filter(lambda one: one.until is None or one.until > one.at),
    st.builds(SkipStep, at=SPANS, step=WORDS),
    st.builds(CompleteStep, at=SPANS, step=WORDS),
    st.builds(ReassignTo, at=SPANS, to=WORDS),
    st.builds(Upgrade, at=SPANS, plan=st.just("") | WORDS),
    st.builds(AcceptOffer, at=SPANS, option=st.just(OfferKind.BILLING_PAUSE), months=st.integers(1, 3)),
    st.builds(AcceptOffer, at=SPANS, option=st.just(OfferKind.PLAN_DOWNGRADE), plan=st.just("") | WORDS),
)
READ: TypeAdapter[Reaction] = TypeAdapter(Reaction)


@given(REACTIONS)
def test_what_is_written_is_read_again(reaction: Reaction) -> None:
    assert reaction_of(line_of(reaction), place="typed[0]") == reaction
    assert reaction_of(f"--{line_of(reaction)}", place="typed[0]") == reaction


@given(SPANS)
def test_a_span_is_typed_as_it_is_read(span: timedelta) -> None:
    assert read_span(typed_span(span)) == span


def test_every_kind_of_reaction_has_its_line() -> None:
    found = READ.json_schema()["discriminator"]["mapping"]
    assert set(KINDS) == set(found)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("replly 30h", "did you mean 'reply'"),
        ("reply", "lacks its time"),
        ("--reply", "lacks its time"),
        ("", "no reaction"),
        ("reply 30h\nstop 40h", "no reaction"),
        ("reply 30x", "no length of time"),
        ("pause 4d..2d", "ends before it begins"),
        ("score 5d=101", "no score"),
        ("silent 1h", "no reaction"),
        ("acknowledge 1h", "no reaction"),
    ],
)
def test_what_is_no_reaction_is_refused_with_its_place(line: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        reaction_of(line, place="typed[3]")
    assert refused.value.place == "typed[3]"
    assert refused.value.hint


@pytest.mark.parametrize("at", ["30h", "PT30H", "1d6h", "P1DT6H", timedelta(hours=30)])
def test_as_data_a_time_is_taken_as_typed_or_by_iso_8601(at: object) -> None:
    assert READ.validate_python({"kind": "reply", "at": at}) == Reply(at=timedelta(hours=30))


@pytest.mark.parametrize("at", [30, "30", "30x", None, "400d", "-P1D", "-3h"])
def test_as_data_a_time_needs_its_unit_and_a_year_is_the_most(at: object) -> None:
    with pytest.raises(ValidationError):
        READ.validate_python({"kind": "reply", "at": at})


def test_as_data_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="note"):
        READ.validate_python({"kind": "stop", "at": "3h", "note": "why"})
