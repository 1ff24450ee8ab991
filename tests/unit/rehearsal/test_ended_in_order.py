"""What ends the process: an exception once, so that cleaning up is not broken off."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from threading import Thread

import pytest

from keepwell.rehearsal.rehearse import ended_in_order

ENDING = (signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Those of a process in a terminal; the test run's own are there again afterwards."""
    before = [signal.signal(number, signal.SIG_DFL) for number in ENDING]
    yield
    for number, handler in zip(ENDING, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ENDING)
def test_each_signal_is_an_exception_and_a_second_one_is_none(number: signal.Signals) -> None:
    steps: list[str] = []

    def work() -> None:
        with ended_in_order():
            try:
                signal.raise_signal(number)
                steps.append("went on")
            finally:
                # A shell passes on the hangup that the terminal has sent already.
                for again in ENDING:
                    signal.raise_signal(again)
                steps.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == ["cleaned up"]
    assert [signal.getsignal(one) for one in ENDING] == [signal.SIG_DFL, signal.SIG_DFL]


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with ended_in_order():
        # As `nohup` starts a process.
        signal.raise_signal(signal.SIGHUP)
        assert callable(signal.getsignal(signal.SIGTERM))
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_in_a_thread_nothing_is_changed() -> None:
    seen: list[object] = []

    def look() -> None:
        with ended_in_order():
            seen.extend(signal.getsignal(number) for number in ENDING)

    before = [signal.getsignal(number) for number in ENDING]
    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == before
