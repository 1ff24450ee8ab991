"""Logarithm and halving, held against the library's own, and the properties that those do not promise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.formulas import halvings, log2_from_1


def test_doublings_come_out_exactly() -> None:
    values = np.ldexp(1.0, np.arange(41)) - 1
    assert log2_from_1(values).tolist() == list(range(41))
    assert halvings(np.arange(41.0)).tolist() == np.ldexp(1.0, -np.arange(41)).tolist()


def test_they_are_the_librarys_but_for_the_last_bits() -> None:
    values = np.concatenate([[0.0], np.logspace(-15, 13, 100_001)])
    np.testing.assert_allclose(log2_from_1(values), np.log2(1 + values), rtol=1e-15, atol=1e-15)
    times = np.linspace(0, 300, 100_001)
    np.testing.assert_allclose(halvings(times), np.exp2(-times), rtol=4e-16)


@given(value=st.floats(0, 1e300), times=st.floats(0, 1200))
def test_neighbouring_numbers_never_turn_round(value: float, times: float) -> None:
    for number, formula, sign in ((value, log2_from_1, 1), (times, halvings, -1)):
        above = math.nextafter(number, math.inf)
        both = formula(np.array([number, above])) * sign
        assert both[0] <= both[1]


@pytest.mark.parametrize("power", range(1, 60, 7))
def test_nor_at_the_borders_of_a_power_of_two(power: int) -> None:
    borders = np.array([2.0**power - 1, float(power)])
    around = np.array([np.nextafter(borders, -np.inf), borders, np.nextafter(borders, np.inf)])
    assert np.all(np.diff(log2_from_1(around[:, 0])) >= 0)
    assert np.all(np.diff(halvings(around[:, 1])) <= 0)


def test_what_is_gone_is_gone() -> None:
    assert halvings(np.array([1e9, 1e300])).tolist() == [0.0, 0.0]
