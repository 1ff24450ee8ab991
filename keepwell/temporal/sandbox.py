"""The sandbox that workflow code runs in, the same for workers and for replay.

Passed through, because they are pure values and names, the same in every run: our contracts, keys and
errors, the names of activities, the levels, and pydantic, of which every contract is made. Loading them
anew would cost some 7 ms of each new run. The workflows' own modules are not passed through: that is where
a clock or a random number would do harm.
"""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

PASSED_THROUGH = (
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
