"""The base of all contracts."""

from typing import NoReturn

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


class Facts(Frozen):
    """What a template gets, to be read field by field: as a whole it is neither text nor a list.

    Filters and `~` would else print or unpack all of it, fields included that its reader may not see.
    """

    def __str__(self) -> str:
        """None. Raises TypeError, always."""
        raise TypeError(f"this prints a whole {type(self).__name__}; print a field of it")

    def __repr__(self) -> str:
        """Its name: within a list, too, a template must not print the fields."""
        return f"{type(self).__name__}(…)"

    def __iter__(self) -> NoReturn:
        """None. Raises TypeError, always."""
        raise TypeError(f"a {type(self).__name__} is no list; name a field of it")
