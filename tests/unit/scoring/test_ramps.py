"""Straight lines as ramps, and the ranking of costs: exact at the corners, never falling, ties in order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scoring.arrays import FloatArray
from scoring.normalise import Table, points_of
from scoring.ramps import ramps_of
from scoring.ranking import Ranking, costliest


@st.composite
def tables(draw: st.DrawFn) -> Table:
    count = draw(st.integers(2, 6))
    raws = sorted(draw(st.sets(st.integers(-(10**9), 10**9), min_size=count, max_size=count)))
    scale = draw(st.sampled_from([1e-7, 0.1, 1 / 3, 1.0, 1000.0]))
    points = sorted(draw(st.lists(st.floats(0, 100), min_size=count - 1, max_size=count - 1)))
    points.append(100.0 if points[0] < 100 else 99.0)
    points.sort(reverse=draw(st.booleans()))
    return Table(points=tuple((raw * scale, gained) for raw, gained in zip(raws, points, strict=True)))


@given(table=tables(), raws=st.lists(st.floats(-1e13, 1e13), min_size=2, max_size=20))
def test_any_table_is_exact_at_its_ends_and_keeps_the_order(table: Table, raws: list[float]) -> None:
    corners = np.array(table.corners)
    at_corners = points_of(table, corners[:, 0])
    np.testing.assert_allclose(at_corners, corners[:, 1], atol=1e-12)
    best = int(np.argmax(corners[:, 1]))
    assert at_corners[best] == 100.0 - (100.0 - corners[best, 1])
    many = np.sort(np.concatenate([raws, corners[:, 0], np.nextafter(corners[:, 0], np.inf)]))
    points = points_of(table, many)
    rising = corners[0, 1] < corners[-1, 1]
    assert np.all(np.diff(points) >= 0) if rising else np.all(np.diff(points) <= 0)
    assert np.all((points >= 0) & (points <= 100))
    np.testing.assert_allclose(points, np.interp(many, corners[:, 0], corners[:, 1]), atol=1e-6)


def test_the_worst_end_loses_exactly_what_it_should() -> None:
    # 100 / 0.7 x 0.7 is 100 less a last bit when rounded to nearest; the ramp is as much steeper
    for width in np.linspace(0.01, 99, 997).tolist():
        ramps = ramps_of(((0.0, 0.0), (width, 100.0)))
        assert ramps.ramps[0].slope * width >= 100.0
        assert points_of(Table(points=((0.0, 0.0), (width, 100.0))), np.array([0.0, width])).tolist() == [
            0,
            100,
        ]


COSTS = st.one_of(st.sampled_from([0.0, -0.0, 1.0, 5.0, 400.0]), st.floats(1e-200, 1e4))


def ranked(ranking: Ranking, costs: FloatArray, k: int) -> NDArray[np.intp]:
    """(k, n) places of the costs (n, m), put in metric by metric."""
    for position in range(costs.shape[1]):
        ranking.add(np.ascontiguousarray(costs[:, position]), position)
    found = np.empty((k, len(costs)), dtype=np.intp)
    for rank in range(k):
        ranking.places(rank, found[rank])
    return found


@given(
    rows=st.integers(1, 40).flatmap(
        lambda m: st.lists(st.lists(COSTS, min_size=m, max_size=m), min_size=1, max_size=5)
    ),
    k=st.integers(1, 45),
)
def test_ranking_agrees_with_sorting(rows: list[list[float]], k: int) -> None:
    costs = np.array(rows)
    m = costs.shape[1]
    ranking = Ranking(m, k, len(costs))
    # Working memory is used again: what was ranked before leaves nothing behind.
    ranked(ranking, costs[::-1] + 1.0, k)
    found = ranked(ranking, costs, k)
    for row, places in zip(costs, found.T.tolist(), strict=True):
        assert costliest(row)[:k] == [place for place in places if place >= 0]
        kept = [place for place in places if place >= 0]
        expected = sorted((p for p in range(m) if row[p] > 0), key=lambda p: (-row[p], p))[:k]
        assert len(kept) == len(set(kept)) == len(expected)
        assert places[len(kept) :] == [-1] * (k - len(kept))
        # Positions may change places only among costs that agree to 12 digits.
        np.testing.assert_allclose(row[kept], row[expected], rtol=1e-12)


def test_equal_costs_go_by_the_order() -> None:
    costs = np.array([[3.0, 7.0, 7.0, 0.0]])
    assert ranked(Ranking(4, 5, 1), costs, 5)[:, 0].tolist() == [1, 2, 0, -1, -1]
    assert costliest(costs[0]) == [1, 2, 0]
