"""The base of all contracts."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value that does not change.

    Numbers are finite: Temporal's JSON turns NaN into null, and a run that cannot read its input
    retries its first task for ever. Unknown fields are ignored, so that a newer sender can talk to
    an older worker during a deployment.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Strict(Frozen):
    """A value that people write: a field we do not know is a mistake, not a newer version."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
