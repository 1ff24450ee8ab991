"""A message of Keepwell's own templates here, and the same one apart, as users' templates render.

python -m bench.bench_rendering
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench.table import seconds, show
from keepwell.rendering import apart, guarded
from keepwell.rendering.bundle import load_bundle
from keepwell.rendering.render import render
from keepwell.rendering.sample import full_context

MESSAGES = 100
HERE = "rendered in this process"


def main() -> None:
    """Measure and print."""
    context = full_context()
    for name in ("email/critical/executive_email", "task/critical/phone_call"):
        bundle = load_bundle(name)
        ways: dict[str, Callable[[], object]] = {
            HERE: partial(render, bundle, context),
            "as it is sent: ours, looked up": partial(guarded.render, bundle, context),
            "apart, under limits": partial(apart.render, bundle, context, to_customers=None),
        }
        took = {what: seconds(partial(_many, way), runs=3) for what, way in ways.items()}
        show(name, MESSAGES, took, HERE)


def _many(way: Callable[[], object]) -> None:
    for _ in range(MESSAGES):
        way()


if __name__ == "__main__":
    main()
