"""How long activities may take and how they are tried again, each with its reason."""

from datetime import timedelta

from temporalio.common import RetryPolicy

STORE_TIMEOUT = timedelta(seconds=30)
"""One short transaction; six times the busy timeout of SQLite."""

STORE_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
"""For ever: a database that is down comes back, and a run must wait for it rather than fail."""

SWEEP_RETRY = RetryPolicy(maximum_attempts=3)
"""The next sweep comes in 10 minutes anyway."""

STEP_TIMEOUT = timedelta(seconds=90)
"""A provider's whole deadline (20 s), waiting out an earlier attempt's lease (45 s), and some room."""

STEP_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=5),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(minutes=10),
    # A pinned template stays as it is: each try would take as much time and memory as the first.
    non_retryable_error_types=["TemplateStoppedError"],
)
"""Until the step's window closes; every 10 minutes at most, so that an outage is over soon after it ends."""

STEP_WINDOW = timedelta(hours=24)
"""How long a step without `within` is tried before it counts as missed."""

LOCAL_RETRY = timedelta(seconds=5)
"""A local activity that must wait longer than this for its next try waits on a timer of the server: the
worker's hold on the run, which it renews every few seconds, would cost more events than the timer."""

LEAST_DEFERRAL = timedelta(minutes=1)
"""A gate that names a moment which is past must not make a run turn in circles."""

LEAST_WINDOW = timedelta(minutes=2)
"""Even a step that comes too late (no worker ran) is tried once before it counts as missed."""

PARTITION_TIMEOUT = timedelta(minutes=15)
"""Ten thousand customers take 5 seconds; a loaded database may take minutes."""

HEARTBEAT = timedelta(seconds=15)
"""A worker that was killed is noticed after this time, not after the whole time-out; a live one tells
Temporal every 4 seconds that it is there."""

DISPATCH_TIMEOUT = timedelta(minutes=30)
"""Ten thousand starts at about 200 a second, with room for a slow server."""

CHURN_TIMEOUT = timedelta(hours=2)
"""Seven thousand customers take a minute or two to train on; a hundred thousand may take an hour."""

CHURN_HEARTBEAT = timedelta(minutes=2)
"""The computation may keep the worker's loop from its heartbeat for some seconds; a killed worker is
noticed soon enough, for nobody waits."""

CHURN_RETRY = RetryPolicy(initial_interval=timedelta(minutes=1), maximum_attempts=3)
"""What is wrong with the data is an answer, not an error; the next night or week comes anyway."""

WEBHOOK_TIMEOUT = timedelta(seconds=45)
"""One call (10 s at most) and the writing down of its answer."""

WEBHOOK_WINDOW = timedelta(hours=24)
"""How long an event is tried: what a receiver did not repair in a day is replayed by a person."""

WEBHOOK_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=10), backoff_coefficient=3.0, maximum_interval=timedelta(hours=1)
)
"""For what the activity does not judge itself (the store, a lost worker); for answers it names the delay,
the same but mixed, and never less than the receiver asked for."""
