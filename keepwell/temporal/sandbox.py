"""The sandbox that workflow code runs in, the same for workers and for replay.

Passed through, because they are pure values and names, the same in every run: our contracts, keys and
errors, the names of activities, the levels, pydantic, of which every contract is made, and those modules of
the workflows that compute with plain values and know no Temporal. Loading them anew would cost 15 ms of each
new run. The rest of the workflows is not passed through: that is where a clock or a random number would do
harm. `tests/unit/workflows/test_sandbox.py` keeps them out of what is passed through.
"""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

PURE = (
    "workflows.clock",
    "workflows.details",
    "workflows.offers",
    "workflows.policies",
    "workflows.standing",
    "workflows.state",
)
"""Modules of the workflows without a clock, chance, files or anything else that differs between runs."""

PASSED_THROUGH = (
    *PURE,
    "keepwell.contracts",
    "keepwell.errors",
    "keepwell.keys",
    "keepwell.ports",
    "keepwell.temporal.search_attribute_keys",
    "activities",
    "scoring.levels",
    "scoring.signal",
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "ulid",
)


def sandbox() -> SandboxedWorkflowRunner:
    """The runner for `Worker(workflow_runner=…)` and `Replayer(workflow_runner=…)`."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions)
